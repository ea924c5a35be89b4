"""The play: the Government Office sends one signed letter to two provinces, and hears of both.

Each step is checked, and the checks are the report. It needs an axis, three systems' credentials
and sample signing identities; it makes its own letter, with a number of its own, so it can be
played on the same axis again and again.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from docaxis_cli.demonstration.letter import Letter, sample_letter, write_letter
from docaxis_cli.demonstration.play_report import PlayEnded, Report
from docaxis_cli.demonstration.refusals import try_refusals
from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_client.errors import ReceiptInvalid
from docaxis_client.models import DocumentType, Signer, Submission
from docaxis_client.submission import NewDocument, OutgoingFile
from docaxis_client.tracking import InboxItem, StatusReport, StatusResult, Timeline, Verdict
from docaxis_trust.demo_pki import DemoPki
from docaxis_trust.pades import sign_pdf

_PATIENCE_S = 30.0
_PAUSE_S = 0.1
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Play:
    """What a play needs; `folder` takes the letter and what the provinces receive."""

    url: str
    office: Credentials
    hanoi: Credentials
    hatinh: Credentials
    pki: DemoPki
    folder: Path
    language: str = "vi"


async def play(context: Play) -> Report:
    """Play it once; the report holds every check up to the first step that failed."""
    report = Report(url=context.url)
    begun = time.monotonic()
    try:
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(
                    DocaxisClient(context.url, credentials, language=context.language)
                )
                for credentials in (context.office, context.hanoi, context.hatinh)
            ]
            await _play(context, report, *clients)
    except PlayEnded:
        pass
    report.seconds = round(time.monotonic() - begun, 3)
    return report


async def _play(
    context: Play,
    report: Report,
    office: DocaxisClient,
    hanoi: DocaxisClient,
    hatinh: DocaxisClient,
) -> None:
    with report.step("systems connect"):
        served = [(await each.me()).organisations for each in (office, hanoi, hatinh)]
        sender, first, second = (each[0] for each in served)
        names = f"{sender.name} → {first.name}, {second.name}"
        report.check("systems connect", True, names)
    with report.step("letter signed and sealed"):
        letter = _new_letter((first.name, second.name))
        pdf = await asyncio.to_thread(_signed_letter, letter, context)
        digest = hashlib.sha256(pdf).hexdigest()
        report.check("letter signed and sealed", True, f"{len(pdf)} bytes, SHA-256 {digest}")
    document = _document(letter, sender.code, (first.code, second.code))
    files = [OutgoingFile(f"Công văn {letter.number}-{letter.notation} (mẫu).pdf", pdf)]
    # The provinces wait before anything is sent: a long-poll brings the news.
    waiting = [
        asyncio.create_task(_await_document(client, code, document.id))
        for client, code in ((hanoi, first.code), (hatinh, second.code))
    ]
    try:
        with report.step("document accepted"):
            sent = await office.submit(document, files)
            reached = sorted(each.code for each in sent.recipients)
            ok = sent.status == "accepted" and reached == sorted((first.code, second.code))
            report.check("document accepted", ok and not sent.refused, sent.id)
        with report.step("both provinces received it"):
            items = await asyncio.wait_for(asyncio.gather(*waiting), _PATIENCE_S)
            report.check("both provinces received it", True, "long-poll")
    finally:
        for task in waiting:
            task.cancel()
    await _take_over(report, hanoi, items[0], digest, context.folder, "hanoi")
    await _take_over(report, hatinh, items[1], digest, context.folder, "hatinh")
    with report.step("processing statuses reported"):
        await _report_statuses(report, hanoi, hatinh, items)
    await _look_back(report, office, sent, items)
    await try_refusals(report, office, document, files, sent)


def _new_letter(addressees: tuple[str, ...]) -> Letter:
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    return sample_letter(str(1 + secrets.randbelow(9_999_999)), today, addressees)


def _signed_letter(letter: Letter, context: Play) -> bytes:
    path = context.folder / f"letter-{letter.number}.pdf"
    write_letter(letter, path)
    sign_pdf(path, path, context.pki.person, field_name="Signer", reason="Ký ban hành (mẫu)")
    sign_pdf(path, path, context.pki.seal, field_name="Seal", reason="Đóng dấu cơ quan (mẫu)")
    return path.read_bytes()


def _document(letter: Letter, sender: str, recipients: tuple[str, ...]) -> NewDocument:
    day = letter.promulgated_on
    return NewDocument(
        sender=sender,
        recipients=recipients,
        id=f"{sender},{day:%Y/%m/%d},{letter.number}/{letter.notation}",
        number=letter.number,
        notation=letter.notation,
        place=letter.place,
        promulgated_on=day.isoformat(),
        type=DocumentType(group=2, code=0, name="Công văn"),
        subject=f"V/v {letter.subject} (VĂN BẢN MẪU)",
        signer=Signer(
            competence=letter.competence, position=letter.position, full_name=letter.signer
        ),
        require_signature=True,
    )


async def _await_document(client: DocaxisClient, code: str, sender_id: str) -> InboxItem:
    async for item in client.inbox_stream(code, wait=20):
        if item.document.sender_document_id == sender_id:
            return item
    raise AssertionError("an inbox has no end")


async def _take_over(
    report: Report, client: DocaxisClient, item: InboxItem, digest: str, folder: Path, name: str
) -> None:
    code = item.organisation
    with report.step(f"{code}: file downloaded and verified"):
        (file,) = item.document.files
        target = folder / f"{name}-{file.digest[:12]}.pdf"
        await client.download(item.document.id, file.digest, target)
        found = await asyncio.to_thread(_digest, target)
        report.check(f"{code}: file downloaded and verified", found == digest, target.name)
    with report.step(f"{code}: delivery acknowledged"):
        (result,) = await client.acknowledge([item.delivery_id])
        report.check(f"{code}: delivery acknowledged", result.done, result.result)
        (again,) = await client.acknowledge([item.delivery_id])
        ok = again.result == "already_handed_over"
        report.check(f"{code}: acknowledging again changes nothing", ok, again.result)


async def _report_statuses(
    report: Report, hanoi: DocaxisClient, hatinh: DocaxisClient, items: list[InboxItem]
) -> None:
    first, second = (item.delivery_id for item in items)
    # One step after another, as a document system does …
    results: list[StatusResult] = []
    for code in ("03", "04", "05", "06"):
        results += await hanoi.report_statuses([StatusReport(first, code)])
    report.check(
        f"{items[0].organisation}: 03, 04, 05, 06 one by one",
        all(each.done for each in results),
        ", ".join(each.result for each in results),
    )
    # … and in one batch, out of order, with a repeat, as a platform at night does.
    batch = [StatusReport(second, code) for code in ("05", "03", "06", "04", "03")]
    results = list(await hatinh.report_statuses(batch))
    report.check(
        f"{items[1].organisation}: a batch out of order, with a repeat",
        all(each.done for each in results),
        ", ".join(f"{each.code} {each.result}" for each in results),
    )


async def _look_back(
    report: Report, office: DocaxisClient, sent: Submission, items: list[InboxItem]
) -> None:
    with report.step("sender sees both timelines to the end"):
        wanted = {item.delivery_id: {"01", "03", "04", "05", "06"} for item in items}
        timeline = await _until(
            lambda: office.timeline(sent.id), lambda found: _complete(found, wanted)
        )
        report.timeline = timeline.items
        told = "; ".join(f"{each.code} {each.state} {each.furthest}" for each in timeline.items)
        ok = _complete(timeline, wanted) and all(
            each.state == "handed_over" and each.furthest == "06" for each in timeline.items
        )
        report.check("sender sees both timelines to the end", ok, told)
    with report.step("signature and seal are valid"):
        verdict = await _until(lambda: office.verdict(sent.id), lambda v: v.status != "pending")
        report.verdict = verdict
        ok, told = _signed_and_sealed(verdict)
        report.check("signature and seal are valid", ok, told)
    with report.step("receipts are genuine"):
        report.receipts = await _until(
            lambda: office.document_receipts(sent.id), lambda found: len(found) >= 3
        )
        report.document = await office.document(sent.id)
        await _check_receipts(report, office, items)


async def _check_receipts(report: Report, office: DocaxisClient, items: list[InboxItem]) -> None:
    document = report.document
    if document is None:
        return
    for receipt in report.receipts:
        try:
            claims = await office.verify_receipt(
                receipt.jws,
                document_id=document.id,
                content_digest=document.content_digest,
                delivery_id=receipt.delivery_id,
            )
            report.proven[receipt.id] = claims.kind == receipt.kind
        except ReceiptInvalid:
            report.proven[receipt.id] = False
    handed_over = {each.delivery_id for each in report.receipts if each.kind == "handed_over"}
    accepted = [each for each in report.receipts if each.kind == "accepted"]
    ok = all(report.proven.values()) and bool(accepted)
    ok = ok and handed_over == {item.delivery_id for item in items}
    told = f"{len(accepted)} accepted, {len(handed_over)} handed over"
    report.check("receipts are genuine", ok, told)
    header, payload, signature = report.receipts[0].jws.split(".")
    changed = f"{header}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    try:
        await office.verify_receipt(changed)
        report.check("a changed receipt is found out", False)
    except ReceiptInvalid as error:
        report.check("a changed receipt is found out", True, error.code)


def _complete(timeline: Timeline, wanted: dict[str, set[str]]) -> bool:
    found = {item.delivery_id: {entry.code for entry in item.entries} for item in timeline.items}
    return all(codes <= found.get(delivery, set()) for delivery, codes in wanted.items())


def _signed_and_sealed(verdict: Verdict) -> tuple[bool, str]:
    signatures = [each for file in verdict.files for each in file.signatures]
    told = ", ".join(f"{each.signer_name}: {each.code}" for each in signatures)
    sealed = sorted(each.is_seal for each in signatures)
    return verdict.status == "valid" and sealed == [False, True], f"{verdict.status} ({told})"


async def _until(ask: Callable[[], Awaitable[_T]], enough: Callable[[_T], bool]) -> _T:
    """Ask until it is enough; what follows a decision takes its moment. The last answer counts."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        answer = await ask()
        if enough(answer) or time.monotonic() > deadline:
            return answer
        await asyncio.sleep(_PAUSE_S)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
