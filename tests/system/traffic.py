"""Traffic that counts: what the axis acknowledged, and what its callers saw meanwhile.

Each step is repeated until it is answered, as a real system does after a lost answer: with the
same content (submissions) or the same Idempotency-Key (everything else). A submission that was
answered, decided or not, is never sent again: whatever was lost of it stays lost, and is found.
"""

import asyncio
import contextlib
import math
import random
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import TypeVar

from docaxis_client.client import DocaxisClient
from docaxis_client.errors import AxisUnavailable, ProblemError
from docaxis_client.models import DocumentType, Signer, Submission
from docaxis_client.submission import NewDocument, OutgoingFile
from docaxis_client.tracking import InboxPage, StatusReport
from tests.system.call_log import Answer, Attempt, CallLog, kind_of
from tests.system.exactly_once import (
    RECIPIENTS,
    REPORTED,
    Acknowledged,
    Reachable,
    check_exactly_once,
)

__all__ = [
    "RECIPIENTS",
    "REPORTED",
    "Acknowledged",
    "Reachable",
    "Traffic",
    "check_exactly_once",
    "sample_document",
    "sample_files",
]

T = TypeVar("T")
_RETRY_S = 0.02
_POLITE_RETRY_S = 0.2
_LONGEST_RETRY_S = 4.0
_ANSWER_WITHIN_S = 20.0
"""A caller that has no answer by then hangs up and asks again."""
_LOOK_S = 0.3
_LONGEST_LOOK_S = 3.0
_PATIENT = {"deadline_exceeded", "unavailable", "busy"}
"""Results of one item of a list that ask for a repeat."""


class _NotFoundInTime(Exception):
    """A sender has stopped looking for what it was told of."""


class Traffic:
    """Senders and recipients at work on an axis that comes and goes.

    - `rate`: documents per second, each due at its moment whether or not earlier ones were
      answered; as fast as answers come where it is None.
    - `series`: digits put before the senders' own ids, so that several runs on one axis do not
      meet.
    - `queries`: senders also look at documents and fetch files, as people do.
    """

    def __init__(
        self,
        axis: Reachable,
        seed: int,
        *,
        rate: float | None = None,
        series: str = "1",
        queries: bool = False,
    ) -> None:
        self._axis = axis
        self._random = random.Random(seed)
        self._chance = random.Random(seed)
        self._rate = rate
        self._presses = rate is None
        """As fast as answers come: what is refused is repeated at once, and pauses do not grow."""
        self._retry_s = _RETRY_S if self._presses else _POLITE_RETRY_S
        self._series = series
        self._queries = queries
        self._clients: dict[str, DocaxisClient] = {}
        self._stopping = asyncio.Event()
        self._all_sent = False
        self._sent = 0
        self.bear_with: frozenset[str] = frozenset()
        """Codes of refusals that callers bear with for now: they ask again."""
        self.looks_for_s = math.inf
        """How long a sender asks for what it was told of and does not find; then it goes on."""
        self.told = Acknowledged()
        self.calls = CallLog()

    @property
    def failed_calls(self) -> int:
        """Attempts that had no answer."""
        return self.calls.errors().total()

    async def run(self, senders: int) -> None:
        """Send and receive until `stop`; then return when all that was begun is answered."""
        self.calls.begun = monotonic()
        receiving = [asyncio.create_task(self._receive(name)) for name in RECIPIENTS]
        sending = [asyncio.create_task(self._send()) for _ in range(senders)]
        try:
            await _all_or_first_fault([*sending, *receiving], until=sending)
            self._all_sent = True
            await asyncio.gather(*receiving)
        finally:
            for task in (*sending, *receiving):
                task.cancel()
            await asyncio.gather(*sending, *receiving, return_exceptions=True)
            for client in self._clients.values():
                await client.aclose()

    def stop(self) -> None:
        """Begin nothing new."""
        self._stopping.set()

    async def _send(self) -> None:
        while not self._stopping.is_set():
            self._sent += 1
            number, due = self._sent, await self._due(self._sent)
            if due is None:
                return
            content = self._random.randbytes(self._random.randint(100, 20_000))
            document = sample_document(f"{self._series}-{number}/CV-MAU")
            files = [OutgoingFile("Công văn mẫu.bin", content, "application/octet-stream")]
            self.calls.unanswered[number] = due
            answer = await self._ask("submit", "office", partial(_submit, document, files), due)
            digest = sha256(content).hexdigest()
            self.told.contents[answer.id] = digest
            self.calls.due[answer.id] = self.calls.unanswered.pop(number)
            with contextlib.suppress(_NotFoundInTime):
                await self._follow(number, answer, digest)

    async def _follow(self, number: int, answer: Submission, digest: str) -> None:
        """What a sender does of a document once it was answered."""
        if answer.status == "pending":
            self.told.pending.add(answer.id)
            await self._until_decided(answer.id)
        else:
            assert [each.code for each in answer.recipients] == list(RECIPIENTS.values())
        if number % 5 == 0 and answer.receipt:
            await self._fetch_receipt(answer.receipt)
        if self._queries:
            await self._look_at(number, answer.id, digest)

    async def _due(self, number: int) -> float | None:
        """Wait until a document is due, and answer that moment; None when all is to stop."""
        if self._rate is None:
            return monotonic()
        due = self.calls.begun + number / self._rate
        try:
            async with asyncio.timeout(max(0.0, due - monotonic())):
                await self._stopping.wait()
        except TimeoutError:
            return due
        return None

    async def _until_decided(self, document_id: str) -> None:
        """Durable, and its decision still to come: it is only asked about from now on."""
        pauses = self._pauses(_LOOK_S, _LONGEST_LOOK_S)
        while True:
            found = await self._until_there("document", lambda client: client.document(document_id))
            if found.status != "pending":
                return
            await asyncio.sleep(next(pauses))

    async def _until_there(
        self, operation: str, call: Callable[[DocaxisClient], Awaitable[T]]
    ) -> T:
        """Of the office, something that is made after the answer that names it."""

        async def look(client: DocaxisClient) -> T | None:
            try:
                return await call(client)
            except ProblemError as problem:
                if problem.status != 404:
                    raise
                return None

        until = monotonic() + self.looks_for_s
        pauses = self._pauses(_LOOK_S, _LONGEST_LOOK_S)
        while monotonic() < until:
            found = await self._ask(operation, "office", look)
            if found is not None:
                return found
            await asyncio.sleep(next(pauses))
        raise _NotFoundInTime

    async def _look_at(self, number: int, document_id: str, digest: str) -> None:
        if number % 3 == 0:
            found = await self._ask(
                "document", "office", lambda client: client.document(document_id)
            )
            assert found.id == document_id
        if number % 3 == 1:
            await self._ask("file", "office", lambda client: client.fetch(document_id, digest))
        if number % 3 == 2 and self.calls.finished:
            known = self._random.choice(list(self.calls.finished))
            timeline = await self._ask("timeline", "office", lambda client: client.timeline(known))
            assert {each.code for each in timeline.items} == set(RECIPIENTS.values())

    async def _fetch_receipt(self, href: str) -> None:
        receipt = await self._until_there("receipt", lambda client: client.receipt(href))
        self.told.receipts.setdefault(receipt.id, receipt.jws)
        assert self.told.receipts[receipt.id] == receipt.jws

    async def _receive(self, name: str) -> None:
        cursor: str | None = None
        mine = self.told.deliveries[name]
        while not (self._all_sent and len(mine) >= len(self.told.contents)):
            page = await self._ask("inbox", name, partial(_inbox, cursor))
            cursor = page.next
            for item in page.items:
                assert item.delivery_id not in mine
                mine[item.delivery_id] = item.document.id
                self.told.numbers[name].append(item.mailbox_number)
            if page.items:
                await self._take_over(name, [item.delivery_id for item in page.items])

    async def _take_over(self, name: str, ids: list[str]) -> None:
        key = str(uuid.uuid4())
        while True:
            taken = await self._ask(
                "acknowledge", name, lambda client: client.acknowledge(ids, idempotency_key=key)
            )
            if all(each.done for each in taken):
                break
            assert {each.result for each in taken if not each.done} <= _PATIENT, taken
            await asyncio.sleep(self._retry_s)
        self.told.handed_over.update(ids)
        await self._report(name, [StatusReport(each, code) for each in ids for code in REPORTED])
        mine = self.told.deliveries
        for document in (mine[name][each] for each in ids):
            if sum(document in each.values() for each in mine.values()) == len(RECIPIENTS):
                self.calls.finished[document] = monotonic()

    async def _report(self, name: str, reports: list[StatusReport]) -> None:
        key = str(uuid.uuid4())
        while True:
            results = await self._ask(
                "report", name, lambda client: client.report_statuses(reports, idempotency_key=key)
            )
            done = [each for each in results if each.done]
            self.told.statuses.update((each.delivery_id, each.code) for each in done)
            if len(done) == len(results):
                return
            assert {each.result for each in results if not each.done} <= _PATIENT, results
            await asyncio.sleep(self._retry_s)

    async def _ask(
        self,
        operation: str,
        name: str,
        call: Callable[[DocaxisClient], Awaitable[T]],
        due: float | None = None,
    ) -> T:
        first = monotonic() if due is None else due
        pauses = self._pauses(self._retry_s, _LONGEST_RETRY_S)
        while True:
            client = self._clients.get(name)
            if client is None:
                client = self._clients[name] = self._axis.client(name, attempts=1, patience_s=10)
            begun = monotonic()
            try:
                async with asyncio.timeout(_ANSWER_WITHIN_S):
                    answer = await call(client)
            except (AxisUnavailable, ProblemError, TimeoutError) as error:
                if isinstance(error, ProblemError) and not self._bears_with(error):
                    raise
                self.calls.attempts.append(Attempt(operation, begun, monotonic(), kind_of(error)))
                await asyncio.sleep(max(next(pauses), self._asked_s(error)))
            else:
                self.calls.attempts.append(Attempt(operation, begun, monotonic()))
                self.calls.answers.append(Answer(operation, first, monotonic()))
                return answer

    def _bears_with(self, problem: ProblemError) -> bool:
        return problem.retryable or problem.code in self.bear_with

    def _asked_s(self, error: Exception) -> float:
        """How long the axis asks to wait before the repeat, within bounds."""
        problem = error.problem if isinstance(error, AxisUnavailable) else None
        if self._presses or problem is None or problem.retry_after_s is None:
            return 0.0
        return min(problem.retry_after_s, _LONGEST_RETRY_S)

    def _pauses(self, first: float, longest: float) -> Iterator[float]:
        """Ever longer ones, each by chance: many callers that press keep what is busy busy."""
        pause = first
        while True:
            yield pause * self._chance.uniform(0.5, 1.5)
            if not self._presses:
                pause = min(pause * 1.5, longest)


async def _all_or_first_fault(
    tasks: list[asyncio.Task[None]], *, until: list[asyncio.Task[None]]
) -> None:
    """Wait until these have ended; raise at once what any of all has raised."""
    while not all(each.done() for each in until):
        running = [each for each in tasks if not each.done()]
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for each in tasks:
            if each.done():
                each.result()


async def _submit(
    document: NewDocument, files: list[OutgoingFile], client: DocaxisClient
) -> Submission:
    return await client.submit(document, files, decide_within_s=0)


async def _inbox(cursor: str | None, client: DocaxisClient) -> InboxPage:
    return await client.inbox(cursor=cursor, limit=50, wait=1)


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
