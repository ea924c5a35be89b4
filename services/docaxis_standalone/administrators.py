"""The first administrator of an axis: who may read its data folder, or reach its registry, is one.

Nothing of the public interface can make one where there is none. The key is made here, and the
registry told its public part; who dies half-way does it again with the same key.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_proto import registry_v1_pb2 as pb
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_runtime.grpc_client import Connection
from docaxis_runtime.registry_systems import ADMINISTRATION
from docaxis_runtime.tls import TlsFiles, is_unix
from docaxis_standalone.composition import running_axis
from docaxis_standalone.data_folder import DataFolder
from docaxis_trust.jwk_set import public_jwk
from docaxis_trust.private_files import read_private_file, write_private_file

if TYPE_CHECKING:
    from docaxis_proto.registry_v1_pb2_grpc import RegistryAsyncStub

ACTOR = "data-folder"
"""On whose authority: the owner's of the folder, or of the registry's socket."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")


async def create_administrator(
    data: Path, name: str, url: str, registry: str = "", tls: TlsFiles | None = None
) -> Path:
    """Make an administrator; returns its credentials file, `clients/<name>.json` of the folder.

    It asks the registry at `registry` (an address of gRPC's, with `tls` on other machines), else
    the axis that runs on the folder, else starts one for the moment. Raises `FileExistsError` where
    the file is there, `ValueError` for a name or address that cannot be, `DocaxisError`,
    `FolderInUse`.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: a name is a-z, 0-9, - and _, at most 41 characters")
    folder = DataFolder(data)
    folder.make()
    credentials = folder.clients / f"{name}.json"
    if credentials.exists():
        raise FileExistsError(17, "there is one already", str(credentials))
    key_file = folder.clients / f"{name}.key.pem"
    jwk = public_jwk(_key(key_file).public_key())
    async with _registry(folder, registry, tls) as stub:
        system = await stub.RegisterSystem(
            pb.RegisterSystemRequest(
                name=name,
                connection=ADMINISTRATION,
                idempotency_key=f"administrator-{jwk['kid']}",
                actor=ACTOR,
            )
        )
        added = await stub.AddCredential(
            pb.AddCredentialRequest(
                system_id=system.system_id,
                public_jwk=json.dumps(jwk),
                idempotency_key=f"administrator-{jwk['kid']}",
                actor=ACTOR,
            )
        )
    content = {
        "system_id": system.system_id,
        "key_id": added.id,
        "private_key_file": key_file.name,
        "base_url": url,
    }
    write_private_file(credentials, json.dumps(content, indent=2).encode())
    return credentials


def _key(path: Path) -> Ed25519PrivateKey:
    """The key of the file, made where there is none. Raises `PrivateFileRefused`."""
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        write_private_file(path, pem)
    key = load_pem_private_key(read_private_file(path), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} holds another kind of key than is made here")
    return key


@asynccontextmanager
async def _registry(
    folder: DataFolder, address: str, tls: TlsFiles | None
) -> AsyncIterator["RegistryAsyncStub"]:
    address = address or await _running_on(folder)
    if not address:
        async with running_axis(folder.root) as axis:
            yield axis.clients.registry
        return
    connection = Connection(address, tls=None if is_unix(address) else tls)
    try:
        yield connection.client(RegistryStub)
    finally:
        await connection.close()


async def _running_on(folder: DataFolder) -> str:
    """The socket of the axis that runs on a folder; empty where none answers."""
    if not folder.socket.exists():
        return ""
    address = f"unix:{folder.socket}"
    connection = Connection(address)
    try:
        await connection.client(RegistryStub).ListOrganisations(
            pb.ListOrganisationsRequest(limit=1), timeout=5.0
        )
    except DocaxisError:
        return ""  # a socket that a killed process left behind; the folder's lock decides
    finally:
        await connection.close()
    return address
