"""Uploads: whole, repeated, wrong, and cut off."""

import asyncio
import base64
import hashlib
import json
from typing import Any

import pytest

from docaxis_eventsourcing.identifiers import new_id
from docaxis_gateway.document_models import Upload
from docaxis_gateway.settings import GatewaySettings
from tests.unit.docaxis_gateway.conftest import World

CONTENT = b"noi dung" * 1000


def content_digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


async def put(
    world: World, upload_id: str, content: Any, digest: str | None = None
) -> tuple[int, Any]:
    headers = {"Content-Digest": content_digest(CONTENT) if digest is None else digest}
    status, body, _ = await world.call(
        "PUT", f"/uploads/{upload_id}", data=content, headers=headers
    )
    return status, body


async def test_rule_U2_an_upload_and_its_repeat(world: World) -> None:
    upload_id = new_id()
    status, body = await put(world, upload_id, CONTENT)
    Upload.model_validate(body)
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert (status, body) == (201, {"id": upload_id, "digest": digest, "size": len(CONTENT)})
    assert await put(world, upload_id, CONTENT) == (200, body)
    status, problem = await put(world, upload_id, b"other", content_digest(b"other"))
    assert (status, problem["code"]) == (409, "upload_conflict")
    status, problem = await put(world, upload_id, b"other")
    assert (status, problem["code"]) == (422, "digest_mismatch")
    assert world.staged() == [upload_id]


async def test_rule_U1_other_bytes_leave_nothing(world: World) -> None:
    status, problem = await put(world, new_id(), b"other")
    assert (status, problem["code"]) == (422, "digest_mismatch")
    assert world.staged() == []


@pytest.mark.parametrize("digest", ["", "sha-256=abc", "md5=:AAAA:", "sha-256=:AAAA:"])
async def test_rule_U1_the_digest_must_be_told(world: World, digest: str) -> None:
    status, problem = await put(world, new_id(), CONTENT, digest)
    assert (status, problem["code"]) == (400, "content_digest_invalid")


async def test_rule_U3_empty_and_too_large(world: World) -> None:
    status, problem = await put(world, new_id(), b"", content_digest(b""))
    assert (status, problem["code"]) == (422, "file_empty")
    large = b"x" * (16 * 1024 * 1024 + 1)
    status, problem = await put(world, new_id(), large, content_digest(large))
    assert (status, problem["code"]) == (413, "file_too_large")

    async def chunks() -> Any:
        for _ in range(17):
            yield b"x" * 1024 * 1024

    status, problem = await put(world, new_id(), chunks())
    assert (status, problem["code"]) == (413, "file_too_large")
    assert world.staged() == []


async def test_the_id_is_a_uuid(world: World) -> None:
    for name in ("abc", "..%2f..%2fetc", new_id().upper()):
        status, problem = await put(world, name, CONTENT)
        assert status in (404, 422)
        assert problem["code"] in ("not_found", "field_invalid")
    assert world.staged() == []


async def cut(world: World, head: str, body: bytes) -> None:
    """Send part of a request, then vanish."""
    _, writer = await asyncio.open_connection("127.0.0.1", world.port)
    authorization = world.bearer(world.sender)["Authorization"]
    writer.write(f"{head}Host: x\r\nAuthorization: {authorization}\r\n\r\n".encode() + body)
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.transport.abort()


async def nothing_is_left(world: World) -> None:
    """The server sees the cut a moment later; on a busy machine a longer one."""
    async with asyncio.timeout(10):
        while world.staged():  # noqa: ASYNC110 - a folder on disk rings no bell
            await asyncio.sleep(0.05)


async def test_rule_U3_a_cut_upload_leaves_nothing(world: World) -> None:
    head = (
        f"PUT /api/v1/uploads/{new_id()} HTTP/1.1\r\n"
        f"Content-Length: 3000000\r\nContent-Digest: {content_digest(CONTENT)}\r\n"
    )
    await cut(world, head, b"x" * 2_000_000)
    await nothing_is_left(world)


async def test_rule_M4_a_cut_submit_leaves_nothing(world: World, document: Any) -> None:
    document["files"].append({**document["files"][0], "part": "file1"})
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n'
    body = (
        part.format("document").encode()
        + json.dumps(document).encode()
        + b"\r\n"
        + part.format("file0").encode()
        + b"whole\r\n"
        + part.format("file1").encode()
        + b"x" * 1_500_000
    )
    head = (
        "POST /api/v1/documents HTTP/1.1\r\nContent-Length: 9000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n"
    )
    await cut(world, head, body)
    await nothing_is_left(world)
    assert world.routing.requests == []


class TestSlowBodies:
    """A body that dribbles is given up."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, body_idle_s=0.3, body_start_s=0.6)

    async def test_rule_U3_a_pause_that_is_too_long(self, world: World) -> None:
        async def chunks() -> Any:
            yield b"x" * 100
            await asyncio.sleep(2)
            yield b"x"

        status, problem = await put(world, new_id(), chunks())
        assert (status, problem["code"]) == (408, "request_timed_out")
        assert world.staged() == []

    async def test_rule_U3_a_byte_now_and_then(self, world: World) -> None:
        async def chunks() -> Any:
            for _ in range(30):
                yield b"x"
                await asyncio.sleep(0.1)

        status, problem = await put(world, new_id(), chunks())
        assert (status, problem["code"]) == (408, "request_timed_out")
        assert world.staged() == []
