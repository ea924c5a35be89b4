"""`docaxis inbox`, `get`, `ack` and `status`: a recipient's side."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.session import (
    OK,
    REFUSED,
    AxisSession,
    UsageProblem,
    progress,
    vietnam_time,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from docaxis_client.client import DocaxisClient
    from docaxis_client.models import Document
    from docaxis_client.tracking import InboxItem

Organisation = Annotated[
    str | None, typer.Option("--organisation", help="Only this one of your organisations.")
]


def inbox(
    organisation: Organisation = None,
    wait: Annotated[int, typer.Option(min=0, max=50, help="Seconds to wait for news.")] = 0,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on, document by document, until Ctrl-C.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Only what came behind it.")] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """List what waits for your organisations. Looking changes nothing.

    With --follow and --json: one line of JSON for each document.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        if follow:
            session.say("inbox_following")
            async for item in axis.inbox_stream(organisation, cursor=cursor):
                session.give(item)
                _tell_items(session, [item])
        page = await axis.inbox(organisation, cursor=cursor, limit=limit, wait=wait or None)
        session.give(page)
        if not page.items:
            session.say("inbox_empty")
            return OK
        _tell_items(session, page.items)
        if page.next and len(page.items) == limit:
            session.say("more", cursor=page.next)
        return OK

    session.call(work)


def get(
    document: Annotated[
        str, typer.Argument(metavar="ID", help="A document, or a delivery that waits.")
    ],
    folder: Annotated[
        Path, typer.Option("-o", "--output", file_okay=False, help="Where the files go.")
    ] = Path(),
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Get all files of a document, each verified.

    Each is checked by its digest; what was cut goes on where it was.
    File names are made safe, and no file is written over another. Getting is not taking over:
    that is `docaxis ack`.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        found = await _find(session, axis, document)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        files = []
        for file in found.files:
            files.append(await _get(session, axis, found.id, file.name, file.digest, file.size))
            if file.signature_digest:
                signature = f"{file.name}.p7s"
                files.append(
                    await _get(session, axis, found.id, signature, file.signature_digest, 0)
                )
        session.give({"document_id": found.id, "files": files})
        return OK

    async def _get(
        session: AxisSession,
        axis: "DocaxisClient",
        document_id: str,
        name: str,
        digest: str,
        size: int,
    ) -> dict[str, object]:
        from docaxis_cli.file_names import free_path

        path, there = await asyncio.to_thread(free_path, folder, name, digest)
        if there:
            session.say("got_before", path=path)
        else:
            with progress(session, session.words("downloading"), size) as bar:
                await axis.download(document_id, digest, path, progress=bar)
            session.say("got", path=path, size=path.stat().st_size)
        return {"path": str(path), "digest": digest, "size": path.stat().st_size}

    session.call(work)


def ack(
    deliveries: Annotated[
        list[str] | None,
        typer.Argument(metavar="DELIVERY", help="Deliveries to take over.", show_default=False),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Take over all that waits for you.")
    ] = False,
    organisation: Organisation = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Take deliveries over. That is the hand-over: the sender gets a receipt of it."""
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        from docaxis_client.tracking import Acknowledgement, Acknowledgements

        if bool(deliveries) == everything:
            raise UsageProblem(session.words("what_to_ack"))
        wanted = deliveries or await _all_open(axis, organisation)
        results: list[Acknowledgement] = []
        for start in range(0, len(wanted), 500):
            batch = wanted[start : start + 500]
            results.extend(await axis.acknowledge(batch, organisation=organisation))
        session.give(Acknowledgements(results=tuple(results)))
        if not results:
            session.say("inbox_empty")
        _tell_results(session, [(each.delivery_id, each.result) for each in results])
        return OK if all(each.done for each in results) else REFUSED

    session.call(work)


def status(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id.")],
    code: Annotated[
        str,
        typer.Argument(metavar="CODE", help="02 returned, 03 registered … 06; 13 taken back."),
    ],
    reason: Annotated[str | None, typer.Option(help="Why; 02 and 13 need it.")] = None,
    at: Annotated[str | None, typer.Option(help="When it came about (RFC 3339).")] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Say how far a document has come at your organisation; or ask your own document back.

    02 returned (with --reason), 03 registered, 04 assigned, 05 in progress, 06 finished; 15 and 16
    agree to a take-back or decline it. 01 comes by itself with `docaxis ack`. 13 (with --reason) is
    the sender's: it asks for a take-back.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        from docaxis_client.tracking import StatusReport, StatusResults

        results = await axis.report_statuses([StatusReport(delivery, code, reason, at)])
        session.give(StatusResults(results=results))
        _tell_results(
            session, [(each.delivery_id, f"{each.code} {each.result}") for each in results]
        )
        return OK if all(each.done for each in results) else REFUSED

    session.call(work)


async def _find(session: AxisSession, axis: "DocaxisClient", wanted: str) -> "Document":
    from docaxis_client.errors import ProblemError

    try:
        return await axis.document(wanted)
    except ProblemError as problem:
        if problem.status not in (404, 422):
            raise
    async for item in _open_items(axis, None):
        if item.delivery_id == wanted:
            return item.document
    raise ProblemError("unknown_document", 404, session.words("unknown_delivery", id=wanted))


async def _all_open(axis: "DocaxisClient", organisation: str | None) -> list[str]:
    return [item.delivery_id async for item in _open_items(axis, organisation)]


async def _open_items(
    axis: "DocaxisClient", organisation: str | None
) -> "AsyncIterator[InboxItem]":
    cursor = None
    while True:
        page = await axis.inbox(organisation, cursor=cursor, limit=500)
        for item in page.items:
            yield item
        if len(page.items) < 500 or page.next is None:
            return
        cursor = page.next


def _tell_items(session: AxisSession, items: "Sequence[InboxItem]") -> None:
    # Lines, not a table: an id that a narrow terminal cuts cannot be copied.
    for item in items:
        document = item.document
        files = session.words("files_count", count=len(document.files))
        session.line(
            f"{item.delivery_id}  {document.sender} → {item.organisation}  "
            f"{document.number}/{document.notation}  {files}  {vietnam_time(item.ready_at)}"
        )
        session.line(f"  {document.subject}")


def _tell_results(session: AxisSession, results: list[tuple[str, str]]) -> None:
    if session.as_json or not results:
        return
    from rich.table import Table

    table = Table(session.words("delivery"), session.words("result"))
    for delivery, result in results:
        table.add_row(delivery, result)
    session.show(table)
