"""Uploads in pieces over tus 1.0: whole, cut, repeated, hostile, at once."""

import asyncio
import base64
import hashlib
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from docaxis_eventsourcing.identifiers import new_id
from docaxis_gateway.settings import GatewaySettings
from docaxis_gateway.tus import LARGEST_CHECKED
from tests.unit.docaxis_gateway.conftest import World

CONTENT = bytes(range(251)) * 8000  # 2 MB
PIECE = "application/offset+octet-stream"
TUS = {"Tus-Resumable": "1.0.0"}


def told(content: bytes, **more: str) -> str:
    pairs = {"sha256": hashlib.sha256(content).hexdigest(), **more}
    return ",".join(f"{key} {encoded(value.encode())}" for key, value in pairs.items())


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


async def begin(world: World, content: Any = CONTENT, **headers: str) -> tuple[int, Any, Any]:
    asked = {"Upload-Length": str(len(content)), "Upload-Metadata": told(content), **headers}
    return await world.call("POST", "/uploads", headers={**TUS, **asked})


async def begun(world: World, content: Any = CONTENT, **headers: str) -> str:
    status, problem, answer = await begin(world, content, **headers)
    assert status == 201, problem
    assert answer["Upload-Offset"] == "0"
    return str(answer["Location"]).removeprefix("/api/v1")


async def patch(
    world: World, path: str, offset: int, content: Any, **headers: str
) -> tuple[int, Any, Any]:
    sent = {
        **TUS,
        "Upload-Offset": str(offset),
        "Content-Type": PIECE,
        **headers,
    }
    return await world.call("PATCH", path, headers=sent, data=content)


async def head(world: World, path: str) -> tuple[int, Any]:
    status, _, headers = await world.call("HEAD", path, headers=TUS)
    return status, headers


async def offset_of(world: World, path: str) -> int:
    status, headers = await head(world, path)
    assert status == 200
    return int(headers["Upload-Offset"])


async def test_what_the_server_can_do_is_told_to_anybody(world: World) -> None:
    for path in ("/uploads", f"/uploads/{new_id()}"):
        status, _, headers = await world.call("OPTIONS", path, headers={"Authorization": ""})
        assert status == 204
        assert headers["Tus-Version"] == headers["Tus-Resumable"] == "1.0.0"
        assert headers["Tus-Max-Size"] == str(2 * 2**30)
        assert "creation" in headers["Tus-Extension"].split(",")
        assert "sha1" in headers["Tus-Checksum-Algorithm"].split(",")


async def test_rule_P2_an_upload_in_pieces_becomes_a_documents_file(
    world: World, document: Any
) -> None:
    path = await begun(world)
    at = 0
    for end in (1, 700_000, len(CONTENT)):
        status, problem, headers = await patch(world, path, at, CONTENT[at:end])
        assert status == 204, problem
        assert headers["Upload-Offset"] == str(end)
        assert headers["Tus-Resumable"] == "1.0.0"
        at = end
        assert await offset_of(world, path) == end
    assert "Upload-Expires" not in headers
    file = {"name": "lớn.pdf", "media_type": "application/pdf", "upload": path.split("/")[-1]}
    document["files"] = [{**file, "digest": hashlib.sha256(CONTENT).hexdigest()}]
    status, answer, _ = await world.call("POST", "/documents", json=document)
    assert status == 201, answer


async def test_rule_P5_the_answer_tells_when_it_expires_and_head_hands_the_note_back(
    world: World,
) -> None:
    note = told(CONTENT, filename="Công văn số 1.pdf")
    path = await begun(world, **{"Upload-Metadata": note})
    _, _, answer = await patch(world, path, 0, b"x" * 10)
    status, headers = await head(world, path)
    assert status == 200
    assert headers["Upload-Metadata"] == note
    assert headers["Upload-Length"] == str(len(CONTENT))
    assert headers["Cache-Control"] == "no-store"
    for each in (answer, headers):
        expires = parsedate_to_datetime(each["Upload-Expires"]).timestamp()
        assert abs(expires - world.gateway.now_ms() / 1000 - 24 * 3600) < 60
    day = 25 * 3_600_000
    real = world.gateway.now_ms
    world.gateway.now_ms = lambda: real() + day
    state = world.gateway.uploads.state((world.sender.system_id, path.split("/")[-1]))
    with pytest.raises(Exception, match="unknown_upload"):
        await state


async def test_rule_P1_other_bytes_leave_nothing(world: World) -> None:
    path = await begun(world)
    status, problem, headers = await patch(world, path, 0, CONTENT[:-1] + b"x")
    assert (status, problem["code"]) == (422, "digest_mismatch")
    assert headers["Tus-Resumable"] == "1.0.0"
    assert (await head(world, path))[0] == 404
    assert world.staged() == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"Tus-Resumable": ""}, 412, "tus_version_unsupported"),
        ({"Tus-Resumable": "0.2.2"}, 412, "tus_version_unsupported"),
        ({"Upload-Length": ""}, 400, "upload_header_invalid"),
        ({"Upload-Length": "-1"}, 400, "upload_header_invalid"),
        ({"Upload-Length": "١"}, 400, "upload_header_invalid"),
        ({"Upload-Length": "9" * 30}, 400, "upload_header_invalid"),
        ({"Upload-Length": "0"}, 422, "file_empty"),
        ({"Upload-Length": str(2 * 2**30 + 1)}, 413, "file_too_large"),
        ({"Upload-Metadata": ""}, 400, "upload_header_invalid"),
        ({"Upload-Metadata": "sha256 !!"}, 400, "upload_header_invalid"),
        ({"Upload-Metadata": "sha256 YQ=="}, 400, "upload_header_invalid"),
        ({"Upload-Metadata": "sha256 YQ==,sha256 YQ=="}, 400, "upload_header_invalid"),
        ({"Upload-Metadata": f"{told(CONTENT)},a {'A' * 5000}"}, 400, "upload_header_invalid"),
        ({"Idempotency-Key": "a b"}, 400, "idempotency_key_invalid"),
    ],
)
async def test_rule_T1_a_creation_is_refused_before_anything_is_kept(
    world: World, changes: dict[str, str], status: int, code: str
) -> None:
    found, problem, headers = await begin(world, **changes)
    assert (found, problem["code"]) == (status, code)
    assert headers["Tus-Resumable"] == "1.0.0"
    assert [each for each in world.folder.rglob("plan")] == []


async def test_rule_T1_the_digest_may_come_as_repr_digest(world: World) -> None:
    digest = f"sha-256=:{encoded(hashlib.sha256(CONTENT).digest())}:"
    path = await begun(world, **{"Repr-Digest": digest, "Upload-Metadata": "filename YQ=="})
    assert (await patch(world, path, 0, CONTENT))[0] == 204


async def test_rule_T2_the_same_key_is_the_same_upload(world: World) -> None:
    key = {"Idempotency-Key": "cong-van-1"}
    path = await begun(world, **key)
    await patch(world, path, 0, CONTENT[:1000])
    status, _, headers = await begin(world, **key)
    assert (status, headers["Upload-Offset"]) == (200, "1000")
    assert headers["Location"].endswith(path)
    status, problem, _ = await begin(world, b"other", **key)
    assert (status, problem["code"]) == (409, "upload_conflict")
    await patch(world, path, 1000, CONTENT[1000:])
    status, _, headers = await begin(world, **key)
    assert (status, headers["Upload-Offset"]) == (200, str(len(CONTENT)))
    _, _, headers = await world.call(
        "POST", "/uploads", world.receiver,
        headers={**TUS, **key, "Upload-Length": "7", "Upload-Metadata": told(b"another")},
    )  # fmt: skip
    assert not headers["Location"].endswith(path)


async def test_a_creation_may_carry_bytes(world: World) -> None:
    headers = {
        **TUS,
        "Upload-Length": str(len(CONTENT)),
        "Upload-Metadata": told(CONTENT),
        "Content-Type": PIECE,
    }
    status, _, answer = await world.call("POST", "/uploads", headers=headers, data=CONTENT[:5000])
    assert (status, answer["Upload-Offset"]) == (201, "5000")
    path = answer["Location"].removeprefix("/api/v1")
    assert (await patch(world, path, 5000, CONTENT[5000:]))[0] == 204


async def test_rule_P2_a_wrong_offset_is_told_where_to_go_on(world: World) -> None:
    path = await begun(world)
    await patch(world, path, 0, CONTENT[:1000])
    for offset in (0, 999, 1001, len(CONTENT)):
        status, problem, headers = await patch(world, path, offset, b"x" * 10)
        assert (status, problem["code"]) == (409, "upload_offset_conflict")
        assert headers["Upload-Offset"] == "1000"
    status, problem, _ = await patch(world, path, 1000, b"x", **{"Upload-Offset": "0x10"})
    assert (status, problem["code"]) == (400, "upload_header_invalid")
    status, problem, _ = await patch(world, path, 1000, b"x", **{"Content-Type": "text/plain"})
    assert (status, problem["code"]) == (415, "unsupported_media_type")
    assert await offset_of(world, path) == 1000


async def test_rule_P3_no_byte_beyond_the_length(world: World) -> None:
    path = await begun(world)
    status, problem, _ = await patch(world, path, 0, CONTENT + b"x")
    assert (status, problem["code"]) == (413, "upload_length_exceeded")
    assert await offset_of(world, path) == 0

    async def chunks() -> Any:  # chunked: the length is not announced
        yield CONTENT[:1_000_000]
        yield CONTENT[1_000_000:] + b"x"

    status, problem, _ = await patch(world, path, 0, chunks())
    assert (status, problem["code"]) == (413, "upload_length_exceeded")
    at = await offset_of(world, path)
    assert 1_000_000 <= at <= len(CONTENT)
    if at < len(CONTENT):
        assert (await patch(world, path, at, CONTENT[at:]))[0] == 204


async def test_rule_P2_a_cut_piece_counts(world: World) -> None:
    path = await begun(world)
    _, writer = await asyncio.open_connection("127.0.0.1", world.port)
    authorization = world.bearer(world.sender)["Authorization"]
    writer.write(
        (
            f"PATCH /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n"
            f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: {len(CONTENT)}\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\n"
        ).encode()
        + CONTENT[:1_234_567]
    )
    await writer.drain()
    await asyncio.sleep(0.2)
    # While it comes, nobody else may write.
    status, problem, headers = await patch(world, path, await offset_of(world, path), b"x")
    assert (status, problem["code"]) == (423, "upload_held")
    assert headers["Retry-After"]
    writer.transport.abort()
    status, at = 423, 0
    async with asyncio.timeout(10):
        while status in (409, 423):  # the server has not seen the cut yet
            at = await offset_of(world, path)
            status, _, _ = await patch(world, path, at, CONTENT[at:])
    assert (status, at) == (204, 1_234_567)


async def test_of_two_pieces_at_once_one_wins(world: World) -> None:
    path = await begun(world)
    answers = await asyncio.gather(*(patch(world, path, 0, CONTENT) for _ in range(5)))
    statuses = sorted(status for status, _, _ in answers)
    assert statuses[0] == 204
    assert set(statuses[1:]) <= {409, 423}
    assert await offset_of(world, path) == len(CONTENT)


async def test_rule_T3_a_piece_is_kept_only_with_its_checksum(world: World) -> None:
    path = await begun(world)
    for algorithm in ("sha1", "sha256"):
        at = await offset_of(world, path)
        piece = CONTENT[at : at + 1000]
        wrong = {"Upload-Checksum": f"{algorithm} {encoded(b'0' * 20)}"}
        status, problem, _ = await patch(world, path, at, piece, **wrong)
        assert (status, problem["code"]) == (460, "upload_checksum_mismatch")
        assert await offset_of(world, path) == at
        right = {
            "Upload-Checksum": f"{algorithm} {encoded(hashlib.new(algorithm, piece).digest())}"
        }
        assert (await patch(world, path, at, piece, **right))[0] == 204
    for checksum in ("md5 AAAA", "sha256", "sha1 !"):
        status, problem, _ = await patch(world, path, 2000, b"x", **{"Upload-Checksum": checksum})
        assert (status, problem["code"]) in (
            (400, "upload_header_invalid"),
            (460, "upload_checksum_mismatch"),
        )
    large = b"x" * (LARGEST_CHECKED + 1)
    status, problem, _ = await patch(world, path, 2000, large, **right)
    assert (status, problem["code"]) == (413, "body_too_large")


async def test_an_upload_is_discarded(world: World) -> None:
    path = await begun(world)
    await patch(world, path, 0, CONTENT[:1000])
    assert (await world.call("DELETE", path, headers=TUS))[0] == 204
    assert (await head(world, path))[0] == 404
    for method in ("DELETE", "PATCH"):
        status, problem, _ = await world.call(
            method, path, headers={**TUS, "Upload-Offset": "0", "Content-Type": PIECE}
        )
        assert (status, problem["code"]) == (404, "unknown_upload")


async def test_an_upload_belongs_to_its_system(world: World, document: Any) -> None:
    path = await begun(world)
    for method in ("HEAD", "DELETE"):
        status, _, headers = await world.call(method, path, world.receiver, headers=TUS)
        assert status == 404
        assert headers["Tus-Resumable"] == "1.0.0"
    assert (await head(world, "/uploads/..%2f..%2fetc"))[0] == 404
    assert (await head(world, "/uploads/abc"))[0] == 404
    document["files"][0] = {
        "name": "a.pdf", "media_type": "application/pdf", "upload": path.split("/")[-1]
    }  # fmt: skip
    status, problem, _ = await world.call("POST", "/documents", json=document)
    assert (status, problem["code"]) == (422, "upload_incomplete")
    assert problem["errors"][0]["pointer"] == "/files/0/upload"
    document["files"][0]["upload"] = new_id()
    status, problem, _ = await world.call("POST", "/documents", json=document)
    assert (status, problem["code"]) == (422, "upload_unknown")


async def test_rule_P4_a_check_that_died_is_done_for_the_next_who_asks(world: World) -> None:
    path = await begun(world)
    names = (world.sender.system_id, path.split("/")[-1])
    piece = await world.files.append(*names, 0)
    await piece.write(CONTENT)
    await piece.keep()  # and here the process was killed
    asked = await asyncio.gather(*(offset_of(world, path) for _ in range(5)))
    assert asked == [len(CONTENT)] * 5
    assert (await world.files.staged(*names)).size == len(CONTENT)
    assert (await patch(world, path, len(CONTENT), b""))[0] == 204


class TestSlowPieces:
    """A piece that dribbles is given up, and what came counts."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, body_idle_s=0.3, body_start_s=0.6)

    async def test_rule_P2_what_a_slow_sender_sent_counts(self, world: World) -> None:
        path = await begun(world)

        async def chunks() -> Any:
            yield CONTENT[:1000]
            await asyncio.sleep(2)
            yield CONTENT[1000:]

        status, problem, _ = await patch(world, path, 0, chunks())
        assert (status, problem["code"]) == (408, "request_timed_out")
        assert await offset_of(world, path) == 1000
        assert (await patch(world, path, 1000, CONTENT[1000:]))[0] == 204


async def test_a_file_of_one_byte_and_of_none(world: World) -> None:
    path = await begun(world, b"1")
    assert (await patch(world, path, 0, b""))[2]["Upload-Offset"] == "0"
    assert (await patch(world, path, 0, b"1"))[0] == 204
    assert await offset_of(world, path) == 1
    status, problem, _ = await begin(world, b"")
    assert (status, problem["code"]) == (422, "file_empty")
