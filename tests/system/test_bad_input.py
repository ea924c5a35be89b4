"""Bad input at the front, against a whole axis: each has its code, its status, words in both
languages, and leaves nothing half-stored."""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from docaxis_cli.demonstration.letter import sample_letter, write_letter
from docaxis_client.credentials import Credentials
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.composition import Axis, running_axis
from docaxis_trust.access_tokens import AccessTokens
from docaxis_trust.assertions import make_assertion
from docaxis_trust.demo_pki import create_demo_pki
from docaxis_trust.pdf_signing import sign_pdf

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class Front:
    """The axis as a client sees it, without a client library in between."""

    axis: Axis
    session: aiohttp.ClientSession
    letters: dict[str, bytes]
    tokens: dict[str, str]

    async def token(self, name: str) -> str:
        if name not in self.tokens:
            credentials = Credentials.load(self.axis.folder.clients / f"{name}.json")
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": make_assertion(
                    credentials.private_key_pem,
                    credentials.key_id,
                    credentials.system_id,
                    "docaxis",
                    int(time.time()),
                    60,
                ),
            }
            async with self.session.post(f"{self.axis.url}/api/v1/token", data=form) as answer:
                self.tokens[name] = (await answer.json())["access_token"]
        return self.tokens[name]

    async def post(
        self, body: Any, *, token: str | None = None, language: str = "en", name: str = "office"
    ) -> tuple[int, dict[str, Any]]:
        headers = {
            "Authorization": f"Bearer {token or await self.token(name)}",
            "Accept-Language": language,
        }
        async with self.session.post(
            f"{self.axis.url}/api/v1/documents", data=body, headers=headers
        ) as answer:
            assert answer.headers["X-Request-Id"]
            expected = "application/json" if answer.ok else "application/problem+json"
            assert answer.content_type == expected
            return answer.status, await answer.json()

    def form(self, letter: str = "signed", **changes: Any) -> aiohttp.FormData:
        """A sample submission with one file; `changes` are fields of its document."""
        content = changes.pop("content_bytes", self.letters[letter])
        with_part = changes.pop("with_part", True)
        document = {
            "sender": "G22",
            "recipients": ["H26"],
            "id": f"bad-input-{uuid.uuid4()}",
            "number": "1",
            "notation": "CV-MAU",
            "place": "Hà Nội",
            "promulgated_on": "2026-11-22",
            "type": {"group": 2, "code": 0, "name": "Công văn"},
            "subject": "Văn bản mẫu",
            "signer": {"competence": "TL.", "position": "Vụ trưởng", "full_name": "Người ký mẫu"},
            "files": [{"name": "Công văn.pdf", "media_type": "application/pdf", "part": "file"}],
            **changes,
        }
        form = aiohttp.FormData()
        form.add_field("document", json.dumps(document), content_type="application/json")
        if with_part:
            form.add_field("file", content, filename="a.pdf", content_type="application/pdf")
        return form

    async def stored(self) -> int:
        return len(await self.axis.ports.files.documents())

    def staged(self) -> list[Path]:
        return [path for path in (self.axis.folder.files / "staging").rglob("*") if path.is_file()]


def letters(folder: Path) -> dict[str, bytes]:
    """A letter unsigned, signed and sealed, and tampered with after that."""
    pki = create_demo_pki(folder / "pki")
    plain, signed = folder / "plain.pdf", folder / "signed.pdf"
    write_letter(sample_letter("1/CV-MAU", date(2026, 11, 22), ("H26",)), plain)
    sign_pdf(plain, signed, pki.person, field_name="Person")
    sign_pdf(signed, signed, pki.seal, field_name="Seal")
    content = signed.read_bytes()
    middle = len(plain.read_bytes()) // 2
    tampered = bytearray(content)
    tampered[middle] ^= 0x01
    return {"unsigned": plain.read_bytes(), "signed": content, "tampered": bytes(tampered)}


async def until(seen: Callable[[], bool]) -> None:
    """Wait for something that another part of the process does."""
    async with asyncio.timeout(10):
        while not seen():  # noqa: ASYNC110 - a folder on disk rings no bell
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("axis")
    made = await asyncio.to_thread(letters, folder)
    async with running_axis(folder / "data") as axis, aiohttp.ClientSession() as session:
        await bootstrap_demo(axis.clients, axis.folder, axis.url)
        root = create_demo_pki(folder / "pki").root_path
        (axis.folder.anchors / "letters-root.pem").write_bytes(root.read_bytes())
        yield Front(axis, session, made, {})


def pointers(problem: dict[str, Any]) -> list[str]:
    return [each["pointer"] for each in problem.get("errors", ())]


CASES: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "unknown recipient": ({"recipients": ["H72"]}, 422, "no_valid_recipient", "/recipients/0"),
    "sender not served": ({"sender": "H29"}, 403, "sender_not_served", "/sender"),
    "empty file": ({"content_bytes": b""}, 422, "file_empty", "/files/0"),
    "unsigned file": (
        {"letter": "unsigned", "require_signature": True},
        422,
        "file_unsigned",
        "/files/0",
    ),
    "tampered file": (
        {"letter": "tampered", "require_signature": True},
        422,
        "file_tampered",
        "/files/0",
    ),
    "wrong digest": (
        {
            "files": [
                {
                    "name": "a.pdf",
                    "media_type": "application/pdf",
                    "part": "file",
                    "digest": "0" * 64,
                }
            ]
        },
        422,
        "digest_mismatch",
        "/files/0/digest",
    ),
    "secret": ({"secrecy": "Tối mật"}, 422, "secret_document", "/secrecy"),
    "recall": ({"business_type": "recall"}, 422, "business_type_not_supported", "/business_type"),
    "unknown field": ({"subjekt": "x"}, 422, "unknown_field", "/subjekt"),
    "missing field": ({"subject": ""}, 422, "field_required", "/subject"),
    "unknown upload": (
        {
            "with_part": False,
            "files": [
                {
                    "name": "a.pdf",
                    "media_type": "application/pdf",
                    "upload": "01890a5d-ac96-774b-bcce-b302099a8057",
                }
            ],
        },
        422,
        "upload_unknown",
        "/files/0",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_each_has_its_code_status_pointer_and_words(front: Front, case: str) -> None:
    changes, status, code, pointer = CASES[case]
    before = await front.stored()
    words = set()
    for language in ("vi", "en"):
        found, problem = await front.post(front.form(**changes), language=language)
        assert (found, problem["code"]) == (status, code), problem
        assert problem["status"] == status
        assert any(each.startswith(pointer) for each in pointers(problem)), problem
        words.add(problem["detail"])
    assert len(words) == 2
    assert front.staged() == []
    assert await front.stored() <= before + 2  # a refusal's folder is swept a day later


async def test_the_signed_letter_itself_is_accepted(front: Front) -> None:
    status, answer = await front.post(front.form(require_signature=True))
    assert status == 201, answer
    assert answer["recipients"][0]["code"] == "H26"
    assert front.staged() == []


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


async def test_forged_and_expired_tokens(front: Front) -> None:
    real = await front.token("office")
    head, body, signature = real.split(".")
    flipped = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    status, problem = await front.post(front.form(), token=f"{head}.{body}.{flipped}")
    assert (status, problem["code"]) == (401, "token_forged")
    secret = await front.axis.ports.secrets.read("gateway.access-tokens")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    old, _ = AccessTokens(secret, 60).issue(claims["sub"], "credential", int(time.time()) - 3600)
    status, problem = await front.post(front.form(), token=old)
    assert (status, problem["code"]) == (401, "token_expired")
    status, problem = await front.post(front.form(), token="no-token")
    assert (status, problem["code"]) == (401, "token_malformed")


async def test_a_cut_upload_leaves_nothing(front: Front) -> None:
    url = front.axis.url.removeprefix("http://")
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
    await until(lambda: front.staged() != [])
    writer.close()
    await until(lambda: front.staged() == [])
    assert reader is not None
