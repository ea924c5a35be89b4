"""Bad input at the front, against a whole axis: each has its code, its status, words in both
languages, and leaves nothing half-stored. (`test_scenarios` asks a distributed axis the same.)"""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.composition import Axis, running_axis
from docaxis_trust.access_tokens import AccessTokens
from docaxis_trust.demo_pki import create_demo_pki
from tests.system.front import CASES, Front, letters, pointers

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(slots=True)
class Inside:
    """A front whose axis lies open."""

    axis: Axis
    front: Front

    async def stored(self) -> int:
        return len(await self.axis.ports.files.documents())

    def staged(self) -> list[Path]:
        return [path for path in (self.axis.folder.files / "staging").rglob("*") if path.is_file()]


async def until(seen: Callable[[], bool]) -> None:
    """Wait for something that another part of the process does."""
    async with asyncio.timeout(10):
        while not seen():  # noqa: ASYNC110 - a folder on disk rings no bell
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def inside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Inside]:
    folder = tmp_path_factory.mktemp("axis")
    async with running_axis(folder / "data") as axis, aiohttp.ClientSession() as session:
        await bootstrap_demo(axis.clients, axis.folder, axis.url)
        pki = create_demo_pki(axis.folder.demo_pki)
        made = await asyncio.to_thread(letters, folder, pki)
        yield Inside(axis, Front(axis.url, axis.folder.clients, session, made))


@pytest.fixture
def front(inside: Inside) -> Front:
    return inside.front


@pytest.mark.parametrize("case", CASES)
async def test_each_has_its_code_status_pointer_and_words(
    inside: Inside, front: Front, case: str
) -> None:
    changes, status, code, pointer = CASES[case]
    before = await inside.stored()
    words = set()
    for language in ("vi", "en"):
        found, problem = await front.post(front.form(**changes), language=language)
        assert (found, problem["code"]) == (status, code), problem
        assert problem["status"] == status
        assert any(each.startswith(pointer) for each in pointers(problem)), problem
        words.add(problem["detail"])
    assert len(words) == 2
    assert inside.staged() == []
    assert await inside.stored() <= before + 2  # a refusal's folder is swept a day later


async def test_the_signed_letter_itself_is_accepted(inside: Inside, front: Front) -> None:
    status, answer = await front.post(front.form(require_signature=True))
    assert status == 201, answer
    assert answer["recipients"][0]["code"] == "H26"
    assert inside.staged() == []


async def test_broken_json(front: Front) -> None:
    form = aiohttp.FormData()
    form.add_field("document", '{"sender": ', content_type="application/json")
    status, problem = await front.post(form)
    assert (status, problem["code"]) == (400, "malformed_json")


async def test_the_same_id_with_other_content_is_a_conflict(front: Front) -> None:
    same = {"id": f"conflict-{uuid.uuid4()}"}
    first, answer = await front.post(front.form(**same))
    again, repeat = await front.post(front.form(**same))
    assert (first, again) == (201, 200)
    assert repeat == answer
    status, problem = await front.post(front.form(**same, subject="Nội dung khác"))
    assert (status, problem["code"]) == (409, "content_conflict")


async def test_forged_and_expired_tokens(inside: Inside, front: Front) -> None:
    real = await front.token("office")
    head, body, signature = real.split(".")
    flipped = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    status, problem = await front.post(front.form(), token=f"{head}.{body}.{flipped}")
    assert (status, problem["code"]) == (401, "token_forged")
    secret = await inside.axis.ports.secrets.read("gateway.access-tokens")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    old, _ = AccessTokens(secret, 60).issue(claims["sub"], "credential", int(time.time()) - 3600)
    status, problem = await front.post(front.form(), token=old)
    assert (status, problem["code"]) == (401, "token_expired")
    status, problem = await front.post(front.form(), token="no-token")
    assert (status, problem["code"]) == (401, "token_malformed")


async def test_a_cut_upload_leaves_nothing(inside: Inside, front: Front) -> None:
    url = inside.axis.url.removeprefix("http://")
    host, port = url.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    content = b"x" * 4_000_000
    digest = base64.b64encode(sha256(content).digest()).decode()
    writer.write(
        (
            f"PUT /api/v1/uploads/{uuid.uuid4()} HTTP/1.1\r\nHost: {url}\r\n"
            f"Authorization: Bearer {await front.token('office')}\r\n"
            f"Content-Digest: sha-256=:{digest}:\r\nContent-Length: {len(content)}\r\n\r\n"
        ).encode()
        + content[:2_000_000]
    )
    await writer.drain()
    await until(lambda: inside.staged() != [])
    writer.close()
    await until(lambda: inside.staged() == [])
    assert reader is not None
