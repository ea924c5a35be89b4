"""Traffic that counts: what the axis acknowledged, and whether all of it is there exactly once.

Each step is repeated until it is answered, as a real system does after a lost answer: with the
same content (submissions) or the same Idempotency-Key (everything else).
"""

import asyncio
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from hashlib import sha256
from typing import Protocol, TypeVar

from docaxis_client.client import DocaxisClient
from docaxis_client.errors import AxisUnavailable, ProblemError
from docaxis_client.models import DocumentType, Signer, Submission
from docaxis_client.submission import NewDocument, OutgoingFile
from docaxis_client.tracking import InboxPage, StatusReport

T = TypeVar("T")
RECIPIENTS = {"hanoi": "H26", "hatinh": "H27"}
REPORTED = ("03", "05", "06")
_RETRY_S = 0.02


@dataclass(slots=True)
class Acknowledged:
    """Everything that the axis said yes to."""

    contents: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the file, by document."""
    numbers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Mailbox numbers in the order in which they were listed, by recipient."""
    deliveries: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """Document by delivery, by recipient."""
    handed_over: set[str] = field(default_factory=set)
    statuses: set[tuple[str, str]] = field(default_factory=set)
    """(delivery, code)."""
    receipts: dict[str, str] = field(default_factory=dict)
    """JWS by receipt, as first fetched."""


class Reachable(Protocol):
    """An axis that clients can be made for."""

    def client(self, name: str, *, attempts: int = 6, patience_s: float = 60.0) -> DocaxisClient:
        """A client of one of the demonstration's systems."""
        ...


class Traffic:
    """Senders and recipients at work on an axis that comes and goes."""

    def __init__(self, axis: Reachable, seed: int) -> None:
        self._axis = axis
        self._random = random.Random(seed)
        self._clients: dict[str, DocaxisClient] = {}
        self._stopping = False
        self._all_sent = False
        self.told = Acknowledged()
        self.failed_calls = 0

    async def run(self, senders: int) -> None:
        """Send and receive until `stop`; then return when all that was begun is answered."""
        receiving = [asyncio.create_task(self._receive(name)) for name in RECIPIENTS]
        await asyncio.gather(*(self._send(each) for each in range(senders)))
        self._all_sent = True
        await asyncio.gather(*receiving)
        for client in self._clients.values():
            await client.aclose()

    def stop(self) -> None:
        """Begin nothing new."""
        self._stopping = True

    async def _send(self, sender: int) -> None:
        count = 0
        while not self._stopping:
            count += 1
            content = self._random.randbytes(self._random.randint(100, 20_000))
            document = sample_document(f"{sender}-{count}/CV-MAU")
            files = [OutgoingFile("Công văn mẫu.bin", content, "application/octet-stream")]
            answer = await self._until_answered("office", partial(_submit, document, files))
            assert [each.code for each in answer.recipients] == list(RECIPIENTS.values())
            self.told.contents[answer.id] = sha256(content).hexdigest()
            if count % 5 == 0 and answer.receipt:
                await self._fetch_receipt(answer.receipt)

    async def _fetch_receipt(self, href: str) -> None:
        receipt = await self._until_answered("office", lambda client: client.receipt(href))
        self.told.receipts.setdefault(receipt.id, receipt.jws)
        assert self.told.receipts[receipt.id] == receipt.jws

    async def _receive(self, name: str) -> None:
        cursor: str | None = None
        mine = self.told.deliveries[name]
        while not (self._all_sent and len(mine) >= len(self.told.contents)):
            page = await self._until_answered(name, partial(_inbox, cursor))
            cursor = page.next
            for item in page.items:
                assert item.delivery_id not in mine
                mine[item.delivery_id] = item.document.id
                self.told.numbers[name].append(item.mailbox_number)
            if page.items:
                await self._take_over(name, [item.delivery_id for item in page.items])

    async def _take_over(self, name: str, ids: list[str]) -> None:
        key = str(uuid.uuid4())
        taken = await self._until_answered(
            name, lambda client: client.acknowledge(ids, idempotency_key=key)
        )
        assert all(each.done for each in taken), taken
        self.told.handed_over.update(ids)
        reports = [StatusReport(each, code) for each in ids for code in REPORTED]
        key = str(uuid.uuid4())
        results = await self._until_answered(
            name, lambda client: client.report_statuses(reports, idempotency_key=key)
        )
        assert {each.result for each in results} <= {"recorded", "already_recorded", "held"}
        self.told.statuses.update((each.delivery_id, each.code) for each in results)

    async def _until_answered(self, name: str, call: Callable[[DocaxisClient], Awaitable[T]]) -> T:
        while True:
            client = self._clients.get(name)
            if client is None:
                client = self._clients[name] = self._axis.client(name, attempts=1, patience_s=10)
            try:
                return await call(client)
            except AxisUnavailable:
                self.failed_calls += 1
            except ProblemError as problem:
                if not problem.retryable:
                    raise
            await asyncio.sleep(_RETRY_S)


async def _submit(
    document: NewDocument, files: list[OutgoingFile], client: DocaxisClient
) -> Submission:
    return await client.submit(document, files)


async def _inbox(cursor: str | None, client: DocaxisClient) -> InboxPage:
    return await client.inbox(cursor=cursor, limit=50, wait=1)


async def check_exactly_once(axis: Reachable, told: Acknowledged) -> None:
    """Every acknowledged document, delivery, status and receipt is there, exactly once."""
    for name in RECIPIENTS:
        numbers = told.numbers[name]
        assert numbers == list(range(1, len(numbers) + 1)), f"{name}: gaps or repeats"
        documents = Counter(told.deliveries[name].values())
        assert set(documents) >= set(told.contents), f"{name}: lost deliveries"
        assert set(documents.values()) == {1}, f"{name}: doubled deliveries"
    async with axis.client("office") as office:
        gate = asyncio.Semaphore(8)

        async def check(document_id: str, digest: str) -> None:
            async with gate:
                await _check_document(office, told, document_id, digest)

        await asyncio.gather(*(check(*each) for each in told.contents.items()))


async def _check_document(
    office: DocaxisClient, told: Acknowledged, document_id: str, digest: str
) -> None:
    content = await office.fetch(document_id, digest)
    assert sha256(content).hexdigest() == digest
    timeline = await office.timeline(document_id)
    assert sorted(each.code for each in timeline.items) == sorted(RECIPIENTS.values())
    for copy in timeline.items:
        assert copy.state == "handed_over"
        assert copy.delivery_id in told.handed_over
        entries = Counter((each.code, each.source) for each in copy.entries)
        wanted = {("01", "axis"): 1, **{(code, "recipient"): 1 for code in REPORTED}}
        assert entries == wanted, (copy.delivery_id, entries)
    receipts = await office.document_receipts(document_id)
    kinds = Counter(each.kind for each in receipts)
    assert kinds == {"accepted": 1, "handed_over": len(RECIPIENTS)}, kinds
    for receipt in receipts:
        await office.verify_receipt(receipt.jws, document_id=document_id)
        assert told.receipts.get(receipt.id, receipt.jws) == receipt.jws


def sample_document(sender_document_id: str) -> NewDocument:
    """A document of the office for both recipients."""
    return NewDocument(
        sender="G22",
        recipients=list(RECIPIENTS.values()),
        id=sender_document_id,
        number=sender_document_id.partition("/")[0].replace("-", "")[:11],
        notation="CV-MAU",
        place="Hà Nội",
        promulgated_on=date(2026, 11, 22).isoformat(),
        type=DocumentType(group=2, code=0, name="Công văn"),
        subject="Văn bản mẫu",
        signer=Signer(competence="TL.", position="Vụ trưởng", full_name="Người ký mẫu"),
    )


def sample_files(seed: int) -> list[OutgoingFile]:
    """One small file with content of its own."""
    content = random.Random(seed).randbytes(2_000)
    return [OutgoingFile("Công văn mẫu.bin", content, "application/octet-stream")]
