"""What a system shows of itself beside a token: a signed request, a certificate."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from docaxis_proto import registry_events_v1_pb2 as events
from tests.unit.docaxis_gateway.conftest import FakeSystem, World

SECRET_ID = "0192f0aa-0000-7000-8000-000000000001"


async def credential(world: World, system: FakeSystem, kind: str, credential_id: str) -> None:
    added = events.CredentialAdded(
        system_id=system.system_id, credential_id=credential_id, kind=kind
    )
    await world.tell(added)
    await world.gateway.directory.wait_for_version(world.sequence)


async def secret_of(world: World, system: FakeSystem) -> str:
    await credential(world, system, "hmac", SECRET_ID)
    return await world.gateway.credential_secrets.make(SECRET_ID)


class _Message:
    def __init__(self, method: str, url: str) -> None:
        self.method, self.url = method, url
        self.headers: dict[str, str] = {}


def sign(
    world: World, secret: str, method: str, path: str, body: bytes | None = None, **changes: Any
) -> dict[str, str]:
    message = _Message(method, world.base + path)
    keys = MappingKeyResolver(public_keys={}, private_keys={SECRET_ID: secret.encode()})
    signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=keys)
    arguments = {
        "key_id": SECRET_ID,
        "nonce": secrets.token_hex(16),
        "created": datetime.now(UTC),
        "covered_component_ids": ("@method", "@path", "@query"),
        "body": body,
        **changes,
    }
    signer.sign(message, **arguments)
    return {"Authorization": "", **message.headers}


def certificate(days: int = 1, issuer: Any = None, name: str = "QLVB thử") -> tuple[bytes, Any]:
    """DER of a certificate, and its key; self-signed without an issuer (name, key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0] if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.DER), key


def thumbprint(der: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def field(der: bytes) -> dict[str, str]:
    return {"Authorization": "", "Client-Cert": f":{base64.b64encode(der).decode()}:"}
