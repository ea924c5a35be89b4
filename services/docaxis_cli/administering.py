"""`docaxis admin …`: what administrators do, over REST; the first of them is made on the spot."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import admin_lifecycle, options, registry_connection
from docaxis_cli.admin_calls import NotAfter, NotBefore, admin_session, call, change, moment_of
from docaxis_cli.session import OK, REFUSED, AxisSession, UsageProblem, vietnam_time

if TYPE_CHECKING:
    from docaxis_client.administration import Administration

app = typer.Typer(
    name="admin",
    help="Run an axis: organisations, systems, credentials, locks.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

SystemId = Annotated[str, typer.Argument(help="The system's id.")]
Code = Annotated[str, typer.Argument(help="The organisation's code.")]
Organisations = Annotated[
    list[str] | None, typer.Option("--organisation", help="Code of one that it serves; repeatable.")
]
_ACTIONS = ("lock", "unlock")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the credentials: clients/NAME.json.")],
    data: options.Data = options.DEFAULT_DATA,
    url: Annotated[
        str, typer.Option("--url", envvar="DOCAXIS_URL", help="Address of the axis.")
    ] = "http://127.0.0.1:8080",
    registry: registry_connection.Registry = "",
    tls_certificate: registry_connection.Certificate = None,
    tls_key: registry_connection.Key = None,
    tls_authority: registry_connection.Authority = None,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Make an administrator of the axis whose data folder this is; whoever may read it may."""
    session = AxisSession(
        data=data, name=None, credentials=None, url=url, as_json=as_json, language=lang
    )

    async def work() -> int:
        from docaxis_eventsourcing.errors import DocaxisError
        from docaxis_runtime.log_setup import configure_logging
        from docaxis_runtime.tls import tls_files
        from docaxis_standalone.administrators import create_administrator

        configure_logging("console", "ERROR")
        try:
            tls = tls_files(tls_certificate, tls_key, tls_authority)
            path = await create_administrator(data, name, url, registry, tls)
        except (ValueError, DocaxisError, FileExistsError) as error:
            raise UsageProblem(str(error)) from error
        session.give({"credentials": str(path)})
        session.say("admin_made", path=path, name=name)
        return OK

    session.run(work)


@app.command("organisations")
def register_organisations(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON: a list of organisations.")
    ],
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Register or change up to 500 organisations: code, name, level, parent, aliases."""
    session = admin_session(data, name, credentials, url, as_json, lang)

    async def work(axis: "Administration") -> int:
        try:
            entries = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UsageProblem(f"{file}: {error}") from error
        outcomes = await axis.register_organisations(entries)
        session.give(outcomes.results)
        for each in outcomes.results:
            session.line(f"{each.code}: {each.result}")
        well = ("registered", "unchanged")
        return OK if all(each.result in well for each in outcomes.results) else REFUSED

    call(session, work)


@app.command("organisation")
def act_on_organisation(
    code: Code,
    action: Annotated[str, typer.Argument(help="lock or unlock.")],
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Shut an organisation out, or let it in again."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    locked = _locked(action)
    call(session, lambda axis: change(session, axis.lock_organisation(code, locked=locked)))


@app.command()
def policy(
    code: Code,
    signatures: Annotated[str, typer.Argument(help="advisory or required.")],
    document_type: Annotated[
        str | None, typer.Option("--type", help="Of this document type alone.")
    ] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Say what an organisation asks of the signatures on what it receives."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    call(
        session,
        lambda axis: change(session, axis.set_signature_policy(code, signatures, document_type)),
    )


@app.command()
def systems(
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """List systems and administrators with their credentials."""
    session = admin_session(data, name, credentials, url, as_json, lang)

    async def work(axis: "Administration") -> int:
        page = await axis.systems()
        found = list(page.items)
        while page.next:
            page = await axis.systems(cursor=page.next)
            found += page.items
        session.give(found)
        for each in found:
            lock = f" [{session.words('admin_locked')}]" if each.locked else ""
            served = ", ".join(one.code or one.id for one in each.organisations)
            level = f" ({each.security_level})" if each.security_level else ""
            session.line(
                f"{each.id} {each.connection} {each.onboarding}{level} {each.name}{lock}: {served}"
            )
            for one in each.credentials:
                dates = ""
                if one.not_before or one.not_after:
                    dates = f" {vietnam_time(one.not_before)} – {vietnam_time(one.not_after)}"
                session.line(f"    {one.kind} {one.id}{dates}")
        return OK

    call(session, work)


@app.command("register")
def register_system(
    title: Annotated[str, typer.Argument(help="What the system is called.")],
    connection: Annotated[
        str, typer.Option(help="direct, lgsp, or administration for an administrator.")
    ] = "direct",
    organisation: Organisations = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Register a system; it gets in once it has a credential."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    call(
        session,
        lambda axis: change(session, axis.register_system(title, connection, organisation or ())),
    )


@app.command()
def serve(
    system: SystemId,
    organisation: Organisations = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Replace the organisations that a system serves."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    call(session, lambda axis: change(session, axis.serve(system, organisation or ())))


@app.command("system")
def act_on_system(
    system: SystemId,
    action: Annotated[str, typer.Argument(help="lock or unlock.")],
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Shut a system out, or let it in again."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    locked = _locked(action)
    call(session, lambda axis: change(session, axis.lock_system(system, locked=locked)))


@app.command("credential")
def add_credential(
    system: SystemId,
    public_jwk: Annotated[
        Path | None,
        typer.Option("--key", exists=True, dir_okay=False, help="A public key: a JWK in a file."),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A client certificate: PEM or DER."),
    ] = None,
    secret: Annotated[
        bool, typer.Option("--secret", help="A shared secret, made by the axis and told once.")
    ] = False,
    not_before: NotBefore = None,
    not_after: NotAfter = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Give a system a further way to prove itself; those that it has stay."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    if sum((public_jwk is not None, certificate is not None, secret)) != 1:
        raise typer.BadParameter("one of --key, --certificate and --secret")
    begins, ends = moment_of(not_before), moment_of(not_after)

    async def work(axis: "Administration") -> int:
        add = partial(axis.add_credential, system, not_before=begins, not_after=ends)
        if public_jwk is not None:
            try:
                jwk = json.loads(public_jwk.read_text(encoding="utf-8"))
            except ValueError as error:
                raise UsageProblem(f"{public_jwk}: {error}") from error
            made = await add("key", public_jwk=jwk)
        elif certificate is not None:
            made = await add("certificate", thumbprint=_thumbprint(certificate))
        else:
            made = await add("hmac")
        session.give(made)
        session.line(made.id)
        if made.secret is not None:
            session.say("admin_secret", secret=made.secret)
        return OK

    call(session, work)


@app.command()
def revoke(
    system: SystemId,
    credential: Annotated[str, typer.Argument(help="The credential's id.")],
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Take a credential back, for ever."""
    session = admin_session(data, name, credentials, url, as_json, lang)

    async def work(axis: "Administration") -> int:
        await axis.revoke_credential(system, credential)
        session.give({"id": credential})
        session.say("admin_done", id=credential)
        return OK

    call(session, work)


for _name, _command in admin_lifecycle.COMMANDS:
    app.command(_name)(_command)


def _locked(action: str) -> bool:
    """Whether `lock` or `unlock` was typed."""
    if action not in _ACTIONS:
        raise typer.BadParameter(f"{action!r}: one of {', '.join(_ACTIONS)}")
    return action == "lock"


def _thumbprint(path: Path) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    content = path.read_bytes()
    try:
        if content.startswith(b"-----"):
            certificate = x509.load_pem_x509_certificate(content)
        else:
            certificate = x509.load_der_x509_certificate(content)
    except ValueError as error:
        raise UsageProblem(f"{path}: {error}") from error
    return certificate.fingerprint(SHA256()).hex()
