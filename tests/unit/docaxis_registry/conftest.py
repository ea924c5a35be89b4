"""The registry at work."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from docaxis_eventsourcing.running_service import Ports
from docaxis_registry.grpc_servicer import RegistryServicer
from docaxis_registry.service import compose
from docaxis_registry.settings import RegistrySettings
from tests.embedded import at_work, ports_in


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    async with ports_in(tmp_path) as ports:
        yield ports


@pytest.fixture
async def registry(ports: Ports) -> AsyncIterator[RegistryServicer]:
    service = compose(ports, RegistrySettings())
    async with at_work(ports, service):
        yield service.servicer
