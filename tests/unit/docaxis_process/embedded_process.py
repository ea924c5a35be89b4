"""`python -m … <service> <folder>`: a service's process on the embedded adapters, for tests alone.

All but the ports is what `python -m docaxis_<service>` runs.
"""

import asyncio
import importlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_eventsourcing.parts import PartHealth
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_process.command_line import ProcessDefinition, run_command_line
from docaxis_process.service_process import ServiceDefinition, serve
from docaxis_process.settings import ServiceSettings
from tests.embedded import ports_in

_MODULE = "tests.unit.docaxis_process.embedded_process"
ROOT = Path(__file__).resolve().parents[3]
FAULT = "TEST_FAULT"
"""`hang`: closing the ports hangs; `die`: a part of it dies when it has worked for a moment."""


def command(service: str, folder: Path) -> list[str]:
    """How to start it."""
    return [sys.executable, "-m", _MODULE, service, str(folder)]


def environment(**settings: str) -> Mapping[str, str]:
    """This process's environment with these settings and no others of ours."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("DOCAXIS_")}
    return {**others, "DOCAXIS_KAFKA_SERVERS": "nowhere:9092", **settings}


@asynccontextmanager
async def _ports(folder: Path) -> AsyncIterator[Ports]:
    async with ports_in(folder) as ports:
        try:
            yield ports
        finally:
            if os.environ.get(FAULT) == "hang":
                threading.Event().wait()


class _Mortal:
    def __init__(self) -> None:
        self.health = PartHealth("mortal")

    async def run(self) -> None:
        self.health.working()
        await asyncio.sleep(0.1)
        raise ValueError("this part has a fault")


def _definition(name: str) -> ServiceDefinition[Any]:
    module = importlib.import_module(f"docaxis_{name}.__main__")
    found = cast(ServiceDefinition[Any], module.DEFINITION)
    if os.environ.get(FAULT) != "die":
        return found

    def compose(ports: Ports, settings: Any) -> RunningService:
        service = found.compose(ports, settings)
        return replace(service, parts=(*service.parts, _Mortal()))

    return replace(found, compose=compose)


def main() -> int:
    """Serve until told to stop."""
    name, folder = sys.argv[1:]
    definition = _definition(name)
    process = ProcessDefinition(
        name,
        (ServiceSettings, KafkaSettings, definition.settings),
        serve=lambda settings: serve(definition, settings, lambda: _ports(Path(folder))),
    )
    return run_command_line(process, [])


if __name__ == "__main__":
    sys.exit(main())
