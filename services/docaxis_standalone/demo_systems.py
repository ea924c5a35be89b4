"""The demonstration's agencies and systems, registered over gRPC on a running axis."""

import asyncio
from pathlib import Path
from time import monotonic

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.composition import clients_of
from docaxis_process.waiting import is_away
from docaxis_runtime.grpc_client import Connection
from docaxis_runtime.tls import TlsFiles
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.data_folder import DataFolder

_WITHIN_S = 120.0
_PAUSE_S = 0.5


async def register_demo_systems(
    registry: str, folder: DataFolder, url: str, tls: TlsFiles | None = None
) -> dict[str, Path]:
    """Do so at the registry's gRPC address; credentials and certificates go to `folder`.

    `url` is the REST interface that the credentials name. Repeatable, and repeated where the
    registry does not answer in time. Returns the credentials files by the systems' names. Raises
    `DocaxisError`, `ValueError` for an address that needs TLS and has none.
    """
    folder.make()
    connection = Connection(registry, tls=tls)
    until = monotonic() + _WITHIN_S
    try:
        # Of all services the registry alone is asked.
        services = clients_of(lambda name, stub: connection.client(stub))
        while True:
            try:
                return await bootstrap_demo(services, folder, url)
            except DocaxisError as error:
                if not is_away(error) or monotonic() > until:
                    raise
            await asyncio.sleep(_PAUSE_S)
    finally:
        await connection.close()
