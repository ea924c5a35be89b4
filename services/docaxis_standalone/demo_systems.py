"""The demonstration's agencies and systems, registered over gRPC on a running axis."""

import asyncio
from collections.abc import Mapping
from time import monotonic

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.composition import clients_of
from docaxis_process.waiting import is_away
from docaxis_runtime.grpc_client import Connection
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.data_folder import DataFolder

_WITHIN_S = 120.0
_PAUSE_S = 0.5


async def register_demo_systems(addresses: Mapping[str, str], folder: DataFolder, url: str) -> None:
    """Do so through the services' gRPC addresses; credentials and certificates go to `folder`.

    `url` is the REST interface that the credentials name. Repeatable, and repeated where the
    registry does not answer in time. Raises `DocaxisError`.
    """
    connections = {name: Connection(address) for name, address in addresses.items()}
    until = monotonic() + _WITHIN_S
    try:
        services = clients_of(lambda name, stub: connections[name].client(stub))
        while True:
            try:
                await bootstrap_demo(services, folder, url)
                return
            except DocaxisError as error:
                if not is_away(error) or monotonic() > until:
                    raise
            await asyncio.sleep(_PAUSE_S)
    finally:
        for connection in connections.values():
            await connection.close()
