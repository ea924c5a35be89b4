"""Sending an import to a registry: a few slices under way at once, repeated where it is away.

A slice's key is drawn once for each run, so a repeat within the run is harmless, and a later run of
the same file is decided anew: what it does not change is `unchanged`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import new_id
from docaxis_proto.registry_v1_pb2 import RegisterOrganisationsReply, RegisterOrganisationsRequest
from docaxis_registry.imports.plan import ImportPlan, Slice
from docaxis_registry.imports.rows import RowFault

if TYPE_CHECKING:
    from docaxis_proto.registry_v1_pb2_grpc import RegistryAsyncStub

IN_FLIGHT = 3
CALL_TIMEOUT_S = 60.0
PATIENCE_S = 300.0
"""How long a slice is repeated while the registry is away."""
_AWAY = ("unavailable", "busy", "deadline_exceeded")
_TAKEN = ("registered", "unchanged")


@dataclass(slots=True)
class ImportReport:
    """What became of all rows."""

    rows: int
    counts: Counter[str] = field(default_factory=Counter)
    """By result: `registered`, `unchanged`, or a row of the error table."""
    faults: list[RowFault] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """Rows that were not taken."""
        return len(self.faults)


async def send(
    registry: "RegistryAsyncStub",
    plan: ImportPlan,
    *,
    actor: str,
    in_flight: int = IN_FLIGHT,
    done: Callable[[int], None] = lambda rows: None,
) -> ImportReport:
    """Register what is planned; `done` is told of rows as they are answered.

    Raises `DocaxisError` where the registry is away for too long, or refuses a slice as a whole.
    What was answered before is registered: the same import again goes on from there.
    """
    report = ImportReport(plan.rows)
    _count(report, plan.faults)
    done(len(plan.faults))
    run = new_id()
    number = 0
    for wave in plan.waves:
        places = asyncio.Semaphore(in_flight)

        async def one(rows: Slice, key: str, places: asyncio.Semaphore = places) -> None:
            async with places:
                reply = await _register(registry, rows, key, actor)
            _note(report, rows, reply)
            done(len(rows))

        try:
            async with asyncio.TaskGroup() as group:
                for each in wave:
                    number += 1
                    group.create_task(one(each, f"{run}-{number}"))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    report.faults.sort(key=lambda fault: fault.line)
    return report


async def _register(
    registry: "RegistryAsyncStub", rows: Slice, key: str, actor: str
) -> RegisterOrganisationsReply:
    request = RegisterOrganisationsRequest(
        entries=[row.entry for row in rows], idempotency_key=key, actor=actor, bulk=True
    )
    retrying = AsyncRetrying(
        retry=retry_if_exception(_is_away),
        wait=wait_random_exponential(0.2, 5.0),
        stop=stop_after_delay(PATIENCE_S),
        reraise=True,
    )
    async for attempt in retrying:
        with attempt:
            return await registry.RegisterOrganisations(request, timeout=CALL_TIMEOUT_S)
    raise DocaxisError("unavailable")


def _is_away(error: BaseException) -> bool:
    return isinstance(error, DocaxisError) and error.code in _AWAY


def _note(report: ImportReport, rows: Slice, reply: RegisterOrganisationsReply) -> None:
    for row, result in zip(rows, reply.results, strict=True):
        if result.result in _TAKEN:
            report.counts[result.result] += 1
        else:
            fault = RowFault(row.line, result.code, result.result, result.pointer)
            _count(report, (fault,))


def _count(report: ImportReport, faults: Iterable[RowFault]) -> None:
    for fault in faults:
        report.faults.append(fault)
        report.counts[fault.code] += 1
