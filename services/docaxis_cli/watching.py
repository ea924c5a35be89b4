"""`docaxis watch`: what happens to one's organisations, as it happens."""

from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.session import OK, AxisSession, vietnam_time

if TYPE_CHECKING:
    from docaxis_client.client import DocaxisClient
    from docaxis_client.watching import Event


def watch(
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only this type; may be given repeatedly.")
    ] = None,
    organisations: Annotated[
        list[str] | None,
        typer.Option("--organisation", help="Only this one of yours; may be given repeatedly."),
    ] = None,
    cursor: Annotated[
        str | None, typer.Option(help="Go on behind this event; else from now on.")
    ] = None,
    count: Annotated[int, typer.Option(min=0, help="End after so many; 0: never.")] = 0,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Tell what happens, as it happens, until Ctrl-C; goes on by itself after a cut.

    It tells ids alone: what they stand for is asked with timeline, inbox and get. With --json: one
    line for each event, with the cursor to resume behind it.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        from contextlib import aclosing

        session.say("watching")
        told = 0
        stream = axis.events(types=types or (), organisations=organisations or (), cursor=cursor)
        async with aclosing(stream):
            async for event in stream:
                session.give(event)
                session.line(_line(event))
                told += 1
                if told == count:
                    break
        return OK

    session.call(work)


def _line(event: "Event") -> str:
    ids = event.data
    about = ids.delivery_id and f" delivery {ids.delivery_id}"
    return f"{vietnam_time(event.timestamp)}  {event.type:<21} document {ids.document_id}{about}"
