"""`docaxis organisations`, `find` and `receipts`: what the axis keeps, by words, id or cursor."""

from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.session import OK, REFUSED, AxisSession, vietnam_time

if TYPE_CHECKING:
    from docaxis_client.client import DocaxisClient

Limit = Annotated[int, typer.Option(min=1, max=500, help="At most so many.")]
Cursor = Annotated[str | None, typer.Option(help="Only what comes behind it.")]


def organisations(
    query: Annotated[
        str, typer.Argument(metavar="WORDS", help="Words or a code; none lists all.")
    ] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Search the catalogue for the code of an organisation.

    Example: docaxis organisations "Hà Nội" --as office
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        page = await axis.organisations(query, limit=limit, cursor=cursor)
        session.give(page)
        for each in page.items:
            session.line(f"{each.code}  {each.name}")
        if not page.items:
            session.say("nothing_found")
        if page.next:
            session.say("more", cursor=page.next)
        return OK

    session.call(work)


def find(
    document_id: Annotated[str, typer.Argument(metavar="ID", help="Your own id of it.")],
    sender: Annotated[
        str | None, typer.Option("--from", help="Sending organisation; else your first.")
    ] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Find a document by your own id of it. Exit code 1 when there is none."""
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        own = axis.credentials.organisations
        found = await axis.find_documents(sender or (own[0] if own else ""), document_id)
        session.give(found)
        for each in found.items:
            moment = vietnam_time(each.accepted_at)
            session.line(f"{each.id}  {each.status}  {each.number}/{each.notation}  {moment}")
            session.line(f"  {each.subject}")
        if not found.items:
            session.say("nothing_found")
        return OK if found.items else REFUSED

    session.call(work)


def receipts(
    limit: Limit = 50,
    cursor: Cursor = None,
    wait: Annotated[int, typer.Option(min=0, max=50, help="Seconds to wait for news.")] = 0,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """List receipts of what you sent and took over.

    Oldest first. With --json each comes with its JWS: keep these lines, and the last page's `next`
    as --cursor.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        page = await axis.receipts(cursor=cursor, limit=limit, wait=wait or None)
        session.give(page)
        for each in page.items:
            moment = vietnam_time(each.sealed_at)
            session.line(f"{each.id}  {each.kind}  {each.document_id}  {moment}")
        if not page.items:
            session.say("nothing_found")
        if page.next and len(page.items) == limit:
            session.say("more", cursor=page.next)
        return OK

    session.call(work)
