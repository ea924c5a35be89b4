"""Shared secrets and client certificates from end to end: an axis with TLS of its own, its clients,
`docaxis ping`, and the public gRPC (rules G5-G7)."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from docaxis_cli.main import app
from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_client.errors import CredentialsUnusable, ProblemError
from docaxis_client.submission import OutgoingFile
from docaxis_client.sync import DocaxisClient as WaitingClient
from docaxis_proto import gateway_v1_pb2 as gateway
from docaxis_proto.gateway_v1_pb2_grpc import GatewayStub
from tests.grpc.authority import Authority
from tests.system.large_files import write_file
from tests.system.secured_axis import SecuredAxis, secured_axis
from tests.system.traffic import sample_document
from tests.unit.docaxis_gateway.public_grpc import refusal

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
KINDS = ("hmac", "certificate")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredAxis]:
    with pytest.MonkeyPatch.context() as environment:
        async with secured_axis(tmp_path_factory.mktemp("secured"), environment) as running:
            yield running


async def profile(secured: SecuredAxis, kind: str) -> Path:
    name = f"{kind}-{uuid.uuid4().hex[:8]}"
    if kind == "hmac":
        return await secured.with_secret(name)
    return await secured.with_certificate(name)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_does_its_days_work(secured: SecuredAxis, kind: str, tmp_path: Path) -> None:
    """Small files in the request, one PUT, pieces, a download, a list, the live stream."""
    credentials = Credentials.load(await profile(secured, kind))
    large = tmp_path / "lớn.bin"
    digest = await asyncio.to_thread(write_file, large, 17)
    async with DocaxisClient(None, credentials, attempts=2) as office:
        me = await office.me()
        assert me.credential is not None
        assert (me.credential.kind, me.credential.id) == (kind, credentials.key_id)
        events = office.events()
        told = asyncio.ensure_future(anext(events))
        small = OutgoingFile("thư.pdf", b"%PDF-1.7 thu")
        for files, inline in (
            ([small], True),
            ([small], False),
            ([OutgoingFile("a", large)], None),
        ):
            document = sample_document(f"{kind}-{uuid.uuid4()}")
            document.recipients = ["H26"]
            sent = await office.submit(document, files, inline=inline)
            assert sent.status == "accepted"
        await office.download(sent.id, digest, tmp_path / "nhận.bin")
        assert [each.code for each in (await office.organisations("Hà Nội & Huế")).items] == []
        assert (await office.organisations("Hà Nội", limit=1)).items
        assert (await asyncio.wait_for(told, 20)).type
        await events.aclose()
        with pytest.raises(CredentialsUnusable, match="no token"):
            await office.access_token()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_client_without_a_loop_too(secured: SecuredAxis, kind: str) -> None:
    credentials = Credentials.load(await profile(secured, kind))

    def work() -> str:
        with WaitingClient(None, credentials) as office:
            document = sample_document(f"{kind}-{uuid.uuid4()}")
            return office.submit(document, [OutgoingFile("thư.pdf", b"%PDF-1.7 x")]).status

    assert await asyncio.to_thread(work) == "accepted"


async def test_rule_G5_a_secret_that_is_not_the_one_opens_nothing(secured: SecuredAxis) -> None:
    path = await secured.with_secret("spoiled")
    secured.private("spoiled.secret", "another")
    async with DocaxisClient(None, Credentials.load(path)) as office:
        with pytest.raises(ProblemError) as refused:
            await office.me()
    assert (refused.value.status, refused.value.code) == (401, "signature_invalid")


async def ping(path: Path, code: int, *arguments: str) -> dict[str, dict[str, Any]]:
    command = ("ping", "--credentials", str(path), "--json", "--lang", "en", *arguments)
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert result.exit_code == code, result.output
    return {each["step"]: each for each in json.loads(result.stdout)["steps"]}


async def failed(path: Path, code: int, *arguments: str) -> tuple[str, str]:
    steps = await ping(path, code, *arguments)
    (found,) = [each for each in steps.values() if each["ok"] is False]
    return found["step"], found["code"] or ""


@pytest.mark.parametrize("kind", KINDS)
async def test_ping_tells_which_credential_was_used(secured: SecuredAxis, kind: str) -> None:
    path = await profile(secured, kind)
    steps = await ping(path, 0)
    assert Credentials.load(path).key_id in steps["own"]["detail"]
    assert ("shared secret" if kind == "hmac" else "client certificate") in steps["own"]["detail"]
    assert steps["tls"]["detail"].startswith("TLSv1")


async def test_ping_says_what_is_wrong_with_a_secret(secured: SecuredAxis) -> None:
    path = await secured.with_secret("wrong")
    secured.private("wrong.secret", "another")
    assert await failed(path, 1) == ("credential", "signature_invalid")
    unknown = secured.profile("unknown", key_id="nobody", secret_file="wrong.secret")
    assert await failed(unknown, 1) == ("credential", "signature_unknown_key")
    other = await secured.with_secret("other")
    content = json.loads(other.read_text())
    content["system_id"] = "0192f0aa-0000-7000-8000-000000000001"
    other.write_text(json.dumps(content))
    assert await failed(other, 1) == ("system", "system_differs")


async def test_ping_says_what_is_wrong_with_a_certificate(
    secured: SecuredAxis, tmp_path: Path
) -> None:
    unknown = await secured.with_certificate("unregistered", registered=False)
    assert await failed(unknown, 1) == ("credential", "client_certificate_unknown")
    stranger = await secured.with_certificate("stranger", Authority(tmp_path, "stranger-ca"))
    step, _ = await failed(stranger, 3)
    assert step == "tls"
    old = await secured.with_certificate("old", valid_for=timedelta(minutes=-1))
    assert await failed(old, 2) == ("own", "client_certificate_expired")
    good = await secured.with_certificate("good")
    assert await failed(good, 2, "--url", "http://127.0.0.1:1") == ("own", "credentials_unusable")
    content = json.loads(good.read_text())
    content["private_key_file"] = json.loads(unknown.read_text())["private_key_file"]
    good.write_text(json.dumps(content))
    assert await failed(good, 2) == ("own", "credentials_unusable")


async def test_ping_says_when_the_axis_asks_for_no_certificate(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as environment:
        async with secured_axis(tmp_path, environment, asks_for_certificates=False) as axis:
            assert axis.axis.public_grpc.certificate_port == 0
            path = await axis.with_certificate("unseen")
            assert await failed(path, 1) == ("credential", "unauthenticated")


async def me_over_grpc(secured: SecuredAxis, port: int, path: Path) -> gateway.Me:
    mine = Credentials.load(path)
    assert mine.certificate_file is not None
    assert mine.certificate_key_file is not None
    credentials = grpc.ssl_channel_credentials(
        secured.authority.path.read_bytes(),
        mine.certificate_key_file.read_bytes(),
        mine.certificate_file.read_bytes(),
    )
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        return await GatewayStub(channel).GetMe(gateway.GetMeRequest(), timeout=10)


async def test_rule_G6_grpc_takes_certificates_on_their_own_port(
    secured: SecuredAxis, tmp_path: Path
) -> None:
    door = secured.axis.public_grpc
    assert door.certificate_port not in (0, door.port)
    path = await secured.with_certificate("over-grpc")
    me = await me_over_grpc(secured, door.certificate_port, path)
    assert (me.system_id, me.credential.kind) == (Credentials.load(path).system_id, "certificate")
    # A certificate that nobody registered, and the port that asks for none.
    unknown = await secured.with_certificate("over-grpc-unknown", registered=False)
    for port, shown, code in (
        (door.certificate_port, unknown, "client_certificate_unknown"),
        (door.port, path, "unauthenticated"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await me_over_grpc(secured, port, shown)
        assert refusal(raised.value).code == code
    stranger = await secured.with_certificate("over-grpc-stranger", Authority(tmp_path, "ca-2"))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await me_over_grpc(secured, door.certificate_port, stranger)
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    # A token on that port is its system's, whatever the connection shows.
    async with DocaxisClient(None, secured.credentials("hanoi")) as hanoi:
        token, expected = await hanoi.access_token(), (await hanoi.me()).system_id
    mine = Credentials.load(path)
    assert mine.certificate_file is not None
    assert mine.certificate_key_file is not None
    credentials = grpc.ssl_channel_credentials(
        secured.authority.path.read_bytes(),
        mine.certificate_key_file.read_bytes(),
        mine.certificate_file.read_bytes(),
    )
    address = f"127.0.0.1:{door.certificate_port}"
    async with grpc.aio.secure_channel(address, credentials) as channel:
        me = await GatewayStub(channel).GetMe(
            gateway.GetMeRequest(), metadata=[("authorization", f"Bearer {token}")], timeout=10
        )
    assert me.system_id == expected
