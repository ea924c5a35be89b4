"""A document on its way in: what the caller describes, and the bytes of its request.

Small files ride in the same multipart request (one call per document); larger ones are uploaded
first, streaming, and named. The body is put together by hand: a multipart writer costs more CPU
than the rest of the call.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from docaxis_client.models import DocumentType, Signer
from docaxis_client.transport import Request

MOST_INLINE_BYTES = 1_000_000
"""What all files of one request may weigh together; beyond it they are uploaded first."""
_CHUNK = 256 * 1024

Progress = Callable[[int], None]
"""Told how many more bytes went over the line."""


class NewDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A document to send: who, to whom, and what is printed on it.

    `id` is the sender's own id; the same id with the same content is the same document. Codes are
    organisations' identifiers (`G22`, `H29.12`). Dates are ISO 8601. Recipients are named, or ids
    of recipient groups, or both.
    """

    sender: str
    recipients: Sequence[str] = ()
    recipient_groups: Sequence[str] = ()
    id: str
    number: str
    notation: str
    place: str
    promulgated_on: str
    type: DocumentType
    subject: str
    signer: Signer
    business_type: str = "new"
    content: str = ""
    priority: int = 0
    due_on: str | None = None
    secrecy: str = "none"
    require_signature: bool = False


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file to send, from memory or from disk, and its detached CMS signature where it has one."""

    name: str
    content: bytes | Path
    media_type: str = "application/pdf"
    signature: bytes | Path | None = None


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes to send, with their SHA-256 in hex."""

    content: bytes | Path
    size: int
    digest: str

    async def chunks(
        self, progress: Progress | None = None, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Read bytes `start` to `end` piece by piece; a disk is read outside the event loop."""
        stop = self.size if end is None else end
        if isinstance(self.content, bytes):
            for at in range(start, stop, _CHUNK):
                piece = self.content[at : min(at + _CHUNK, stop)]
                yield piece
                if progress:
                    progress(len(piece))
            return
        file = await asyncio.to_thread(self.content.open, "rb")
        try:
            await asyncio.to_thread(file.seek, start)
            while piece := await asyncio.to_thread(file.read, min(_CHUNK, stop - start)):
                start += len(piece)
                yield piece
                if progress:
                    progress(len(piece))
        finally:
            await asyncio.to_thread(file.close)


@dataclass(frozen=True, slots=True)
class _Part:
    file: OutgoingFile
    content: Blob
    signature: Blob | None

    @property
    def size(self) -> int:
        return self.content.size + (self.signature.size if self.signature else 0)


async def read_files(files: Sequence[OutgoingFile]) -> list[_Part]:
    """Weigh and hash the files; raises `OSError` for one that cannot be read."""
    return [
        _Part(file, await _blob(file.content), await _blob(file.signature))
        if file.signature is not None
        else _Part(file, await _blob(file.content), None)
        for file in files
    ]


def fits_inline(parts: Sequence[_Part]) -> bool:
    """Whether all files may ride in the submit's own request."""
    return sum(part.size for part in parts) <= MOST_INLINE_BYTES


async def inline_request(
    document: NewDocument, parts: Sequence[_Part], path: str = "/documents"
) -> Request:
    """Build the one request that carries document and files."""
    entries: list[dict[str, object]] = []
    blobs: list[tuple[str, str, Blob]] = []
    for number, part in enumerate(parts):
        entry = _entry(part)
        entry["part"] = f"file{number}"
        blobs.append((f"file{number}", part.file.media_type, part.content))
        if part.signature:
            entry["signature"] = {"part": f"signature{number}"}
            blobs.append((f"signature{number}", "application/pkcs7-signature", part.signature))
        entries.append(entry)
    boundary = secrets.token_hex(16)
    pieces = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="document"\r\n'
        f"Content-Type: application/json\r\n\r\n".encode(),
        _json(document, entries),
    ]
    for name, media_type, blob in blobs:
        pieces.append(
            f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="{name}"; '
            f'filename="{name}"\r\nContent-Type: {_header_value(media_type)}\r\n\r\n'.encode()
        )
        pieces.append(
            blob.content
            if isinstance(blob.content, bytes)
            else await asyncio.to_thread(blob.content.read_bytes)
        )
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return Request("POST", path, headers, b"".join(pieces))


def json_request(
    document: NewDocument,
    parts: Sequence[_Part],
    uploads: Sequence[tuple[str, str | None]],
    path: str = "/documents",
) -> Request:
    """Build the request that names uploads: for each file its id, and that of its signature."""
    entries = []
    for part, (content, signature) in zip(parts, uploads, strict=True):
        entry = _entry(part)
        entry["upload"] = content
        if signature is not None:
            entry["signature"] = {"upload": signature}
        entries.append(entry)
    headers = {"Content-Type": "application/json"}
    return Request("POST", path, headers, _json(document, entries))


async def _blob(content: bytes | Path) -> Blob:
    if isinstance(content, bytes):
        return Blob(content, len(content), hashlib.sha256(content).hexdigest())
    return await asyncio.to_thread(_hashed, content)


def _hashed(path: Path) -> Blob:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Blob(path, file.tell(), digest)


def _entry(part: _Part) -> dict[str, object]:
    return {
        "name": part.file.name,
        "media_type": part.file.media_type,
        "digest": part.content.digest,
    }


def _json(document: NewDocument, entries: list[dict[str, object]]) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(document), "files": entries})


def _header_value(text: str) -> str:
    if "\r" in text or "\n" in text:
        raise ValueError("a media type is one line")
    return text
