"""`docaxis admin account …`: people's accounts and their roles."""

from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.admin_calls import admin_session, call, change
from docaxis_cli.session import OK, AxisSession, UsageProblem

if TYPE_CHECKING:
    from docaxis_client.accounts import Account
    from docaxis_client.administration import Administration

app = typer.Typer(
    name="account",
    help="People's accounts: who may do what for which organisation.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT_ID", help="The account's id.")]
FullName = Annotated[str, typer.Option("--name", help="The person's name.")]
Email = Annotated[str | None, typer.Option(help="The person's e-mail address.")]
Phone = Annotated[str | None, typer.Option(help="The person's telephone number.")]
Role = Annotated[
    str,
    typer.Argument(
        help="clerk, leader, specialist, organisation_administrator, system_administrator or "
        "auditor."
    ),
]
OfOrganisation = Annotated[
    str | None,
    typer.Option(
        "--organisation", help="Code of the organisation; without it, an auditor of all of them."
    ),
]


@app.command()
def register(
    login: Annotated[str, typer.Argument(help="What the person types in to sign in.")],
    full_name: FullName,
    organisation: Annotated[str, typer.Option(help="Code of the organisation they belong to.")],
    email: Email = None,
    phone: Phone = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Make a person's account; it has no role yet."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    call(
        session,
        lambda axis: change(
            session,
            axis.register_account(login, organisation, full_name, email=email, phone=phone),
        ),
    )


@app.command("list")
def list_accounts(
    organisation: Annotated[str | None, typer.Option(help="Of this organisation alone.")] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """List accounts with their roles."""
    session = admin_session(data, name, credentials, url, as_json, lang)

    async def work(axis: "Administration") -> int:
        page = await axis.accounts(organisation=organisation)
        found = list(page.items)
        while page.next:
            page = await axis.accounts(organisation=organisation, cursor=page.next)
            found += page.items
        session.give(found)
        for each in found:
            _tell(session, each)
        return OK

    call(session, work)


@app.command()
def show(
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT_ID]", help="The account's id.")
    ] = None,
    login: Annotated[str | None, typer.Option(help="Its login name, instead of the id.")] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Show one account, by its id or login name."""
    session = admin_session(data, name, credentials, url, as_json, lang)

    async def work(axis: "Administration") -> int:
        if account is not None and login is None:
            found = await axis.account(account)
        elif login is not None and account is None:
            found = await axis.find_account(login)
        else:
            raise UsageProblem(session.words("account_or_login"))
        session.give(found)
        _tell(session, found)
        return OK

    call(session, work)


@app.command()
def person(
    account: AccountId,
    full_name: FullName,
    email: Email = None,
    phone: Phone = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Replace a person's name and contact data: what is not given is removed."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    call(
        session,
        lambda axis: change(session, axis.set_person(account, full_name, email=email, phone=phone)),
    )


@app.command()
def grant(
    account: AccountId,
    role: Role,
    organisation: OfOrganisation = None,
    first: Annotated[
        str | None, typer.Option("--from", help="First day, YYYY-MM-DD; else today.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--until", help="Last day, YYYY-MM-DD; else open.")
    ] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Give a role for an organisation."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    call(
        session,
        lambda axis: change(
            session,
            axis.grant_role(account, role, organisation, valid_from=first, valid_until=last),
        ),
    )


@app.command()
def end(
    account: AccountId,
    role: Role,
    organisation: OfOrganisation = None,
    last: Annotated[
        str | None, typer.Option("--until", help="Last day, YYYY-MM-DD; else over at once.")
    ] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """End a role."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    call(
        session,
        lambda axis: change(session, axis.end_role(account, role, organisation, valid_until=last)),
    )


@app.command()
def lock(
    account: AccountId,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Shut a person out: none of their roles counts."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    call(session, lambda axis: change(session, axis.lock_account(account, locked=True)))


@app.command()
def unlock(
    account: AccountId,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Let a person in again."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    call(session, lambda axis: change(session, axis.lock_account(account, locked=False)))


@app.command()
def erase(
    account: AccountId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask back.")] = False,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Make an account void for ever, and destroy login, name and contact data."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    if not yes:
        typer.confirm(session.words("account_erase", id=account), abort=True, err=True)
    call(session, lambda axis: change(session, axis.erase_account(account)))


def _tell(session: AxisSession, account: "Account") -> None:
    who = account.person.name if account.person else "–"
    state = session.words(f"account_{account.state}") if account.state != "active" else ""
    session.line(
        f"{account.id} {account.organisation.code} {account.login or '–'} {who}"
        + (f" [{state}]" if state else "")
    )
    for each in account.roles:
        where = each.organisation.code if each.organisation else session.words("account_everywhere")
        held = "" if each.in_force else f" [{session.words('account_not_in_force')}]"
        session.line(f"    {each.role} {where} {each.valid_from}–{each.valid_until or '…'}{held}")
