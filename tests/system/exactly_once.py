"""Whether everything that an axis acknowledged is there, and nothing of it twice."""

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from docaxis_client.client import DocaxisClient
from docaxis_client.errors import ProblemError

RECIPIENTS = {"hanoi": "H26", "hatinh": "H27"}
REPORTED = ("03", "05", "06")
_AGAIN_S = 0.2
_AT_ONCE = 8


@dataclass(slots=True)
class Acknowledged:
    """Everything that the axis said yes to."""

    contents: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the file, by document."""
    numbers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Mailbox numbers in the order in which they were listed, by recipient."""
    numbers_before: dict[str, int] = field(default_factory=dict)
    """The last number that each recipient had before this, where it was not the first."""
    deliveries: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """Document by delivery, by recipient."""
    handed_over: set[str] = field(default_factory=set)
    statuses: set[tuple[str, str]] = field(default_factory=set)
    """(delivery, code)."""
    receipts: dict[str, str] = field(default_factory=dict)
    """JWS by receipt, as first fetched."""
    pending: set[str] = field(default_factory=set)
    """Documents of which the first answer was: durable, not yet decided (202)."""


class Reachable(Protocol):
    """An axis that clients can be made for."""

    def client(self, name: str, *, attempts: int = 6, patience_s: float = 60.0) -> DocaxisClient:
        """A client of one of the demonstration's systems."""
        ...


async def check_exactly_once(axis: Reachable, told: Acknowledged, within_s: float = 0.0) -> None:
    """Every acknowledged document, delivery, status and receipt is there, exactly once.

    What is sealed and told afterwards (receipts, timelines) may come within some seconds.
    """
    check_listings(told)
    until = time.monotonic() + within_s
    async with axis.client("office") as office:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def check(document_id: str, digest: str) -> None:
            async with gate:
                while True:
                    try:
                        await _check_document(office, told, document_id, digest)
                        return
                    except (AssertionError, ProblemError):
                        if time.monotonic() >= until:
                            raise
                    await asyncio.sleep(_AGAIN_S)

        await asyncio.gather(*(check(*each) for each in told.contents.items()))


def check_listings(told: Acknowledged) -> None:
    """Each mailbox ran on without gap or repeat, and has each document once."""
    for name in RECIPIENTS:
        numbers = told.numbers[name]
        first = told.numbers_before.get(name, 0) + 1
        assert numbers == list(range(first, first + len(numbers))), f"{name}: gaps or repeats"
        documents = Counter(told.deliveries[name].values())
        lost = set(told.contents) - set(documents)
        assert not lost, f"{name}: {len(lost)} lost deliveries: {sorted(lost)}"
        assert set(documents.values()) <= {1}, f"{name}: doubled deliveries"


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
