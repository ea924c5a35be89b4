"""An import against the registry itself: order, repeats, and a registry that is away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_registry.grpc_servicer import RegistryServicer
from docaxis_registry.imports import sending
from docaxis_registry.imports.plan import plan
from docaxis_registry.imports.rows import RowFault, read_rows
from docaxis_registry.imports.sending import ImportReport, send
from docaxis_registry.service import compose
from docaxis_registry.settings import RegistrySettings
from docaxis_runtime.grpc_client import twin
from tests.embedded import at_work, ports_in

HEADER = "mã;tên;cấp;mã cấp trên\n"


class Flaky:
    """A registry whose answers are lost now and then, after they were decided."""

    def __init__(self, servicer: RegistryServicer, losing: int = 0) -> None:
        self._servicer = servicer
        self.losing = losing
        self.calls = 0

    async def RegisterOrganisations(
        self, request: rpc.RegisterOrganisationsRequest, context: Any
    ) -> rpc.RegisterOrganisationsReply:
        self.calls += 1
        reply = await self._servicer.RegisterOrganisations(request, context)
        if self.losing:
            self.losing -= 1
            raise DocaxisError("unavailable")
        return reply


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[RegistryServicer]:
    async with ports_in(tmp_path) as ports:
        service = compose(ports, RegistrySettings(outcome_wait_s=20.0, view_deadline_s=20.0))
        async with at_work(ports, service):
            yield service.servicer


async def imported(target: Any, folder: Path, rows: str) -> ImportReport:
    path = folder / "units.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    planned = plan(tuple(read_rows(path)))
    told: list[int] = []
    stub = twin(target, RegistryStub)
    report = await send(stub, planned, actor="test", done=told.append)
    assert sum(told) == report.rows == sum(report.counts.values())
    return report


async def test_every_bad_row_is_answered_and_the_others_are_taken(
    registry: RegistryServicer, tmp_path: Path
) -> None:
    report = await imported(
        registry,
        tmp_path,
        "A.1;Sở;2;A\nA;Tỉnh;1;\nb;Thường;1;\nA.2;Sở;9;A\nX.1;Sở;2;X\nA.3;;2;A\nA;Tỉnh;1;\n",
    )
    assert report.counts["registered"] == 2
    assert report.faults == [
        RowFault(4, "b", "field_invalid", "/code"),
        RowFault(5, "A.2", "field_invalid", "/level"),
        RowFault(6, "X.1", "parent_unknown", "/parent_code"),
        RowFault(7, "A.3", "field_required", "/name"),
        RowFault(8, "A", "row_duplicate", "/code"),
    ]


async def version(registry: RegistryServicer, at_least: int) -> int:
    """Of the view, once it has come so far."""
    async with asyncio.timeout(20):
        while True:
            found = await registry.SnapshotSystems(rpc.SnapshotSystemsRequest(), None)
            if found.version >= at_least:
                return int(found.version)
            await asyncio.sleep(0.01)


async def test_the_same_file_again_makes_no_event(
    registry: RegistryServicer, tmp_path: Path
) -> None:
    rows = "A;Tỉnh;1;\nA.1;Sở;2;A\n"
    await imported(registry, tmp_path, rows)
    assert await version(registry, 2) == 2, "parents first, then their children"
    report = await imported(registry, tmp_path, rows)
    assert report.counts == {"unchanged": 2}
    await imported(registry, tmp_path, "B;Tỉnh;1;\n")
    assert await version(registry, 3) == 3


async def test_L2_a_slice_whose_answer_was_lost_is_registered_once(
    registry: RegistryServicer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "wait_random_exponential", lambda *_: lambda _state: 0.0)
    flaky = Flaky(registry, losing=2)
    report = await imported(flaky, tmp_path, "A;Tỉnh;1;\nB;Tỉnh;1;\n")
    assert report.counts == {"registered": 2}, "the first answer, not that it is unchanged"
    assert flaky.calls == 3


async def test_a_registry_that_stays_away_ends_the_import(
    registry: RegistryServicer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE_S", 0.0)
    with pytest.raises(DocaxisError, match="unavailable"):
        await imported(Flaky(registry, losing=99), tmp_path, "A;Tỉnh;1;\n")


async def test_L10_an_import_rides_in_the_bulk_lane(
    registry: RegistryServicer, tmp_path: Path
) -> None:
    await imported(registry, tmp_path, "A;Tỉnh;1;\n")
    assert registry._door._lags.keys() == {(0, "bulk")}
