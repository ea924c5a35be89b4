"""`docaxis timeline`, `whoami` and `token`: what the axis knows, and who it takes you for."""

from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.session import NOT_PROVEN, OK, AxisSession

if TYPE_CHECKING:
    from docaxis_client.client import DocaxisClient
    from docaxis_client.tracking import Timeline


def timeline(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="The document's id.")],
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Tell what became of each copy, and check the receipts."""
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        from docaxis_client.errors import ReceiptInvalid

        found = await axis.document(document)
        whole = await whole_timeline(axis, document)
        verdict = await axis.verdict(document)
        receipts = await axis.document_receipts(document)
        proven = {}
        for receipt in receipts:
            try:
                await axis.verify_receipt(receipt.jws, document_id=found.id)
                proven[receipt.id] = True
            except ReceiptInvalid:
                proven[receipt.id] = False
        session.give(
            {
                "document": found,
                "timeline": whole.items,
                "verdict": verdict,
                "receipts": [{"receipt": each, "proven": proven[each.id]} for each in receipts],
            }
        )
        if not session.as_json:
            from docaxis_cli.timeline_view import timeline_view

            view = timeline_view(session.words, found, whole, verdict, receipts, proven)
            session.show(view)
        return OK if all(proven.values()) else NOT_PROVEN

    session.call(work)


def whoami(
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Tell who the axis takes you for, and whom you serve.

    A first try of the connection and of your key.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        me = await axis.me()
        session.give(me)
        session.say("you_are", id=me.system_id, name=me.name)
        session.say("you_serve")
        if not session.as_json:
            from rich.table import Table

            table = Table(session.words("code"), session.words("name"))
            for organisation in me.organisations:
                table.add_row(organisation.code, organisation.name)
            session.show(table)
        return OK

    session.call(work)


def token(
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Print an access token for other tools.

    Example: curl -H "Authorization: Bearer $(docaxis token --as office)" …
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        found = await axis.access_token()
        session.give({"access_token": found})
        session.line(found)
        return OK

    session.call(work)


async def whole_timeline(axis: "DocaxisClient", document_id: str) -> "Timeline":
    """Get a timeline page by page, as one."""
    from msgspec.structs import replace

    page = await axis.timeline(document_id)
    items = list(page.items)
    while page.next:
        page = await axis.timeline(document_id, cursor=page.next)
        items.extend(page.items)
    return replace(page, items=tuple(items))
