"""Exchanges a second: 100 KB CMS-signed documents, submitted -> fetched -> acknowledged.

The axis is a process of its own (standalone, everything durable); this process is the client, over
REST. It hashes every file that it fetches and verifies every receipt against the published keys;
an exchange counts when both of its receipts (accepted, handed over) have been verified. Each
document carries a detached CMS signature of the sender's system, which the axis verifies.

`two` calls per document: submit with its files, fetch; the inbox, acknowledgements and receipts are
read in batches and counted. `five`: upload, submit, fetch, acknowledge, receipt, one each.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from os import urandom
from pathlib import Path
from typing import Protocol

from docaxis_client.client import DocaxisClient
from docaxis_client.models import DocumentType, Signer
from docaxis_client.submission import NewDocument, OutgoingFile
from docaxis_client.tracking import InboxItem
from docaxis_trust.cms import sign_detached
from docaxis_trust.demo_pki import create_demo_pki

FILE_BYTES = 100_000
RECEIVER, CODE = "hanoi", "H26"


class Measured(Protocol):
    """An axis that clients can be made for."""

    def client(self, name: str) -> DocaxisClient:
        """A client of one of the demonstration's systems."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to send; signing it was the sender's work, before the clock starts."""

    document: NewDocument
    file: OutgoingFile
    digest: str


@dataclass(slots=True)
class Run:
    """One run's counts. Times are `time.perf_counter` seconds."""

    calls: int = 0
    submit_s: list[float] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)


def prepare(folder: Path, count: int, label: str) -> Iterator[Prepared]:
    """Sample documents with random content and real signatures."""
    identity = create_demo_pki(folder).system
    scratch = folder / "scratch"
    for number in range(count):
        content = urandom(FILE_BYTES)
        scratch.write_bytes(content)
        signature = sign_detached(scratch, identity)
        document = NewDocument(
            sender="G22",
            recipients=[CODE],
            id=f"{label}-{number}",
            number=str(number),
            notation="CV-MAU",
            place="Hà Nội",
            promulgated_on="2026-11-22",
            type=DocumentType(group=2, code=0, name="Công văn"),
            subject="Văn bản mẫu để đo tốc độ",
            signer=Signer(competence="TL.", position="Vụ trưởng", full_name="Người ký mẫu"),
        )
        file = OutgoingFile("mau.bin", content, "application/octet-stream", signature)
        yield Prepared(document, file, sha256(content).hexdigest())


async def exchange(
    axis: Measured,
    prepared: list[Prepared],
    senders: int,
    *,
    batched: bool,
    ready: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """One run over all prepared documents; figures of the run.

    `ready` is called when the clock starts: what is read before, all receipts of earlier runs
    among it, is no part of an exchange.
    """
    run = Run()
    async with axis.client("office") as office, axis.client(RECEIVER) as receiver:
        await asyncio.gather(office.me(), receiver.me(), office.key_set())
        last = await _last_receipt_cursor(office)
        queue = list(reversed(prepared))
        ready()
        begun = time.perf_counter()
        receiving = [_receive(receiver, office, run, len(prepared), batched=batched)]
        if batched:
            receiving.append(_read_receipts(office, run, len(prepared), last))
        await asyncio.gather(
            *(_send(office, run, queue, batched=batched) for _ in range(senders)), *receiving
        )
        took = time.perf_counter() - begun
    if len(run.finished) != len(prepared):
        raise AssertionError(f"{len(run.finished)} of {len(prepared)} exchanges finished")
    waits = statistics.quantiles(run.submit_s, n=100)
    return {
        "exchanges_per_s": len(prepared) / took,
        "submit_p50_ms": waits[49] * 1000,
        "submit_p99_ms": waits[98] * 1000,
        "calls_per_document": run.calls / len(prepared),
    }


async def paced_submits(
    axis: Measured, prepared: list[Prepared], per_second: float
) -> dict[str, float]:
    """Submit alone, at a fixed offered rate; the latencies of the answers.

    The recipient takes them afterwards: the next run's inbox begins with what is open.
    """
    run = Run()
    async with axis.client("office") as office, axis.client(RECEIVER) as receiver:
        await office.me()
        begun = time.perf_counter()

        async def send(number: int) -> None:
            await asyncio.sleep(max(0.0, begun + number / per_second - time.perf_counter()))
            await _send(office, run, [prepared[number]], batched=True)

        await asyncio.gather(*(send(number) for number in range(len(prepared))))
        await _receive(receiver, office, run, len(prepared), batched=True)
    waits = statistics.quantiles(run.submit_s, n=100)
    return {
        "offered_per_s": per_second,
        "submit_p50_ms": waits[49] * 1000,
        "submit_p99_ms": waits[98] * 1000,
    }


async def _send(office: DocaxisClient, run: Run, queue: list[Prepared], *, batched: bool) -> None:
    while queue:
        each = queue.pop()
        begun = time.perf_counter()
        await office.submit(each.document, [each.file], inline=batched)
        run.submit_s.append(time.perf_counter() - begun)
        run.calls += 1 if batched else 3  # two uploads: the file and its signature


async def _receive(
    receiver: DocaxisClient, office: DocaxisClient, run: Run, total: int, *, batched: bool
) -> None:
    cursor: str | None = None
    received = 0
    working: set[asyncio.Task[None]] = set()
    while received < total:
        page = await receiver.inbox(cursor=cursor, limit=50, wait=5)
        run.calls += 1
        cursor = page.next
        received += len(page.items)
        if batched:
            task = asyncio.create_task(_take_together(receiver, run, page.items))
            working.add(task)
            task.add_done_callback(working.discard)
        else:
            for item in page.items:
                task = asyncio.create_task(_take_alone(receiver, office, run, item))
                working.add(task)
                task.add_done_callback(working.discard)
        if len(working) >= 32:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*working)


async def _take_together(receiver: DocaxisClient, run: Run, items: tuple[InboxItem, ...]) -> None:
    if not items:
        return
    await asyncio.gather(*(_fetch(receiver, run, item) for item in items))
    taken = await receiver.acknowledge(
        [item.delivery_id for item in items], idempotency_key=str(uuid.uuid4())
    )
    run.calls += 1
    assert all(each.done for each in taken)


async def _take_alone(
    receiver: DocaxisClient, office: DocaxisClient, run: Run, item: InboxItem
) -> None:
    await _fetch(receiver, run, item)
    (taken,) = await receiver.acknowledge([item.delivery_id])
    assert taken.done
    assert taken.receipt is not None
    receipt = await office.receipt(taken.receipt)
    await office.verify_receipt(
        receipt.jws, document_id=item.document.id, delivery_id=item.delivery_id
    )
    run.calls += 2
    run.finished.add(item.document.id)


async def _fetch(receiver: DocaxisClient, run: Run, item: InboxItem) -> None:
    (file,) = item.document.files
    content = await receiver.fetch(item.document.id, file.digest)
    run.calls += 1
    assert sha256(content).hexdigest() == file.digest


async def _last_receipt_cursor(office: DocaxisClient) -> str | None:
    cursor: str | None = None
    while (page := await office.receipts(cursor=cursor, limit=500)).items:
        cursor = page.next
    return page.next or cursor


async def _read_receipts(office: DocaxisClient, run: Run, total: int, cursor: str | None) -> None:
    kinds: dict[str, set[str]] = {}
    while len(run.finished) < total:
        page = await office.receipts(cursor=cursor, limit=200, wait=5)
        run.calls += 1
        cursor = page.next or cursor
        for receipt in page.items:
            await office.verify_receipt(receipt.jws, document_id=receipt.document_id)
            seen = kinds.setdefault(receipt.document_id, set())
            seen.add(receipt.kind)
            if seen == {"accepted", "handed_over"}:
                run.finished.add(receipt.document_id)
