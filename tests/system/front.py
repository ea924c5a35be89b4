"""An axis as a client sees it without a client library in between, and bad input for it."""

import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp

from docaxis_cli.demonstration.letter import sample_letter, write_letter
from docaxis_client.credentials import Credentials
from docaxis_trust.assertions import make_assertion
from docaxis_trust.demo_pki import DemoPki
from docaxis_trust.pdf_signing import sign_pdf

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class Front:
    """The axis as a client sees it, without a client library in between."""

    url: str
    clients: Path
    """Folder of the credentials."""
    session: aiohttp.ClientSession
    letters: dict[str, bytes]
    tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, name: str) -> str:
        if name not in self.tokens:
            credentials = Credentials.load(self.clients / f"{name}.json")
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
            async with self.session.post(f"{self.url}/api/v1/token", data=form) as answer:
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
            f"{self.url}/api/v1/documents", data=body, headers=headers
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


def letters(folder: Path, pki: DemoPki) -> dict[str, bytes]:
    """A letter unsigned, signed and sealed, and tampered with after that."""
    plain, signed = folder / "plain.pdf", folder / "signed.pdf"
    write_letter(sample_letter("1/CV-MAU", date(2026, 11, 22), ("H26",)), plain)
    sign_pdf(plain, signed, pki.person, field_name="Person")
    sign_pdf(signed, signed, pki.seal, field_name="Seal")
    content = signed.read_bytes()
    middle = len(plain.read_bytes()) // 2
    tampered = bytearray(content)
    tampered[middle] ^= 0x01
    return {"unsigned": plain.read_bytes(), "signed": content, "tampered": bytes(tampered)}


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
"""Changes of the sample submission; status, code and (the beginning of) the pointer."""
