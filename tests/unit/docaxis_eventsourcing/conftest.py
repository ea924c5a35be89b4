"""What all tests of the kernel share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.unit.docaxis_eventsourcing.rig import Rig, running

settings.register_profile("kernel", deadline=None)
settings.load_profile("kernel")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A kernel on kind adapters."""
    async with running(tmp_path) as rig:
        yield rig


@pytest.fixture(params=[0, 1, 2, 3], ids=lambda seed: f"seed{seed}" if seed else "kind")
async def any_rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """A kernel on kind adapters, and on unkind ones with several seeds (L33)."""
    async with running(tmp_path, request.param) as rig:
        yield rig


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """These tests break things on purpose, hundreds of times: nobody reads the tracebacks."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[_drop])
    yield
    structlog.configure(**before)


def _drop(_: object, __: str, ___: object) -> str:
    raise structlog.DropEvent
