"""An axis in memory that plays the REST contract over real HTTP, and fails on demand.

It checks assertions and signs receipts with the real `docaxis_trust`, keeps deliveries, statuses
and receipts, and refuses what the contract refuses. `fail` queues faults: each hits the next
request that it fits.
"""

import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from docaxis_client.credentials import Credentials
from docaxis_trust.key_file_signer import KeyFileSigner
from docaxis_trust.receipts import sign_receipt

SYSTEM = web.RequestKey("system", str)
"""Whose request it is."""
NAMES = {"G22": "Văn phòng Chính phủ", "H26": "Thành phố Hà Nội", "H29": "Tỉnh Hà Tĩnh"}


@dataclass
class Fault:
    """What shall happen to the next request of this method whose path starts so."""

    method: str
    path: str
    kind: str
    retry_after: str | None = None


@dataclass
class Partial:
    """An upload in pieces: bytes that were told, their digest, and those that came."""

    size: int
    digest: str
    content: bytearray = field(default_factory=bytearray)


@dataclass
class SampleAxis:
    """State of the axis; times are real."""

    signer: KeyFileSigner
    systems: dict[str, tuple[tuple[str, ...], dict[str, bytes]]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    assertions_seen: set[str] = field(default_factory=set)
    uploads: dict[str, bytes] = field(default_factory=dict)
    partials: dict[str, Partial] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    deliveries: dict[str, dict[str, Any]] = field(default_factory=dict)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    idempotency_keys: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    calls: list[web.BaseRequest] = field(default_factory=list)
    undecided: dict[str, int] = field(default_factory=dict)
    refuse_undecided: bool = False
    token_life_s: float = 300.0
    waits_for: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def fail(self, method: str, path: str, kind: str, retry_after: str | None = None) -> None:
        """Queue a fault: `busy`, `away`, `gone` (cut before), `lost` (cut after), `expired`,
        `half`, `swapped`, `undecided`, `page`."""
        self.faults.append(Fault(method, path, kind, retry_after))

    def count(self, method: str, path: str) -> int:
        return sum(
            call.method == method and call.path.startswith("/api/v1" + path) for call in self.calls
        )

    def new_system(self, *organisations: str) -> Credentials:
        key = generate_private_key(SECP256R1())
        system_id = f"system-{len(self.systems) + 1}"
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.systems[system_id] = (organisations, {"key-1": public})
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Credentials(system_id, "key-1", pem, organisations, self.url or None)

    def write_credentials(self, folder: Path, name: str, credentials: Credentials) -> Path:
        """Keep credentials as `<folder>/<name>.json` with their key beside them."""
        folder.mkdir(parents=True, exist_ok=True)
        key_path = folder / f"{name}.key.pem"
        key_path.write_bytes(credentials.private_key_pem)
        key_path.chmod(0o600)
        path = folder / f"{name}.json"
        path.write_text(
            json.dumps(
                {
                    "system_id": credentials.system_id,
                    "key_id": credentials.key_id,
                    "private_key_file": key_path.name,
                    "organisations": list(credentials.organisations),
                    "base_url": self.url,
                }
            )
        )
        return path

    def seal(self, kind: str, document: dict[str, Any], **more: Any) -> str:
        receipt_id = str(uuid.uuid4())
        claims = {
            "iss": "docaxis",
            "jti": receipt_id,
            "iat": int(time.time()),
            "kind": kind,
            "document_id": document["id"],
            "content_digest": document["content_digest"],
            "sender": document["sender"],
            "at": now(),
            **more,
        }
        self.receipts[receipt_id] = {
            "id": receipt_id,
            "kind": kind,
            "document_id": document["id"],
            "delivery_id": more.get("delivery_id"),
            "organisation_id": more.get("recipient"),
            "jws": sign_receipt(claims, self.signer),
            "sealed_at": now(),
            "a_field_of_tomorrow": {"x": 1},
        }
        document["receipts"].append(f"/api/v1/receipts/{receipt_id}")
        return f"/api/v1/receipts/{receipt_id}"

    def accept(self, system: str, content: dict[str, Any], parts: dict[str, bytes]) -> web.Response:
        unknown = sorted(content.keys() - _FIELDS)
        if unknown:
            return problem(422, "unknown_field", f"unknown field {unknown[0]}", unknown)
        if content["sender"] not in self.systems[system][0]:
            return problem(403, "sender_not_served", "not yours", ["sender"])
        known = [each for each in content["recipients"] if each in NAMES]
        refused = [
            {"code": each, "reason": "unknown_organisation", "suggestions": ["H29"]}
            for each in content["recipients"]
            if each not in NAMES
        ]
        if not known:
            return problem(
                422,
                "no_valid_recipient",
                "không có nơi nhận hợp lệ",
                ["recipients/0"],
                get_close_matches(content["recipients"][0], NAMES),
            )
        contents: dict[str, bytes] = {}
        for each in content["files"]:
            body = parts[each["part"]] if "part" in each else self.uploads.get(each["upload"])
            if body is None:
                return problem(422, "upload_unknown", "no such upload", ["files/0/upload"])
            if each.get("digest") and each["digest"] != sha256(body):
                return problem(422, "digest_mismatch", "other bytes", ["files/0/digest"])
            contents[sha256(body)] = body
        without = {name: value for name, value in content.items() if name != "recipients"}
        digest = sha256(json.dumps([*contents, _described(without)], sort_keys=True).encode())
        for document in self.documents.values():
            if (document["sender"], document["sender_document_id"]) == (
                content["sender"],
                content["id"],
            ):
                if document["content_digest"] != digest:
                    return problem(409, "content_conflict", "other content under this id", ["id"])
                return web.json_response(self.submission(document), status=200)
        document_id = str(uuid.uuid4())
        document = {
            **without,
            "id": document_id,
            "sender_document_id": content["id"],
            "accepted_at": now(),
            "recipients": [
                {"code": each, "organisation_id": f"org-{each}", "held": False} for each in known
            ],
            "refused": refused,
            "files": [
                {
                    "name": each["name"],
                    "media_type": each["media_type"],
                    "digest": each_digest,
                    "size": len(body),
                    "signature_digest": None,
                    "href": f"/api/v1/documents/{document_id}/files/{each_digest}",
                }
                for each, (each_digest, body) in zip(
                    content["files"], contents.items(), strict=False
                )
            ],
            "verdict": None,
            "content_digest": digest,
            "receipts": [],
        }
        self.documents[document_id] = document
        for each_digest, body in contents.items():
            self.files[document_id, each_digest] = body
        self.seal("accepted", document, recipients_digest=sha256(b"".join(map(str.encode, known))))
        for each in known:
            delivery_id = str(uuid.uuid4())
            self.deliveries[delivery_id] = {
                "id": delivery_id,
                "document_id": document_id,
                "organisation_id": f"org-{each}",
                "code": each,
                "state": "ready",
                "reason": None,
                "ready_at": now(),
                "handed_over_at": None,
                "mailbox_number": len(self.deliveries) + 1,
                "entries": [],
                "receipt": None,
            }
        return web.json_response(self.submission(document), status=201)

    def submission(self, document: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": document["id"],
            "status": "accepted",
            "accepted_at": document["accepted_at"],
            "recipients": document["recipients"],
            "refused": document["refused"],
            "receipt": document["receipts"][0],
            "links": {"self": f"/api/v1/documents/{document['id']}"},
        }

    def item(self, delivery: dict[str, Any]) -> dict[str, Any]:
        return {
            "delivery_id": delivery["id"],
            "organisation": delivery["code"],
            "state": delivery["state"],
            "mailbox_number": delivery["mailbox_number"],
            "ready_at": delivery["ready_at"],
            "document": self.documents[delivery["document_id"]],
        }


_FIELDS = set(
    "sender recipients id business_type number notation place promulgated_on type subject content"
    " signer priority due_on secrecy files require_signature".split()
)


def _described(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "files"}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def problem(
    status: int,
    code: str,
    detail: str,
    pointers: list[str] | None = None,
    suggestions: list[str] | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    content = {
        "type": f"urn:docaxis:error:{code}",
        "title": code,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [{"pointer": f"/{each}", "code": code} for each in pointers or []],
        "retryable": status in (423, 429, 503),
        "request_id": "request-1",
        "suggestions": suggestions or [],
    }
    return web.json_response(
        content, status=status, content_type="application/problem+json", headers=headers
    )
