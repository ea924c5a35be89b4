"""A service as a process: what it is, and how it serves.

In order: gRPC listens with health alone; the ports are opened; the service is composed; its topics
are declared; its parts start together; the door opens. It stops in reverse: the door first, so that
what was accepted is finished while all behind it still works.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_process.command_line import ProcessDefinition, run_command_line
from docaxis_process.distributed_ports import distributed_ports
from docaxis_process.needs import Need, settings_for
from docaxis_process.process import run_parts
from docaxis_process.rebuild import chosen_views, rebuild_beside
from docaxis_process.service_server import ServiceServer
from docaxis_process.settings import ServiceSettings
from docaxis_process.waiting import until_there
from docaxis_runtime.health import Health
from docaxis_runtime.kernel_part import KernelPart
from docaxis_runtime.settings import LoadedSettings

SettingsT = TypeVar("SettingsT")

NOT_FOR_VIEWS = frozenset({Need.FILES, Need.SECRETS})
"""Views are made from the log alone."""

OpenPorts = Callable[[], AbstractAsyncContextManager[Ports]]


@dataclass(frozen=True, slots=True)
class ServiceDefinition(Generic[SettingsT]):
    """What differs between the processes of the services."""

    name: str
    """As in `docaxis_routing`, without the front."""
    grpc_name: str
    """The full name of its gRPC service."""
    register: Callable[[Any, Any], None]
    """Its generated `add_…Servicer_to_server`."""
    settings: type[SettingsT]
    compose: Callable[[Ports, SettingsT], RunningService]
    needs: frozenset[Need]
    """The ports that it uses beside the log; it gets no others and is asked for no others."""

    @property
    def settings_classes(self) -> tuple[type[Any], ...]:
        """All that its process is told."""
        return (ServiceSettings, *settings_for(self.needs), self.settings)

    def ports(self, settings: LoadedSettings) -> AbstractAsyncContextManager[Ports]:
        """Its ports on the distributed adapters."""
        process = settings[ServiceSettings]
        return distributed_ports(
            self.name, process, settings, self.needs, views_kept_s=process.views_kept_s
        )

    def ports_to_rebuild(self, settings: LoadedSettings) -> AbstractAsyncContextManager[Ports]:
        """Those that its views take and its composing asks for, under a name of their own."""
        process = settings[ServiceSettings]
        beside = replace(process, replica=f"{process.replica_name}-rebuild")
        needs = self.needs - NOT_FOR_VIEWS
        return distributed_ports(
            self.name, beside, settings, needs, views_kept_s=process.views_kept_s
        )


def main(definition: ServiceDefinition[Any], arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    process = ProcessDefinition(
        name=definition.name,
        settings_classes=definition.settings_classes,
        serve=lambda settings: serve(definition, settings, lambda: definition.ports(settings)),
        rebuild=lambda settings, views: rebuild(
            definition, settings, lambda: definition.ports_to_rebuild(settings), views
        ),
    )
    return run_command_line(process, arguments)


async def serve(
    definition: ServiceDefinition[Any], settings: LoadedSettings, open_ports: OpenPorts
) -> None:
    """Serve until cancelled. Raises `PartDied`, `ValueError`, `OSError`, `RuntimeError`."""
    process = settings[ServiceSettings]
    health = Health()
    health.part("grpc").not_ready("the ports are not open yet")
    server = ServiceServer(definition.grpc_name, definition.register, process, health)
    await server.listen()
    try:
        async with open_ports() as ports:
            service = await _composed(definition, settings, ports)
            parts = tuple(KernelPart(part, health) for part in service.parts)
            await run_parts([parts, server.door(service.servicer)], health, process)
    finally:
        await server.close()


async def rebuild(
    definition: ServiceDefinition[Any],
    settings: LoadedSettings,
    open_ports: OpenPorts,
    views: Sequence[str],
) -> None:
    """Rebuild views beside the replicas that serve. Raises `ValueError` for an unknown name."""
    async with open_ports() as ports:
        service = await _composed(definition, settings, ports)
        try:
            runners = chosen_views(service.views, views)
        except KeyError as error:
            known = ", ".join(sorted(service.views))
            raise ValueError(f"no view {error.args[0]!r} here; there are {known}") from None
        await rebuild_beside(runners, ports.store, _print)


async def _composed(
    definition: ServiceDefinition[Any], settings: LoadedSettings, ports: Ports
) -> RunningService:
    """The service on its ports, its topics declared."""
    service = definition.compose(ports, settings[definition.settings])
    await until_there(
        "kafka",
        settings[KafkaSettings].kafka_servers,
        lambda: service.declare_topics(ports.log),
    )
    return service


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
