"""Views made again while other replicas serve them, on the registry as the sample."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_eventsourcing.active_spaces import ActiveSpaces
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_eventsourcing.space_digest import space_digest
from docaxis_process.service_process import rebuild
from docaxis_process.settings import ServiceSettings
from docaxis_proto import registry_v1_pb2 as pb
from docaxis_registry.__main__ import DEFINITION
from docaxis_registry.catalogue import catalogue
from docaxis_registry.service import compose
from docaxis_registry.settings import RegistrySettings
from docaxis_runtime.settings import LoadedSettings
from tests.embedded import at_work, ports_in
from tests.unit.docaxis_process.polling import eventually

VIEW = "registry_directory"
SETTINGS = LoadedSettings(
    ServiceSettings(listen="unix:/nowhere"), KafkaSettings("nowhere:9092"), RegistrySettings()
)


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    async with ports_in(tmp_path) as ports:
        yield ports


async def rebuilt(ports: Ports, *views: str) -> None:
    @asynccontextmanager
    async def open_ports() -> AsyncIterator[Ports]:
        yield ports

    await rebuild(DEFINITION, SETTINGS, open_ports, views)


async def register(service: RunningService, start: int, stop: int) -> Any:
    request = pb.RegisterOrganisationsRequest(entries=catalogue()[start:stop], actor="a")
    return await service.servicer.RegisterOrganisations(request, None)


async def codes(service: RunningService) -> set[str]:
    reply = await service.servicer.ListOrganisations(pb.ListOrganisationsRequest(limit=500), None)
    return {each.code for each in reply.organisations}


async def test_the_replicas_serve_on_and_follow(
    ports: Ports, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_eventsourcing.projector._FOLLOW_S", 0.1)
    service = compose(ports, RegistrySettings())
    runner = service.views[VIEW]
    async with at_work(ports, service):
        await register(service, 0, 40)
        before = runner.reader.space
        # The old space stays until the replica here has followed.
        patient = replace(ports, views_kept_s=1.5)
        rebuilding = asyncio.create_task(rebuilt(patient, VIEW))
        await eventually(lambda: runner.reader.space != before, "the replica has followed")
        await register(service, 40, 45)  # the traffic does not stop
        await rebuilding
        after = runner.reader.space
        assert after in await ports.store.spaces()
        assert before not in await ports.store.spaces()
        assert {each.code for each in catalogue()[:45]} <= await codes(service)
        digest = await space_digest(ports.store, after, runner.view.tables)
    assert f"{VIEW}: {after} serves; digest {digest}\n" in capsys.readouterr().out


async def test_a_view_that_was_never_built_is_built_once(
    ports: Ports, capsys: pytest.CaptureFixture[str]
) -> None:
    await rebuilt(ports)
    found = await ActiveSpaces(ports.store).get(VIEW)
    assert found is not None
    assert found.generation == 1
    told = capsys.readouterr().out.splitlines()
    lines = [line for line in told if line.startswith(VIEW)]
    assert lines[0] == f"{VIEW}: building (2 of 2)"
    assert re.fullmatch(rf"{VIEW}: {found.space} serves; digest [0-9a-f]{{64}}", lines[1])


async def test_an_unknown_view_is_refused_with_those_that_there_are(ports: Ports) -> None:
    with pytest.raises(
        ValueError, match=f"no view 'nobody' here; there are registry_accounts, {VIEW}"
    ):
        await rebuilt(ports, VIEW, "nobody")
