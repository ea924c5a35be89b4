"""The demonstration's agencies and systems, on an axis that has none yet; repeatable.

Registers the packaged catalogue of agencies, three systems with fresh keys (credentials under
`clients/` of the data folder) and the sample certificates as trust anchors. What is there already
is left as it is, so a second start goes on from where the first was.
"""

import asyncio
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from docaxis_gateway.gateway import Services
from docaxis_proto import registry_v1_pb2 as pb
from docaxis_proto.registry_events_v1_pb2 import OrganisationEntry
from docaxis_registry.catalogue import catalogue
from docaxis_standalone.data_folder import DataFolder
from docaxis_trust.demo_pki import create_demo_pki
from docaxis_trust.jwk_set import public_jwk

ACTOR = "bootstrap"
_SLICE = 500
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class DemoSystem:
    """A sample system, the agency that it serves, and others that it serves as well."""

    name: str
    title: str
    code: str
    connection: str = "direct"
    others: tuple[str, ...] = ()


DEMO_SYSTEMS = (
    DemoSystem("office", "QLVB Văn phòng Chính phủ (mẫu)", "G22"),
    DemoSystem("hanoi", "QLVB UBND thành phố Hà Nội (mẫu)", "H26"),
    DemoSystem("hatinh", "LGSP UBND tỉnh Hà Tĩnh (mẫu)", "H27", "lgsp"),
)


async def bootstrap_demo(services: Services, folder: DataFolder, url: str = "") -> dict[str, Path]:
    """Make the demonstration ready; returns the credentials file of each system by its name."""
    organisations = await _register(services, catalogue(), "catalogue")
    pki = create_demo_pki(folder.demo_pki)
    shutil.copyfile(pki.root_path, folder.anchors / "demo-root.pem")
    return {
        system.name: await _connect(services, folder, system, organisations, url)
        for system in DEMO_SYSTEMS
    }


async def bootstrap_systems(
    services: Services,
    folder: DataFolder,
    entries: Sequence[OrganisationEntry],
    systems: Sequence[DemoSystem],
) -> None:
    """Register organisations (parents first) and sample systems, with credentials in `clients/`."""
    organisations = await _register(services, entries, "sample")
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def connect(system: DemoSystem) -> None:
        async with at_once:
            await _connect(services, folder, system, organisations, "")

    await asyncio.gather(*map(connect, systems))


async def _register(
    services: Services, entries: Sequence[OrganisationEntry], name: str
) -> Mapping[str, str]:
    """Ids of organisations by code."""
    found: dict[str, str] = {}
    for start in range(0, len(entries), _SLICE):
        reply = await services.registry.RegisterOrganisations(
            pb.RegisterOrganisationsRequest(
                entries=entries[start : start + _SLICE],
                idempotency_key=f"{name}-{start}",
                actor=ACTOR,
            )
        )
        found.update({each.code: each.organisation_id for each in reply.results})
    return found


async def _connect(
    services: Services,
    folder: DataFolder,
    system: DemoSystem,
    organisations: Mapping[str, str],
    url: str,
) -> Path:
    reply = await services.registry.RegisterSystem(
        pb.RegisterSystemRequest(
            name=system.title,
            connection=system.connection,
            organisation_ids=[organisations[each] for each in (system.code, *system.others)],
            idempotency_key=f"demo-{system.name}",
            actor=ACTOR,
        )
    )
    key_file = folder.clients / f"{system.name}.key.pem"
    if not key_file.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        _write(key_file, pem)
    private = load_pem_private_key(key_file.read_bytes(), None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"{key_file} holds another kind of key than the demonstration made")
    jwk = public_jwk(private.public_key())
    added = await services.registry.AddCredential(
        pb.AddCredentialRequest(
            system_id=reply.system_id,
            public_jwk=json.dumps(jwk),
            idempotency_key=f"demo-{system.name}-{jwk['x']}",
            actor=ACTOR,
        )
    )
    for state in ("testing", "connected"):
        await services.registry.OnboardSystem(
            pb.OnboardSystemRequest(
                system_id=reply.system_id,
                state=state,
                idempotency_key=f"demo-{system.name}-{state}",
                actor=ACTOR,
            )
        )
    credentials = {
        "system_id": reply.system_id,
        "key_id": added.id,
        "private_key_file": key_file.name,
        "organisations": [system.code, *system.others],
        **({"base_url": url} if url else {}),
    }
    path = folder.clients / f"{system.name}.json"
    _write(path, json.dumps(credentials, ensure_ascii=False, indent=2).encode())
    return path


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, for this user alone."""
    partial = path.with_name(f".{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.rename(path)
