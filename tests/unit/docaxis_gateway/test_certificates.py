"""Certificates, from a proxy and from our own TLS: rule G6."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from docaxis_gateway.app import make_app
from docaxis_gateway.server import HttpServer
from docaxis_gateway.settings import GatewaySettings
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.shown_credentials import (
    certificate,
    credential,
    field,
    thumbprint,
)


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
