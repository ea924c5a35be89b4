"""Fetching files: whole, in part, by name."""

import base64
import hashlib
import unicodedata
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest

from docaxis_gateway.file_responses import content_disposition
from tests.unit.docaxis_gateway.conftest import World, form

CONTENT = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAME = unicodedata.normalize("NFD", 'Quyết định số 12 "khẩn", 100%.pdf')


@pytest.fixture
async def url(world: World, document: Any) -> str:
    document["files"][0]["name"] = NAME
    data = form(document, ("file0", CONTENT))
    status, body, _ = await world.call("POST", "/documents", data=data)
    assert status == 201, body
    return f"/documents/{body['id']}/files/{DIGEST}"


async def get(world: World, url: str, **headers: str) -> tuple[int, Any, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.call("GET", url, world.receiver, sent)


async def test_a_whole_file(world: World, url: str) -> None:
    status, body, headers = await get(world, url)
    assert (status, body) == (200, CONTENT)
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert headers["Content-Digest"] == headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert headers["ETag"] == f'"{DIGEST}"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Length"] == str(len(CONTENT))


async def test_the_name_survives_in_its_own_form(world: World, url: str) -> None:
    _, _, headers = await get(world, url)
    disposition = headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename=")
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == NAME
    parsed = aiohttp.multipart.parse_content_disposition(disposition)
    assert parsed[0] == "attachment"
    assert parsed[1]["filename*"] == NAME


def test_names_cannot_break_out_of_the_header() -> None:
    value = content_disposition('a"; x="b\\.pdf')
    assert value.count('"') == 2
    assert "\\" not in value


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=100-", (100, len(CONTENT))),
        ("bytes=-5", (len(CONTENT) - 5, len(CONTENT))),
        ("bytes=255990-999999", (255990, len(CONTENT))),
        ("bytes=-999999", (0, len(CONTENT))),
    ],
)
async def test_a_part(world: World, url: str, asked: str, expected: tuple[int, int]) -> None:
    status, body, headers = await get(world, url, Range=asked)
    start, end = expected
    assert (status, body) == (206, CONTENT[start:end])
    assert headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
    assert "Content-Digest" not in headers
    assert "Repr-Digest" in headers


@pytest.mark.parametrize("asked", ["bytes=5-1", "bytes=-", "lines=1-2", "bytes=0-1,5-6", "x"])
async def test_ranges_that_say_nothing_are_passed_over(world: World, url: str, asked: str) -> None:
    status, body, _ = await get(world, url, Range=asked)
    assert (status, body) == (200, CONTENT)


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=-0"])
async def test_ranges_outside_of_the_file(world: World, url: str, asked: str) -> None:
    status, problem, headers = await get(world, url, Range=asked)
    assert (status, problem["code"]) == (416, "range_not_satisfiable")
    assert headers["Content-Range"] == f"bytes */{len(CONTENT)}"


async def test_conditions(world: World, url: str) -> None:
    status, body, _ = await get(world, url, If_None_Match=f'W/"x", "{DIGEST}"')
    assert (status, body) == (304, b"")
    status, body, _ = await get(world, url, Range="bytes=0-1", If_Range='"other"')
    assert (status, body) == (200, CONTENT)
    status, body, _ = await get(world, url, Range="bytes=0-1", If_Range=f'"{DIGEST}"')
    assert (status, body) == (206, CONTENT[:2])


async def test_files_that_are_not_there(world: World, url: str) -> None:
    status, problem, _ = await get(world, url[:-64] + "0" * 64)
    assert (status, problem["code"]) == (404, "unknown_file")
    status, problem, _ = await get(world, url[:-64] + "..%2f..%2fetc%2fpasswd")
    assert problem["code"] in ("unknown_file", "not_found")
    await world.files.remove(url.split("/")[2], [DIGEST])
    status, problem, _ = await get(world, url)
    assert (status, problem["code"]) == (404, "unknown_file")


async def test_damaged_bytes_break_the_connection(world: World, url: str) -> None:
    path = await world.files.local_path(url.split("/")[2], DIGEST)
    path.chmod(0o600)
    damaged = bytearray(CONTENT)
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    try:
        status, body, _ = await get(world, url)
    except aiohttp.ClientPayloadError:
        return
    # A file that fits in one chunk is verified before the first byte goes out.
    assert status == 500
    assert body["code"] == "internal"


async def test_pages_are_never_shown_as_pages(world: World, document: Any) -> None:
    document["files"][0].update(name="x.html", media_type="text/html")
    data = form(document, ("file0", b"<script>"))
    _, body, _ = await world.call("POST", "/documents", data=data)
    digest = hashlib.sha256(b"<script>").hexdigest()
    _, _, headers = await get(world, f"/documents/{body['id']}/files/{digest}")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name",
    [
        unicodedata.normalize("NFD", "ễ" * 255),
        unicodedata.normalize("NFD", "Đặng Thị Ngọc Thịnh – ươ.pdf"),
        unicodedata.normalize("NFC", "Đặng Thị Ngọc Thịnh – ươ.pdf"),
        " ..a",
        "a;b=\"c'%41%.pdf",
        "🏛️ quốc huy.pdf",
    ],
)
async def test_names_are_kept_byte_for_byte(world: World, document: Any, name: str) -> None:
    document["files"][0]["name"] = name
    status, body, _ = await world.call("POST", "/documents", data=form(document, ("file0", b"1")))
    assert status == 201, body
    digest = hashlib.sha256(b"1").hexdigest()
    _, found, headers = await get(world, f"/documents/{body['id']}/files/{digest}")
    assert found == b"1"
    told = headers["Content-Disposition"].partition("filename*=UTF-8''")[2]
    assert unquote(told).encode() == name.encode()
    _, found, _ = await world.call("GET", f"/documents/{body['id']}", world.receiver)
    assert found["files"][0]["name"].encode() == name.encode()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "field_required"),
        (".", "field_invalid"),
        ("..", "field_invalid"),
        ("../../etc/passwd", "field_invalid"),
        ("a\0b.pdf", "field_invalid"),
        ("a\r\nSet-Cookie: b", "field_invalid"),
        ("a\u202efdp.exe", "field_invalid"),
        (unicodedata.normalize("NFD", "ễ" * 300), "field_too_long"),
    ],
)
async def test_hostile_names_are_refused_by_field(
    world: World, document: Any, name: str, code: str
) -> None:
    document["files"][0]["name"] = name
    status, body, _ = await world.call("POST", "/documents", data=form(document, ("file0", b"1")))
    assert (status, body["code"]) == (422, code)
    assert body["errors"][0]["pointer"] == "/files/0/name"
    assert world.staged() == []
