"""`docaxis admin …` for what changes with time: mergers, onboarding, levels, validity."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.admin_calls import NotAfter, NotBefore, admin_session, call, change, moment_of
from docaxis_cli.session import OK

if TYPE_CHECKING:
    from docaxis_client.administration import Administration

SystemId = Annotated[str, typer.Argument(help="The system's id.")]
_STATES = ("testing", "connected", "suspended", "registered")


def find(
    words: Annotated[str, typer.Argument(help="Words of the name, or a code.")] = "",
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """List organisations: code, level, name, state; 500 at the most."""
    session = admin_session(data, name, credentials, url, as_json, lang)

    async def work(axis: "Administration") -> int:
        page = await axis.organisations(words, limit=500)
        session.give(page.items)
        for each in page.items:
            into = f" → {each.merged_into.code} {each.merged_into.on}" if each.merged_into else ""
            lock = f" [{session.words('admin_locked')}]" if each.locked else ""
            session.line(f"{each.code} {each.level} {each.name}{lock}{into}")
        return OK

    call(session, work)


def merge(
    codes: Annotated[list[str], typer.Argument(help="Codes of those that are merged.")],
    into: Annotated[str, typer.Option(help="Code of the organisation that they become part of.")],
    on: Annotated[
        str | None, typer.Option(metavar="DATE", help="From this day on; else from today.")
    ] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Merge organisations into another; their codes lead to it from that day on. For ever."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    day = _date(on) if on else None
    call(session, lambda axis: change(session, axis.merge_organisations(codes, into, day)))


def onboard(
    system: SystemId,
    state: Annotated[str, typer.Argument(help=f"One of {', '.join(_STATES)}.")],
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Let a system go on: testing needs a credential, connected an organisation; or suspend it."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    if state not in _STATES:
        raise typer.BadParameter(f"{state!r}: one of {', '.join(_STATES)}")
    call(session, lambda axis: change(session, axis.onboard_system(system, state)))


def security_level(
    system: SystemId,
    level: Annotated[int, typer.Argument(min=1, max=5, help="1-5.")],
    since: Annotated[str, typer.Option(metavar="DATE", help="The day of its approval.")],
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Say which information-security level was approved for a system."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    day = _date(since)
    call(session, lambda axis: change(session, axis.set_security_level(system, level, day)))


def validity(
    system: SystemId,
    credential: Annotated[str, typer.Argument(help="The credential's id.")],
    not_before: NotBefore = None,
    not_after: NotAfter = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Say from when until when a credential counts; what is not given is open."""
    session = admin_session(data, name, credentials, url, as_json, lang)
    begins, ends = moment_of(not_before), moment_of(not_after)
    call(
        session,
        lambda axis: change(
            session,
            axis.date_credential(system, credential, not_before=begins, not_after=ends),
        ),
    )


COMMANDS = (
    ("find", find),
    ("merge", merge),
    ("onboard", onboard),
    ("security-level", security_level),
    ("validity", validity),
)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: a date such as 2026-12-31") from None
