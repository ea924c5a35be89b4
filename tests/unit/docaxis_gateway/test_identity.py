"""Signed requests, certificates, and who may call what: rules G5-G8."""

import base64
import hashlib
import json
import secrets
import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from docaxis_eventsourcing.moments import rfc3339
from docaxis_gateway.app import make_app
from docaxis_gateway.server import HttpServer
from docaxis_gateway.settings import GatewaySettings
from docaxis_gateway.token import ASSERTION_TYPE
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


async def test_rule_G5_a_signed_request_is_its_systems(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    for path in ("/me", "/organisations?query=an+giang&limit=2"):
        status, body, _ = await world.call("GET", path, headers=sign(world, secret, "GET", path))
        assert status == 200, body
    status, body, _ = await world.call("GET", "/me", headers=sign(world, secret, "GET", "/me"))
    assert body["system_id"] == world.receiver.system_id
    assert body["credential"] == {"id": SECRET_ID, "kind": "hmac", "until": None, "not_after": None}


async def test_rule_G5_its_nonce_counts_once(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    headers = sign(world, secret, "GET", "/me")
    assert (await world.call("GET", "/me", headers=headers))[0] == 200
    status, problem, _ = await world.call("GET", "/me", headers=headers)
    assert (status, problem["code"]) == (401, "signature_replayed")


async def test_rule_G5_the_body_has_the_digest_that_was_signed(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    path = "/deliveries:acknowledge"
    body = json.dumps({"deliveries": ["01890a5d-ac96-774b-bcce-b302099a8057"]}).encode()
    sent = {"Content-Type": "application/json"}
    headers = {**sign(world, secret, "POST", path, body), **sent}
    status, _, _ = await world.call("POST", path, headers=headers, data=body)
    assert status == 200
    headers = {**sign(world, secret, "POST", path, body), **sent}
    other = body.replace(b"8057", b"8058")
    status, problem, _ = await world.call("POST", path, headers=headers, data=other)
    assert (status, problem["code"]) == (422, "digest_mismatch")
    headers = {**sign(world, secret, "POST", path), **sent}
    status, problem, _ = await world.call("POST", path, headers=headers, data=body)
    assert (status, problem["code"]) == (401, "signature_incomplete")
    assert "content-digest" in problem["detail"]


async def test_rule_G5_a_file_that_is_not_what_was_signed_leaves_nothing(world: World) -> None:
    secret = await secret_of(world, world.sender)
    path = "/uploads/01890a5d-ac96-774b-bcce-b302099a8057"
    headers = {**sign(world, secret, "PUT", path, b"good"), "Content-Type": "a/b"}
    status, problem, _ = await world.call("PUT", path, headers=headers, data=b"evil")
    assert (status, problem["code"]) == (422, "digest_mismatch")
    assert world.staged() == []
    headers = {**sign(world, secret, "PUT", path, b"good"), "Content-Type": "a/b"}
    assert (await world.call("PUT", path, headers=headers, data=b"good"))[0] == 201


async def test_rule_G5_signatures_that_prove_nothing(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    hour = datetime.now(UTC) - timedelta(hours=1)
    cases = {
        "signature_unknown_key": sign(world, secret, "GET", "/me"),
        "signature_invalid": sign(world, "another", "GET", "/me"),
        "signature_stale": sign(world, secret, "GET", "/me", created=hour),
        "signature_malformed": {**sign(world, secret, "GET", "/me"), "Signature": ""},
    }
    cases["signature_unknown_key"]["Signature-Input"] = cases["signature_unknown_key"][
        "Signature-Input"
    ].replace(SECRET_ID, "nobody's-key-at-all")
    for code, headers in cases.items():
        status, problem, _ = await world.call("GET", "/me", headers=headers)
        assert (status, problem["code"]) == (401, code)
        assert not problem["retryable"]
    _, problem, _ = await world.call("GET", "/me", headers=cases["signature_stale"])
    assert f"{datetime.now(UTC):%Y-%m-%dT%H}" in problem["detail"], "the axis's time is told"


async def test_rule_G5_a_secret_that_is_not_here_or_cannot_be_read(world: World) -> None:
    await credential(world, world.receiver, "hmac", SECRET_ID)
    headers = sign(world, "x", "GET", "/me")
    status, problem, _ = await world.call("GET", "/me", headers=headers)
    assert (status, problem["code"]) == (401, "signature_unknown_key")
    folder = world.folder.parent / "secrets" / f"credential.{SECRET_ID}"
    folder.mkdir()
    status, problem, _ = await world.call("GET", "/me", headers=sign(world, "x", "GET", "/me"))
    assert (status, problem["code"]) == (503, "unavailable")


async def test_rule_G2_locked_or_revoked_no_signature_counts(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    await world.lock(world.receiver)
    status, problem, _ = await world.call("GET", "/me", headers=sign(world, secret, "GET", "/me"))
    assert (status, problem["code"]) == (403, "system_locked")
    revoked = events.CredentialRevoked(system_id=world.receiver.system_id, credential_id=SECRET_ID)
    await world.tell(revoked)
    await world.gateway.directory.wait_for_version(world.sequence)
    status, problem, _ = await world.call("GET", "/me", headers=sign(world, secret, "GET", "/me"))
    assert (status, problem["code"]) == (401, "signature_unknown_key")


async def test_rule_G7_one_way_at_a_time(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    headers = {**sign(world, secret, "GET", "/me"), **world.bearer(world.receiver)}
    status, problem, _ = await world.call("GET", "/me", headers=headers)
    assert (status, problem["code"]) == (401, "several_credentials")


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


async def test_rule_G6_client_cert_of_an_unlisted_source_is_refused_and_said(world: World) -> None:
    der, _ = certificate()
    await credential(world, world.receiver, "certificate", thumbprint(der))
    status, problem, _ = await world.call("GET", "/me", headers=field(der))
    assert (status, problem["code"]) == (403, "client_certificate_source_refused")
    assert "DOCAXIS_GATEWAY_CERTIFICATE_PROXIES" in problem["detail"]
    # Beside a token, too: whoever sends it believes that it counts.
    headers = {**field(der), **world.bearer(world.sender)}
    status, problem, _ = await world.call("GET", "/me", headers=headers)
    assert (status, problem["code"]) == (403, "client_certificate_source_refused")


class TestBehindAProxy:
    """A proxy on this machine that may say whose certificate it saw."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, certificate_proxies=("127.0.0.0/8",))

    async def test_rule_G6_a_registered_certificate_is_its_systems(self, world: World) -> None:
        der, _ = certificate()
        await credential(world, world.receiver, "certificate", thumbprint(der))
        status, body, _ = await world.call("GET", "/me", headers=field(der))
        assert status == 200, body
        assert body["system_id"] == world.receiver.system_id
        assert body["credential"]["kind"] == "certificate"
        assert body["credential"]["until"] > f"{datetime.now(UTC):%Y-%m-%d}"

    async def test_rule_G6_certificates_that_prove_nothing(self, world: World) -> None:
        old, _ = certificate(days=-1)
        await credential(world, world.receiver, "certificate", thumbprint(old))
        cases = {
            "client_certificate_expired": field(old),
            "client_certificate_unknown": field(certificate()[0]),
            "client_certificate_malformed": {"Authorization": "", "Client-Cert": ":AAAA:"},
        }
        for code, headers in cases.items():
            status, problem, _ = await world.call("GET", "/me", headers=headers)
            assert (status, problem["code"]) == (401, code)
        for value in ("x", ":", ":!:", f":{'A' * 20_000}:"):
            headers = {"Authorization": "", "Client-Cert": value}
            status, problem, _ = await world.call("GET", "/me", headers=headers)
            assert (status, problem["code"]) == (401, "client_certificate_malformed")

    async def test_rule_G6_what_two_systems_registered_proves_neither(self, world: World) -> None:
        der, _ = certificate()
        for system in (world.receiver, world.sender):
            await credential(world, system, "certificate", thumbprint(der))
        status, problem, _ = await world.call("GET", "/me", headers=field(der))
        assert (status, problem["code"]) == (401, "client_certificate_unknown")


async def test_rule_G6_our_own_tls_shows_the_certificate(world: World, tmp_path: Path) -> None:
    root, root_key = certificate(name="Root")
    name = x509.load_der_x509_certificate(root).subject
    files = {}
    for each in ("server", "client"):
        der, key = certificate(issuer=(name, root_key), name=each)
        files[each] = (tmp_path / f"{each}.pem", tmp_path / f"{each}.key", der)
        pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        files[each][0].write_bytes(pem)
        files[each][1].write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
    authority = tmp_path / "root.pem"
    authority.write_bytes(x509.load_der_x509_certificate(root).public_bytes(Encoding.PEM))
    await credential(world, world.receiver, "certificate", thumbprint(files["client"][2]))
    settings = replace(
        world.gateway.settings,
        tls_certificate=files["server"][0],
        tls_key=files["server"][1],
        tls_client_authorities=authority,
    )
    server = HttpServer(make_app(world.gateway), settings)
    await server.start()
    try:
        url = f"https://localhost:{server.port}/api/v1/me"
        context = ssl.create_default_context(cafile=str(authority))
        async with world.http.get(url, ssl=context) as answer:
            assert (answer.status, (await answer.json())["code"]) == (401, "unauthenticated")
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(*files["client"][:2])
        async with aiohttp.ClientSession() as http, http.get(url, ssl=context) as answer:
            body = await answer.json()
            assert (answer.status, body["system_id"]) == (200, world.receiver.system_id)
    finally:
        await server.stop()


class TestShutOut:
    """Suspended systems and credentials outside their dates, by each kind of credential."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, certificate_proxies=("127.0.0.0/8",))

    async def refusals(self, world: World, der: bytes, secret: str) -> list[tuple[int, str]]:
        """Of the key's token, the signature and the certificate, then of asking for a token."""
        shown = (
            world.bearer(world.receiver), sign(world, secret, "GET", "/me"), field(der)
        )  # fmt: skip
        answers = [await world.call("GET", "/me", headers=each) for each in shown]
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": world.receiver.assertion(),
        }
        answers.append(await world.call("POST", "/token", data=form))
        return [(status, body.get("code", "")) for status, body, _ in answers]

    async def test_rule_G2_a_suspended_system_gets_nowhere(self, world: World) -> None:
        der, _ = certificate()
        await credential(world, world.receiver, "certificate", thumbprint(der))
        secret = await secret_of(world, world.receiver)
        assert await self.refusals(world, der, secret) == [(200, "")] * 4
        receiver = world.receiver.system_id
        for state, expected in (("suspended", (403, "system_suspended")), ("testing", (200, ""))):
            await world.tell(events.SystemOnboarded(system_id=receiver, state=state))
            await world.gateway.directory.wait_for_version(world.sequence)
            assert await self.refusals(world, der, secret) == [expected] * 4

    async def test_rule_G2_a_credential_outside_its_dates_gets_nowhere(self, world: World) -> None:
        der, _ = certificate()
        secret = await world.gateway.credential_secrets.make(SECRET_ID)
        now = int(time.time() * 1000)
        hour, expired = 3_600_000, [(401, "credential_expired")] * 4
        cases = (
            ((now - 2 * hour, now - hour), expired),
            ((now + hour, 0), expired),
            ((now - hour, now + hour), [(200, "")] * 4),
        )
        for (begins, ends), expected in cases:
            for kind, credential_id, jwk in (
                ("", world.receiver.jwk["kid"], json.dumps(world.receiver.jwk)),
                ("hmac", SECRET_ID, ""),
                ("certificate", thumbprint(der), ""),
            ):
                await world.tell(
                    events.CredentialAdded(
                        system_id=world.receiver.system_id,
                        credential_id=credential_id,
                        public_jwk=jwk,
                        kind=kind,
                        not_before=begins,
                        not_after=ends,
                    )
                )
            await world.gateway.directory.wait_for_version(world.sequence)
            assert await self.refusals(world, der, secret) == expected
        _, body, _ = await world.call("GET", "/me", headers=field(der))
        assert body["credential"]["not_after"] == rfc3339(now + hour)


async def test_rule_G8_an_administrator_is_no_system(world: World) -> None:
    chief = FakeSystem(())
    await world.tell(
        events.SystemRegistered(system_id=chief.system_id, name="x", connection="administration")
    )
    await world.tell(
        events.CredentialAdded(
            system_id=chief.system_id,
            credential_id=chief.jwk["kid"],
            public_jwk=json.dumps(chief.jwk),
        )
    )
    await world.gateway.directory.wait_for_version(world.sequence)
    for path in ("/inbox", "/receipts", "/organisations", "/subscriptions"):
        status, problem, _ = await world.call("GET", path, chief)
        assert (status, problem["code"]) == (403, "systems_only")
    assert (await world.call("GET", "/me", chief))[0] == 200


class TestRates:
    """A system that calls too often."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, requests_per_s=0.5, requests_burst=3)

    async def test_a_system_is_told_when_to_come_again_and_others_are_served(
        self, world: World
    ) -> None:
        for _ in range(3):
            assert (await world.call("GET", "/me"))[0] == 200
        status, problem, headers = await world.call("GET", "/me")
        assert (status, problem["code"], headers["Retry-After"]) == (429, "rate_limited", "2")
        assert problem["retryable"]
        assert (await world.call("GET", "/me", world.receiver))[0] == 200


def test_a_bucket_fills_again() -> None:
    from docaxis_eventsourcing.errors import DocaxisError
    from docaxis_gateway.limits import RateLimits

    now = time.monotonic()
    clock = [now]
    rates = RateLimits(2.0, 2, lambda: clock[0])
    rates.take("a")
    rates.take("a")
    with pytest.raises(DocaxisError) as refused:
        rates.take("a")
    assert refused.value.retry_after_s == pytest.approx(0.5)
    rates.take("b")
    clock[0] = now + 0.5
    rates.take("a")
    clock[0] = now + 1000
    rates.take("a")
    rates.take("a")
    with pytest.raises(DocaxisError):
        rates.take("a")
    unlimited = RateLimits(0.0, 1, lambda: now)
    for _ in range(10):
        unlimited.take("a")


@pytest.mark.parametrize("path", ["/documents?sender=%00", "/organisations/%00", "/inbox?wait=NaN"])
async def test_bytes_that_are_no_text_are_refused_and_break_nothing(
    world: World, path: str
) -> None:
    status, problem, _ = await world.call("GET", path)
    assert 400 <= status < 500, problem
    assert problem["code"] != "internal"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"deliveries": "1"}, "field_invalid", "/deliveries"),
        ({"deliveries": [1]}, "field_invalid", "/deliveries/0"),
        ({"deliveries": ["\x00"]}, "field_invalid", "/deliveries/0"),
        ({"deliveries": [], "a/b~c": 1}, "validation_failed", "/a~1b~0c"),
    ],
)
async def test_what_has_the_wrong_type_or_name_is_named(
    world: World, body: dict[str, Any], code: str, pointer: str
) -> None:
    status, problem, _ = await world.call("POST", "/deliveries:acknowledge", json=body)
    assert (status, problem["code"]) == (422, code)
    assert pointer in [each["pointer"] for each in problem["errors"]]
