"""Verdicts, receipts and keys: protobuf <-> queries, and the check of uploads before a submit."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from docaxis_eventsourcing.cursors import (
    Number,
    decode_cursor,
    encode_cursor,
    page_limit,
    page_wait,
)
from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.identifiers import is_identifier
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.topics import document_partition
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import signature_v1_pb2 as rpc
from docaxis_proto import signature_v1_pb2_grpc
from docaxis_signature.codec import CODEC
from docaxis_signature.domain import FileVerdict, document_verdict
from docaxis_signature.effects import FileChecks, bounded
from docaxis_signature.views import (
    START,
    Place,
    ReceiptRow,
    receipt_of,
    receipts_after,
    receipts_of_document,
    verdict_of,
)

MOST_UPLOADS = 100
SOON_S = 2.0
"""Verifying and sealing follow a submission at once: who asks right behind it waits so long."""


_Places = dict[Number, tuple[Number, Number]]


class SignatureServicer(signature_v1_pb2_grpc.SignatureServicer):
    """The signature service's methods; they raise `DocaxisError`."""

    def __init__(
        self,
        verdicts: ViewReader,
        receipts: ViewReader,
        checks: FileChecks,
        files: FileStore,
        *,
        partitions: int,
        epoch: int,
        key_set: str,
        clock: Callable[[], int],
    ) -> None:
        """`key_set` is the published JWK set as JSON; `clock` gives Unix ms."""
        self._verdicts = verdicts
        self._receipts = receipts
        self._checks = checks
        self._files = files
        self._partitions = partitions
        self._epoch = epoch
        self._key_set = key_set
        self._clock = clock

    async def VerifyUploads(
        self, request: rpc.VerifyUploadsRequest, context: Any
    ) -> rpc.VerifyUploadsReply:
        """Check a system's staged uploads now. Raises `upload_unknown` with the field at fault."""
        if len(request.uploads) > MOST_UPLOADS:
            raise DocaxisError("too_many_items", {"field": "uploads", "limit": str(MOST_UPLOADS)})
        now = self._clock()
        found = await asyncio.gather(
            *(
                self._verify_upload(request.system_id, place, upload, now)
                for place, upload in enumerate(request.uploads)
            )
        )
        status, code = document_verdict(found)
        return rpc.VerifyUploadsReply(
            verdicts=[CODEC.to_message(each) for each in bounded(found)], status=status, code=code
        )

    async def GetVerdict(self, request: rpc.GetVerdictRequest, context: Any) -> rpc.GetVerdictReply:
        """A document's verdict, awaited for a moment; `unknown_document` while there is none."""
        document_id = request.document_id
        if not is_identifier(document_id):
            raise DocaxisError("unknown_document")

        verdict = await self._verdicts.read_until(
            SOON_S, lambda: verdict_of(self._verdicts, document_id), _found
        )
        if verdict is None:  # L28
            await self._verdicts.pass_end(document_partition(document_id, self._partitions))
            verdict = await verdict_of(self._verdicts, document_id)
        if verdict is None:
            raise DocaxisError("unknown_document")
        return rpc.GetVerdictReply(
            document_id=document_id,
            status=verdict.status,
            code=verdict.code,
            files=[CODEC.to_message(each) for each in verdict.files],
            verified_at=verdict.verified_at,
        )

    async def GetReceipt(self, request: rpc.GetReceiptRequest, context: Any) -> rpc.Receipt:
        """A receipt, awaited for a moment. Its id does not tell its partition: before it is said
        to be unknown, the view has passed the ends of all (L28)."""
        receipt_id, asking = request.receipt_id, tuple(request.for_organisation_ids)
        reader = self._receipts
        receipt = await reader.read_until(
            SOON_S, lambda: receipt_of(reader, receipt_id, asking), _found
        )
        if receipt is None:
            await asyncio.gather(*(reader.pass_end(each) for each in range(self._partitions)))
            receipt = await receipt_of(reader, receipt_id, asking)
        if receipt is None:
            raise DocaxisError("unknown_receipt")
        return _receipt(receipt)

    async def ListReceipts(
        self, request: rpc.ListReceiptsRequest, context: Any
    ) -> rpc.ListReceiptsReply:
        """Receipts of a document, or of organisations, behind the cursor; waits for the first.

        `next` is always told: who asks again with it gets what was sealed since. Raises
        `limit_invalid`, `cursor_invalid`.
        """
        limit, wait_s = page_limit(request.limit), page_wait(request.wait_s)
        organisation_ids = tuple(sorted(set(request.organisation_ids)))
        asked = sha256(msgspec.msgpack.encode((request.document_id, organisation_ids))).digest()[:8]
        after = self._places(request.cursor, asked)
        if request.document_id:
            found, places = await self._of_document(
                request.document_id, organisation_ids, after, limit, wait_s
            )
        elif organisation_ids:
            found, places = await self._receipts.read_until(
                wait_s,
                lambda: receipts_after(
                    self._receipts, self._partitions, organisation_ids, after, limit
                ),
                _any,
            )
        else:
            found, places = [], after
        return rpc.ListReceiptsReply(
            receipts=[_receipt(each) for each in found],
            next=encode_cursor(self._epoch, (asked, places)),
        )

    async def GetKeySet(self, request: rpc.GetKeySetRequest, context: Any) -> rpc.GetKeySetReply:
        """The keys that receipts are signed with, and those that were before."""
        return rpc.GetKeySetReply(jwk_set=self._key_set)

    async def _verify_upload(
        self, system_id: str, place: int, upload: rpc.UploadToVerify, now: int
    ) -> FileVerdict:
        pointer, signature_path = f"/uploads/{place}/upload_id", None
        try:
            stored = await self._files.staged(system_id, upload.upload_id)
            path = await self._files.staged_path(system_id, upload.upload_id)
            if upload.signature_upload_id:
                pointer = f"/uploads/{place}/signature_upload_id"
                signature_path = await self._files.staged_path(
                    system_id, upload.signature_upload_id
                )
        except (FileNotFoundError, ValueError) as error:
            problem = FieldProblem(pointer, "upload_unknown")
            raise DocaxisError("upload_unknown", fields=(problem,)) from error
        return await self._checks.check(stored.digest, path, upload.media_type, signature_path, now)

    async def _of_document(
        self,
        document_id: str,
        organisation_ids: Sequence[str],
        places: Mapping[int, Place],
        limit: int,
        wait_s: float,
    ) -> tuple[list[ReceiptRow], dict[int, Place]]:
        if not is_identifier(document_id):
            return [], {}
        partition = document_partition(document_id, self._partitions)
        after = places.get(partition, START)

        async def read() -> tuple[list[ReceiptRow], Place]:
            return await receipts_of_document(
                self._receipts, document_id, organisation_ids, after, limit
            )

        found, reached = await self._receipts.read_until(wait_s, read, _any)
        if not found and after == START:  # L28
            await self._receipts.pass_end(partition)
            found, reached = await read()
        return found, {partition: reached}

    def _places(self, cursor: str, asked: bytes) -> dict[int, Place]:
        """The place reached in each partition; none where the list starts anew.

        It does under another epoch (L4), and where something else was asked for before: a place
        says nothing about receipts that it was not taken among. Whoever gets a receipt twice knows
        it by its id.
        """
        new: _Places = {}
        before, places = decode_cursor(cursor, self._epoch, tuple[bytes, _Places], (asked, new))
        return places if before == asked else new


def _found(row: object) -> bool:
    return row is not None


def _any(page: tuple[list[ReceiptRow], object]) -> bool:
    return bool(page[0])


def _receipt(row: ReceiptRow) -> rpc.Receipt:
    return rpc.Receipt(
        receipt_id=row.receipt_id,
        kind=row.kind,
        document_id=row.document_id,
        delivery_id=row.delivery_id,
        organisation_id=row.organisation_id,
        jws=row.jws,
        sealed_at=row.sealed_at,
    )
