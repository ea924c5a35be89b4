"""The run: every unit sends and receives with its own credentials, over the public interface.

Repeatable at any point: a document's id is computed from what it is, a report's key from what it
says, and what was taken stays taken. A cut run goes on where it was; a second one changes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from docaxis_cli.counting import today_in_vietnam
from docaxis_cli.session import ZONE
from docaxis_cli.simulation.counts import beyond, counted
from docaxis_cli.simulation.plan import Letter, Plan
from docaxis_cli.simulation.report_2019 import STATUSES
from docaxis_cli.simulation.units import Unit
from docaxis_client.client import DocaxisClient
from docaxis_client.models import DocumentType, Signer
from docaxis_client.statistics import Classes, FeedbackFigures, Statistics
from docaxis_client.submission import NewDocument, OutgoingFile
from docaxis_client.tracking import InboxItem, StatusReport

ROUND = 4000
"""Documents sent before their recipients take them: so a page of the inbox holds many. While they
do, the next are sent."""
SENDERS, TAKERS = 64, 16
ATTEMPTS, PATIENCE_S = 1000, 900.0
"""How long a call is repeated while the axis says that it is busy (rule L23)."""
_PAGE = 500
_NEWS_S = 5
_NOTHING_MOVES_S = 60.0

Progress = Callable[[int], None]
"""Told how many more documents were sent, or deliveries taken."""


class SimulationFailed(Exception):
    """The axis did something that the plan does not hold; the message says what."""


class Run:
    """One run of a plan against an axis."""

    def __init__(
        self,
        plan: Plan,
        units: Sequence[Unit],
        clients: Mapping[str, DocaxisClient],
        stopped: str = "",
        progress: Progress = lambda count: None,
        round_of: int = ROUND,
    ) -> None:
        """`clients` are by unit; the unit `stopped` sends, and takes nothing."""
        self._round_of = round_of
        self._plan = plan
        self._clients = clients
        self._takers = [each for each in units if each.code != stopped]
        short = plan.short_by(stopped)
        received = {level: count - short.get(level, 0) for level, count in plan.received.items()}
        self.expected = (dict(plan.sent), received)
        """What the query must answer: sent and received by level, without what is stopped."""
        self._progress = progress
        self._cursors: dict[str, str | None] = {}
        self._due: Counter[str] = Counter()
        """What was sent and is not taken, by unit; below 0 where more was open already."""
        self._first_day = today_in_vietnam()
        self._taken = 0
        self.documents = self.deliveries = 0
        """What this run added, whatever was there before."""

    async def play(self) -> None:
        """Send and take everything. Raises `SimulationFailed`, and what the client raises."""
        letters = self._plan.letters()
        several = list(islice(letters, self._round_of))
        await self._send(several)
        while several:
            several = list(islice(letters, self._round_of))
            await _all((self._each_unit(self._take), self._send(several)))
        await self._settle()

    async def figures(self) -> tuple[Statistics, FeedbackFigures]:
        """What the axis's queries answer about the run's days."""
        axis = next(iter(self._clients.values()))
        last = today_in_vietnam()
        first = self._first_day
        figures = await axis.statistics(first, last)
        return figures, await axis.feedback(first[:7], last[:7])

    @property
    def days(self) -> tuple[str, str]:
        """The run's days: when the axis accepted the first document, and today."""
        return self._first_day, today_in_vietnam()

    async def _send(self, letters: Sequence[Letter]) -> None:
        """Send some letters; their new deliveries are due when all are sent."""
        waiting: Counter[str] = Counter()
        todo: Iterator[Letter] = iter(letters)

        async def sender() -> None:
            for letter in todo:
                if await self._submit(letter):
                    waiting.update(each.unit for each in letter.recipients)
                self._progress(1)

        await _all(sender() for _ in range(SENDERS))
        self._due.update(waiting)

    async def _submit(self, letter: Letter) -> bool:
        """Whether it was new."""
        scale, sender = f"{self._plan.scale.normalize():f}", letter.sender
        text = f"Văn bản mô phỏng số {letter.number} của {sender.name}, không có giá trị pháp lý.\n"
        document = NewDocument(
            sender=sender.code,
            recipients=[each.code for each in letter.recipients],
            id=f"{sender.code},{letter.promulgated_on:%Y/%m/%d},{letter.number}/MP2019-{scale}",
            number=str(letter.number),
            notation="MP2019",
            place="Việt Nam",
            promulgated_on=letter.promulgated_on.isoformat(),
            type=DocumentType(group=2, code=0, name="Công văn"),
            subject=f"Văn bản mô phỏng số {letter.number}",
            signer=Signer(competence="", position="Mô phỏng", full_name="Người ký giả định"),
        )
        file = OutgoingFile("mo-phong.txt", text.encode(), media_type="text/plain")
        answer = await self._clients[sender.unit].submit(document, [file], inline=True)
        if answer.refused:
            codes = ", ".join(f"{each.code}: {each.reason}" for each in answer.refused)
            raise SimulationFailed(f"document {letter.number} is refused for {codes}")
        if answer.accepted_at is not None:
            self._first_day = min(self._first_day, _day(answer.accepted_at))
        self.documents += answer.first
        return answer.first

    async def _take(self, unit: Unit) -> None:
        """Take what is open and what is due.

        Ends when nothing is due any more, or nothing came for a while (`_settle` has the last
        word).
        """
        until = _clock() + _NOTHING_MOVES_S
        while True:
            page = await self._clients[unit.code].inbox(
                cursor=self._cursors.get(unit.code),
                limit=_PAGE,
                wait=_NEWS_S if self._due[unit.code] > 0 else 0,
            )
            if page.items:
                await self._take_page(unit, page.items)
                self._due[unit.code] -= len(page.items)
                until = _clock() + _NOTHING_MOVES_S
            self._cursors[unit.code] = page.next
            if _clock() > until:
                self._due[unit.code] = 0
            if len(page.items) < _PAGE and self._due[unit.code] <= 0:
                return

    async def _take_page(self, unit: Unit, items: Sequence[InboxItem]) -> None:
        """Report on deliveries, then take them over.

        In this order, a run that is cut in between finds them again; their statuses are then told
        under the same key, or at worst once more, which no figure counts twice.
        """
        client = self._clients[unit.code]
        codes = STATUSES.get(unit.answers, ())
        by_organisation: dict[str, list[str]] = {}
        for item in items:
            by_organisation.setdefault(item.organisation, []).append(item.delivery_id)
        for organisation, deliveries in by_organisation.items():
            reports = [StatusReport(each, code) for each in deliveries for code in codes]
            for start in range(0, len(reports), _PAGE):
                several = reports[start : start + _PAGE]
                key = sha256("".join(f"{e.delivery}{e.code}" for e in several).encode())
                results = await client.report_statuses(
                    several, organisation=organisation, idempotency_key=key.hexdigest()
                )
                _all_done("a status", results)
        told = await client.acknowledge([each.delivery_id for each in items])
        _all_done("a delivery", told)
        new = sum(each.result == "handed_over" for each in told)
        self.deliveries += new
        self._taken += len(items)  # also what a call took whose answer was lost
        self._progress(new)

    async def _settle(self) -> None:
        """Take what is left, until the query answers what the plan says, or nothing moves.

        An axis under load hands over late; a run before this one may have been cut anywhere. Where
        it counts more than the plan, it holds others' documents and will never say the same: then
        having taken everything is enough.
        """
        until = _clock() + _NOTHING_MOVES_S
        while True:
            before = self.deliveries
            self._cursors.clear()  # without a cursor an inbox is all that is open
            self._due.clear()
            await self._each_unit(self._take)
            figures, feedback = await self.figures()
            heard = sum(_deliveries(each.deliveries) for each in feedback.items)
            found, all_taken = counted(figures), self._taken >= sum(self.expected[1].values())
            whole = found == self.expected and heard == figures.total.received
            beside_others = all_taken and any(beyond(found, self.expected))
            if whole or beside_others or _clock() > until:
                return
            if self.deliveries > before:
                until = _clock() + _NOTHING_MOVES_S
            await asyncio.sleep(0.5)

    async def _each_unit(self, work: Callable[[Unit], Awaitable[None]]) -> None:
        todo = iter(self._takers)

        async def taker() -> None:
            for unit in todo:
                await work(unit)

        await _all(taker() for _ in range(TAKERS))


def _deliveries(classes: Classes) -> int:
    return classes.full + classes.part + classes.arrived_only + classes.none


def _all_done(what: str, results: Iterable[object]) -> None:
    for each in results:
        if not getattr(each, "done", False):
            raise SimulationFailed(f"{what} was refused: {each}")


def _day(moment: datetime) -> str:
    return moment.astimezone(ZONE).date().isoformat()


def _clock() -> float:
    return asyncio.get_running_loop().time()


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all at once; the first fault ends the others, and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from faults
