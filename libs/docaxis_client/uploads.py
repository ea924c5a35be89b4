"""Files on their way to the axis: one PUT for most, tus 1.0 in pieces for large ones.

A large file goes on where it was cut, in this call and in later ones: its upload is named after its
digest, so that who sends the same file again finds what is there already.
"""

import asyncio
import base64
import time
import uuid

import msgspec

from docaxis_client.errors import ProblemError
from docaxis_client.models import Upload
from docaxis_client.submission import Blob, Progress
from docaxis_client.transport import TRANSIENT, NotNow, Reply, Request, Transport

LARGEST_PUT = 16 * 1024 * 1024
"""What the axis takes in one PUT."""
_PIECE = 64 * 1024 * 1024
_LONGEST_CHECK_S = 900.0
_TUS = {"Tus-Resumable": "1.0.0"}


async def upload(
    transport: Transport, blob: Blob, progress: Progress | None = None, *, piece: int = _PIECE
) -> str:
    """Upload bytes and give the upload's id; memory does not grow with them.

    `piece` is how many bytes one request carries. Raises `ProblemError`, `AxisUnavailable`.
    """
    if blob.size <= LARGEST_PUT:
        reply = await transport.call(_put(blob, progress))
        return msgspec.json.decode(reply.body, type=Upload).id
    for _ in range(2):
        resumable = _Resumable(transport, blob, progress, piece)
        try:
            return await resumable.run()
        except ProblemError as problem:
            if problem.status != 404:
                raise
            missing = problem  # it has expired between two pieces
            resumable.tell(0)
    raise missing


class _Resumable:
    """One upload in pieces."""

    def __init__(
        self, transport: Transport, blob: Blob, progress: Progress | None, piece: int
    ) -> None:
        self._transport = transport
        self._blob = blob
        self._progress = progress
        self._piece = piece
        self._path = ""
        self._offset = 0
        self._told = 0
        self._checked_until = 0.0

    async def run(self) -> str:
        """Begin it, or find it begun, and send what is missing."""
        begun = await self._transport.call(self._begin())
        upload_id = begun.headers["Location"].rpartition("/")[2]
        self._path = f"/uploads/{upload_id}"
        self._now_at(begun)
        try:
            await self._send()
        except TRANSIENT as failure:
            await self._transport.again(self._resume, failure)
        return upload_id

    async def _resume(self) -> None:
        """Ask where it stands, go on from there; again as long as the line is poor, not dead."""
        while True:
            before = self._offset
            try:
                await self._ask()
                return await self._send()
            except NotNow as failure:
                if not await self._is_checked(failure) and self._offset <= before:
                    raise
            except TRANSIENT:
                if self._offset <= before:
                    raise

    async def _send(self) -> None:
        while self._offset < self._blob.size:
            end = min(self._offset + self._piece, self._blob.size)
            try:
                self._now_at(await self._transport.once(self._patch(self._offset, end)))
            except ProblemError as problem:
                if problem.status == 409:
                    raise NotNow(problem) from None
                raise

    async def _ask(self) -> None:
        try:
            self._now_at(await self._transport.once(Request("HEAD", self._path, _TUS)))
        except ProblemError as problem:
            if problem.status == 422:  # an answer to HEAD has no words
                detail = "the bytes that came do not give the digest that was told"
                raise ProblemError("digest_mismatch", 422, detail) from None
            raise

    async def _is_checked(self, failure: NotNow) -> bool:
        """Whether the axis only needs longer to check what it has; then wait a little."""
        if failure.problem.status != 423:
            return False
        now = time.monotonic()
        self._checked_until = self._checked_until or now + _LONGEST_CHECK_S
        await asyncio.sleep(failure.problem.retry_after_s or 1.0)
        return now < self._checked_until

    def _begin(self) -> Request:
        digest = base64.b64encode(self._blob.digest.encode()).decode()
        headers = {
            **_TUS,
            "Upload-Length": str(self._blob.size),
            "Upload-Metadata": f"sha256 {digest}",
            "Idempotency-Key": self._blob.digest,
        }
        return Request("POST", "/uploads", headers)

    def _patch(self, start: int, end: int) -> Request:
        headers = {
            **_TUS,
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(end - start),
            "Upload-Offset": str(start),
        }
        return Request(
            "PATCH",
            self._path,
            headers,
            lambda: self._blob.chunks(self._count, start, end),
            lambda: self._blob.chunks(None, start, end),
        )

    def _now_at(self, reply: Reply) -> None:
        self._offset = int(reply.headers["Upload-Offset"])
        self.tell(self._offset)

    def tell(self, offset: int) -> None:
        """Let the progress stand at this many bytes."""
        if self._progress and offset != self._told:
            self._progress(offset - self._told)
        self._told = offset

    def _count(self, size: int) -> None:
        self.tell(self._told + size)


def _put(blob: Blob, progress: Progress | None) -> Request:
    """The PUT of one file, under a new id, streaming from disk."""
    digest = base64.b64encode(bytes.fromhex(blob.digest)).decode()
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(blob.size),
        "Content-Digest": f"sha-256=:{digest}:",
    }
    return Request("PUT", f"/uploads/{uuid.uuid4()}", headers, lambda: blob.chunks(progress))
