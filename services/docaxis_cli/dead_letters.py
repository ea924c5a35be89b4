"""`docaxis deliveries` and `resend`: what stands in a state, and sending what expired again."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.session import OK, AxisSession

if TYPE_CHECKING:
    from docaxis_client.client import DocaxisClient


class State(StrEnum):
    """How a delivery can stand."""

    HELD = "held"
    READY = "ready"
    HANDED_OVER = "handed_over"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


def deliveries(
    state: Annotated[State, typer.Option(help="How they stand now.")] = State.EXPIRED,
    received: Annotated[
        bool, typer.Option("--received", help="Your own, not those of documents you sent.")
    ] = False,
    organisation: Annotated[str | None, typer.Option(help="Only of this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 100,
    cursor: Annotated[str | None, typer.Option(help="Where an earlier list ended.")] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """List deliveries by how they stand: by default those that nobody took over in time."""
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        side = "received" if received else "sent"
        page = await axis.find_deliveries(
            state.value, side=side, organisation=organisation, limit=limit, cursor=cursor
        )
        session.give(page)
        if session.as_json:
            return OK
        if not page.items:
            session.say("no_deliveries")
            return OK
        from rich.table import Table

        words = session.words
        table = Table(*map(words, ("delivery", "recipient", "document", "reason")))
        for each in page.items:
            table.add_row(each.id, each.code, each.document_id, each.reason or "")
        session.show(table)
        if page.next:
            session.say("more", cursor=page.next)
        return OK

    session.call(work)


def resend(
    delivery: Annotated[str, typer.Argument(help="The delivery's id.")],
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Send a delivery that expired again; of one that cannot be, say why."""
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        again = await axis.resend(delivery)
        session.give(again)
        session.say("resent", id=again.delivery_id)
        return OK

    session.call(work)
