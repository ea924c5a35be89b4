"""The demonstration's agencies and systems, registered over gRPC on a running axis."""

from collections.abc import Mapping

from docaxis_gateway.composition import clients_of
from docaxis_runtime.grpc_client import Connection
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.data_folder import DataFolder


async def register_demo_systems(addresses: Mapping[str, str], folder: DataFolder, url: str) -> None:
    """Do so through the services' gRPC addresses; credentials and certificates go to `folder`.

    `url` is the REST interface that the credentials name. Repeatable. Raises `DocaxisError`.
    """
    connections = {name: Connection(address) for name, address in addresses.items()}
    try:
        services = clients_of(lambda name, stub: connections[name].client(stub))
        await bootstrap_demo(services, folder, url)
    finally:
        for connection in connections.values():
            await connection.close()
