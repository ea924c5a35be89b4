"""The two forms of an axis for one scenario: all in a process, and each service its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from docaxis_client.client import DocaxisClient
from docaxis_standalone.data_folder import DataFolder
from tests.servers import require_servers
from tests.system.axis_process import free_port, running_process
from tools.cluster.axis import AxisCluster
from tools.cluster.errors import FetchError

ON_SERVERS = (pytest.mark.cluster, pytest.mark.faults)
"""Marks of tests with a whole distributed axis. One worker runs them and the fault tests, one after
another: two such axes at once are too much for a small machine."""

FORMS = ("standalone", pytest.param("cluster", marks=ON_SERVERS))


class AxisForm(Protocol):
    """What both forms have in common; the demonstration's systems are registered."""

    @property
    def url(self) -> str:
        """Of the REST interface."""
        ...

    @property
    def public_grpc(self) -> str:
        """`host:port` of the public gRPC."""
        ...

    @property
    def folder(self) -> DataFolder:
        """Credentials, and the demonstration's certificates."""
        ...

    def client(self, name: str, *, attempts: int = 6, patience_s: float = 60.0) -> DocaxisClient:
        """A client of one of the demonstration's systems."""
        ...

    def grpc_address(self, service: str) -> str:
        """Where a service answers gRPC."""
        ...


@asynccontextmanager
async def running_cluster(
    folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[AxisCluster]:
    """A distributed axis on servers of its own; skips where they cannot be had."""
    require_servers()
    told = {"": environment or {}}
    try:
        axis = await asyncio.to_thread(partial(AxisCluster, folder, environment=told))
    except FetchError as error:
        pytest.skip(f"no real servers here: {error}")
    try:
        await asyncio.to_thread(axis.start)
        await asyncio.to_thread(axis.bootstrap)
        yield axis
    finally:
        await asyncio.to_thread(axis.stop)


@asynccontextmanager
async def running_form(
    form: str, folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[AxisForm]:
    """An axis in one of the `FORMS`, with the demonstration's systems; stopped at the end.

    All its processes are told what is in `environment`.
    """
    if form == "standalone":
        async with running_process(
            folder, grpc_port=free_port(), environment=environment
        ) as process:
            yield process
    else:
        async with running_cluster(folder, environment) as cluster:
            yield cluster
