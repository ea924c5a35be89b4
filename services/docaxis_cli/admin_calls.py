"""What commands of `docaxis admin` share: session, client, and moments as they are typed."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docaxis_cli.session import OK, ZONE, AxisSession, UsageProblem

if TYPE_CHECKING:
    from docaxis_client.administration import Administration

_MOMENT = "Date or RFC 3339 time; without a zone that of Viet Nam."
NotBefore = Annotated[
    str | None, typer.Option("--from", metavar="WHEN", help=f"Counts from then on. {_MOMENT}")
]
NotAfter = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help=f"Counts until then. {_MOMENT}")
]


def moment_of(text: str | None) -> datetime | None:
    """A moment as it was typed. Raises `typer.BadParameter`."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: such as 2026-12-31 or 2026-12-31T17:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


def admin_session(
    data: Path,
    name: str | None,
    credentials: Path | None,
    url: str | None,
    as_json: bool,
    lang: str | None,
) -> AxisSession:
    """The run of an administrator's command."""
    return AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )


def call(session: AxisSession, work: "Callable[[Administration], Awaitable[int]]") -> None:
    """Run a command's work with an administrator's client."""

    async def connected() -> int:
        from docaxis_client.administration import Administration

        mine = session.credentials()
        address = session.url or mine.base_url
        if not address:
            raise UsageProblem(session.words("no_url"))
        async with Administration(address, mine, language=session.words.language) as axis:
            return await work(axis)

    session.run(connected)


async def change(session: AxisSession, act: Awaitable[Any]) -> int:
    """Do one act, and tell the id of what it changed."""
    changed = await act
    session.give(changed)
    session.say("admin_done", id=changed.id)
    return OK
