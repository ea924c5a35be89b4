"""`python -m docaxis_gateway`: the gateway as a process (see `docaxis_process`).

It listens at once and answers its health; it opens Kafka, MongoDB, the file store and the secrets;
it waits for the registry's systems; then it serves. A service that is away later is told to callers
as 503.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from docaxis_eventsourcing.running_service import Ports
from docaxis_gateway.composition import clients_of, compose_gateway
from docaxis_gateway.early_app import EarlyApp, HttpDoor
from docaxis_gateway.public_grpc.door import PublicGrpcServer
from docaxis_gateway.server import HttpServer
from docaxis_gateway.settings import GatewaySettings, ServiceAddressSettings
from docaxis_process.command_line import ProcessDefinition, run_command_line
from docaxis_process.distributed_ports import distributed_ports
from docaxis_process.needs import Need, settings_for
from docaxis_process.patient_part import PatientPart
from docaxis_process.process import run_parts
from docaxis_process.settings import ProcessSettings
from docaxis_runtime.grpc_client import Connection
from docaxis_runtime.health import Health
from docaxis_runtime.settings import LoadedSettings
from docaxis_runtime.tls import require_safe

NEEDS = frozenset({Need.STORE, Need.FILES, Need.SECRETS})


def check(settings: LoadedSettings) -> None:
    """Raise `ValueError` for an address that needs TLS and has none."""
    settings[GatewaySettings].require_safe()
    for address in settings[ServiceAddressSettings].by_name().values():
        require_safe(address, settings[ProcessSettings].tls)


def open_ports(settings: LoadedSettings) -> AbstractAsyncContextManager[Ports]:
    """The gateway's ports on the distributed adapters."""
    return distributed_ports("gateway", settings[ProcessSettings], settings, NEEDS)


async def serve(
    settings: LoadedSettings,
    ports_of: Callable[[LoadedSettings], AbstractAsyncContextManager[Ports]] = open_ports,
) -> None:
    """Serve until cancelled. Raises `PartDied`, `ValueError`, `OSError`."""
    process, gateway = settings[ProcessSettings], settings[GatewaySettings]
    health, stopping = Health(), asyncio.Event()
    early = EarlyApp(health)
    server = HttpServer(early, gateway, stopping)
    public_grpc = PublicGrpcServer(early, gateway, health, stopping)
    health.part(server.name).not_ready("the ports are not open yet")
    addresses = settings[ServiceAddressSettings].by_name()
    connections = {
        name: Connection(address, tls=process.tls) for name, address in addresses.items()
    }
    await server.start()
    try:
        await public_grpc.start()
        async with ports_of(settings) as ports:
            composed = await compose_gateway(
                clients_of(lambda name, stub: connections[name].client(stub)),
                ports.files,
                ports.log,
                ports.secrets,
                ports.store,
                gateway,
                health,
                stopping,
                ports.outcomes_partition,
            )
            directory = PatientPart(composed.directory, "registry", addresses["registry"])
            door = HttpDoor(server, early, composed.app, public_grpc)
            await run_parts(
                [directory, composed.background, composed.request_log, door], health, process
            )
    finally:
        await asyncio.gather(server.stop(), public_grpc.stop())
        for connection in connections.values():
            await connection.close()


DEFINITION = ProcessDefinition(
    "gateway",
    (
        ProcessSettings,
        *settings_for(NEEDS),
        ServiceAddressSettings,
        GatewaySettings,
    ),
    serve,
    check,
)

if __name__ == "__main__":
    sys.exit(run_command_line(DEFINITION))
