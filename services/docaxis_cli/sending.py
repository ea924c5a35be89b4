"""`docaxis send`: a PDF becomes a document on its way, with defaults for all that is not said."""

import hashlib
import mimetypes
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from docaxis_cli import options
from docaxis_cli.session import OK, AxisSession, UsageProblem, program, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docaxis_client.client import DocaxisClient
    from docaxis_client.models import DocumentCheck, Recipient, RefusedRecipient, Submission
    from docaxis_client.submission import NewDocument

_LONGEST_SUBJECT = 500
_LONGEST_NOTATION = 30


@dataclass(frozen=True, slots=True)
class _Said:
    """What the caller said about the document; empty is not said."""

    recipients: tuple[str, ...]
    sender: str
    subject: str
    number: str
    notation: str
    type_name: str
    signer: str
    position: str
    competence: str
    place: str
    day: str
    document_id: str
    priority: int
    require_signature: bool


def send(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The files, PDF first."),
    ],
    to: Annotated[
        list[str] | None, typer.Option("--to", help="Recipient's code, once for each.")
    ] = None,
    to_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Further recipients' codes, one a line."),
    ] = None,
    subject: Annotated[str, typer.Option(help="Subject; else the file's name.")] = "",
    number: Annotated[str, typer.Option(help="Number; else made from the file.")] = "",
    notation: Annotated[str, typer.Option(help="Notation; else CV-<sender>.")] = "",
    type_name: Annotated[str, typer.Option("--type", help="Kind of document.")] = "",
    signer: Annotated[str, typer.Option(help="Who signed, as printed.")] = "",
    position: Annotated[str, typer.Option(help="The signer's position.")] = "",
    competence: Annotated[str, typer.Option(help="TM., KT., TL., TUQ. or Q.")] = "",
    place: Annotated[str, typer.Option(help="Place of issue.")] = "",
    day: Annotated[str, typer.Option("--date", help="Date of issue; else today.")] = "",
    document_id: Annotated[str, typer.Option("--id", help="Your own id of the document.")] = "",
    sender: Annotated[
        str, typer.Option("--from", help="Sending organisation; else your first.")
    ] = "",
    priority: Annotated[int, typer.Option(min=0, max=4, help="0 normal … 3 express.")] = 0,
    require_signature: Annotated[
        bool, typer.Option(help="Have it refused unless its signatures are valid.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only tell what would be answered; nothing is sent.")
    ] = False,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Send a document to one or more organisations.

    Example: docaxis send my.pdf --as office --to H26

    What you leave out is filled in, and told. Sending the same again is harmless: it is the same
    document.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        from docaxis_client.submission import OutgoingFile

        said = _Said(
            _recipients(session, to or [], to_file),
            sender, subject, number, notation, type_name, signer, position, competence,
            place, day, document_id, priority, require_signature,
        )  # fmt: skip
        document, filled_in = await _described(session, axis, said, files)
        if filled_in:
            session.say("defaults")
            for option, value in filled_in.items():
                session.line(f"  --{option} {value!r}")
        outgoing = [OutgoingFile(_plain_name(each), each, _media_type(each)) for each in files]
        total = sum(each.stat().st_size for each in files)
        with progress(session, session.words("uploading"), total) as bar:
            if check:
                checked = await axis.check(document, outgoing, progress=bar)
                session.give(checked)
                _tell_check(session, checked)
                return OK
            sent = await axis.submit(document, outgoing, progress=bar)
        session.give(sent)
        _tell(session, sent)
        return OK

    session.call(work)


async def _described(
    session: AxisSession, axis: "DocaxisClient", said: _Said, files: list[Path]
) -> "tuple[NewDocument, dict[str, str]]":
    """Fill in what was not said; returns the document, and what was filled in by option."""
    from docaxis_client.models import DocumentType, Signer
    from docaxis_client.submission import NewDocument

    filled_in: dict[str, str] = {}

    def default(option: str, value: str, otherwise: str) -> str:
        if not value:
            filled_in[option] = otherwise
        return value or otherwise

    sender = default("from", said.sender, await _first_organisation(session, axis, said))
    day = _day(session, default("date", said.day, str(_today())))
    # From the file's bytes, so that the same file sent twice today is one document.
    with files[0].open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    number = default("number", said.number, str(100_000 + int(digest[:8], 16) % 900_000))
    notation = default("notation", said.notation, f"CV-{sender}"[:_LONGEST_NOTATION])
    document = NewDocument(
        sender=sender,
        recipients=list(dict.fromkeys(said.recipients)),
        id=default("id", said.document_id, f"{sender},{day:%Y/%m/%d},{number}/{notation}"),
        number=number,
        notation=notation,
        place=default("place", said.place, "Hà Nội"),
        promulgated_on=day.isoformat(),
        type=DocumentType(group=2, code=0, name=default("type", said.type_name, "Công văn")),
        subject=default("subject", said.subject, _plain_name(files[0])[:_LONGEST_SUBJECT]),
        signer=Signer(
            competence=said.competence,
            position=default("position", said.position, "Người có thẩm quyền"),
            full_name=default("signer", said.signer, "Người ký mẫu"),
        ),
        priority=said.priority,
        require_signature=said.require_signature,
    )
    return document, filled_in


async def _first_organisation(session: AxisSession, axis: "DocaxisClient", said: _Said) -> str:
    if said.sender:
        return said.sender
    if axis.credentials.organisations:
        return axis.credentials.organisations[0]
    served = (await axis.me()).organisations
    if not served:
        raise UsageProblem(session.words("no_sender"))
    return served[0].code


def _recipients(session: AxisSession, to: list[str], to_file: Path | None) -> tuple[str, ...]:
    lines = to_file.read_text(encoding="utf-8").splitlines() if to_file else []
    found = (*to, *(line.strip() for line in lines if line.strip()))
    if not found:
        raise UsageProblem(session.words("no_recipient"))
    return found


def _tell_check(session: AxisSession, checked: "DocumentCheck") -> None:
    if session.as_json:
        return
    from rich.table import Table

    session.say(checked.status, id=checked.id)
    _tell_recipients(session, checked.recipients, checked.refused, checked.recipient_count)
    table = Table(session.words("file"), session.words("outcome"))
    for file in checked.files:
        table.add_row(file.name, f"{file.status} ({file.code})")
    session.show(table)


def _tell_recipients(
    session: AxisSession,
    recipients: "Sequence[Recipient]",
    refusals: "Sequence[RefusedRecipient]",
    count: int,
) -> None:
    from rich.table import Table

    words = session.words
    if not recipients and count:
        session.say("many_recipients", count=count)
    table = Table(words("recipient"), words("outcome"))
    for recipient in recipients:
        table.add_row(recipient.code, words("held" if recipient.held else "resolved"))
    for refused in refusals:
        reason = words("not_sent", reason=refused.reason)
        if refused.suggestions:
            reason += "; " + words("suggestions", codes=", ".join(refused.suggestions))
        table.add_row(refused.code, reason)
    if recipients or refusals:
        session.show(table)


def _tell(session: AxisSession, sent: "Submission") -> None:
    if session.as_json:
        return
    key = "sent" if sent.first else "sent_again"
    session.say("sent_pending" if sent.status == "pending" else key, id=sent.id)
    _tell_recipients(session, sent.recipients, sent.refused, sent.recipient_count)
    if sent.receipt:
        session.line(f"{session.words('receipt')}: {sent.receipt}")
    session.say("next_timeline", command=f"{program()} timeline {sent.id}{session.as_whom}")


def _today() -> date:
    return datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()


def _day(session: AxisSession, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageProblem(session.words("not_a_date", text=text)) from error


def _plain_name(path: Path) -> str:
    return unicodedata.normalize("NFC", path.name)


def _media_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
