"""Routing's events become verdicts and receipts: slow or foreign work, many at a time (L19).

"verify" checks a document's files in processes that may be killed (L20); "seal" signs receipts, in
a thread because a hardware token takes its time. Both take their times from the event, so that
work done again after a crash finds the same and signs the same bytes (L8).
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.follow_up import FollowUp
from docaxis_eventsourcing.moments import rfc3339
from docaxis_eventsourcing.parts import PartHealth
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.ports.signer import Signer
from docaxis_eventsourcing.receipt_ids import accepted_receipt_id, handed_over_receipt_id
from docaxis_eventsourcing.topics import document_partition
from docaxis_proto.routing_events_v1_pb2 import (
    DeliveriesHandedOver,
    DocumentSubmitted,
    FileRef,
    RecipientsAdded,
)
from docaxis_runtime.telemetry import Duration, took
from docaxis_signature.domain import (
    FileVerdict,
    RecordReceipts,
    RecordVerdict,
    SealedReceipt,
    SignatureFound,
)
from docaxis_signature.folder_files import FolderFiles
from docaxis_signature.settings import SignatureSettings
from docaxis_trust.receipts import sign_receipt
from docaxis_trust.verdicts import TrustStoreUnreadable, Verdict
from docaxis_trust.verification import VerificationRequest
from docaxis_trust.workers import VerificationWorkers, WorkersClosed

ISSUER = "docaxis"
ACCEPTED, HANDED_OVER = "accepted", "handed_over"
MOST_SIGNATURES = 100
"""Of one document, that its verdict lists: no message over 256 KB (L9). All of them count."""
_LONGEST_NAME = 200

_log = structlog.get_logger(__name__)


class FileChecks:
    """Checks files in worker processes, against the trust anchors of the settings.

    A part as well: run it, and the processes end with it.
    """

    def __init__(self, settings: SignatureSettings) -> None:
        self._settings = settings
        self._workers = VerificationWorkers(settings.workers, settings.deadline_s, settings.idle_s)
        self._anchors = FolderFiles(settings.trust_anchors_folder, (".pem", ".crt"))
        self._revocations = FolderFiles(settings.crl_folder, (".crl", ".pem"))
        self.health = PartHealth("signature.workers")

    async def run(self) -> None:
        """Keep the workers until cancelled."""
        self.health.working()
        try:
            await asyncio.Event().wait()
        finally:
            await self._workers.close()

    async def check(
        self, digest: str, path: Path, media_type: str, signature_path: Path | None, at_ms: int
    ) -> FileVerdict:
        """The verdict on a file whose bytes should have this digest, at a time (Unix ms).

        Raises `Unavailable` where the file, the anchors or the workers cannot be used now.
        """
        began = time.perf_counter()
        try:
            request = VerificationRequest(
                file_path=path,
                media_type=media_type,
                signature_path=signature_path,
                anchor_paths=self._anchors.paths(),
                validated_at_ms=at_ms,
                crl_paths=self._revocations.paths(),
            )
            verdict = await self._workers.verify(request)
        except (OSError, TrustStoreUnreadable, WorkersClosed) as error:
            raise Unavailable(f"checking {digest}: {error!r}") from error
        took(Duration.VERIFICATION, time.perf_counter() - began, verdict.status)
        if verdict.digest not in ("", digest):
            _log.critical("stored_bytes_changed", digest=digest, found=verdict.digest)
            return _unreadable(digest)
        return _file_verdict(digest, verdict)


class Verifying:
    """The effect "verify": a submitted document becomes `RecordVerdict`."""

    def __init__(self, checks: FileChecks, files: FileStore, partitions: int) -> None:
        self._checks = checks
        self._files = files
        self._partitions = partitions

    async def work(self, event: DocumentSubmitted, envelope: Envelope) -> Sequence[FollowUp]:
        """Check each file at the time of its submission. Raises `Unavailable`."""
        document_id = event.brief.document_id
        verdicts = await asyncio.gather(
            *(self._check(document_id, each, envelope.time) for each in event.brief.files)
        )
        command = RecordVerdict(document_id, bounded(verdicts), event.brief.priority)
        return (FollowUp(command, document_partition(document_id, self._partitions)),)

    async def _check(self, document_id: str, file: FileRef, at_ms: int) -> FileVerdict:
        try:
            path = await self._files.local_path(document_id, file.digest)
            signature_path = (
                await self._files.local_path(document_id, file.signature_digest)
                if file.signature_digest
                else None
            )
        except FileNotFoundError:  # its content was deleted meanwhile
            return _unreadable(file.digest)
        return await self._checks.check(file.digest, path, file.media_type, signature_path, at_ms)


class Sealing:
    """The effect "seal": acceptances and hand-overs become `RecordReceipts`."""

    def __init__(self, signer: Signer, partitions: int) -> None:
        self._signer = signer
        self._partitions = partitions

    async def work(self, event: Any, envelope: Envelope) -> Sequence[FollowUp]:
        """Sign what the event calls for; one command for each document."""
        if isinstance(event, DeliveriesHandedOver):
            receipts = await asyncio.to_thread(self._handed_over, event, envelope.time)
        else:
            receipts = await asyncio.to_thread(self._accepted, event, envelope.time)
        by_document: dict[str, list[SealedReceipt]] = {}
        for receipt in receipts:
            by_document.setdefault(receipt.document_id, []).append(receipt)
        return [
            FollowUp(
                RecordReceipts(document_id, tuple(each)),
                document_partition(document_id, self._partitions),
            )
            for document_id, each in by_document.items()
        ]

    def _accepted(
        self, event: DocumentSubmitted | RecipientsAdded, at_ms: int
    ) -> list[SealedReceipt]:
        brief = event.brief
        claims = {
            "document_id": brief.document_id,
            "content_digest": brief.content_digest,
            "sender": brief.sender_organisation_id,
            "recipients_digest": event.recipients_digest,
        }
        if brief.sender_document_id:
            claims["sender_document_id"] = brief.sender_document_id
        receipt_id = accepted_receipt_id(brief.document_id, event.recipients_digest)
        return [self._seal(receipt_id, ACCEPTED, claims, at_ms)]

    def _handed_over(self, event: DeliveriesHandedOver, at_ms: int) -> list[SealedReceipt]:
        return [
            self._seal(
                handed_over_receipt_id(each.delivery_id),
                HANDED_OVER,
                {
                    "document_id": each.document_id,
                    "content_digest": each.content_digest,
                    "sender": each.sender_organisation_id,
                    "recipient": event.organisation_id,
                    "delivery_id": each.delivery_id,
                },
                at_ms,
            )
            for each in event.deliveries
        ]

    def _seal(
        self, receipt_id: str, kind: str, claims: dict[str, str], at_ms: int
    ) -> SealedReceipt:
        stated: dict[str, object] = {
            **claims,
            "iss": ISSUER,
            "jti": receipt_id,
            "kind": kind,
            "iat": at_ms // 1000,
            "at": rfc3339(at_ms),
        }
        return SealedReceipt(
            receipt_id=receipt_id,
            kind=kind,
            document_id=claims["document_id"],
            delivery_id=claims.get("delivery_id", ""),
            organisation_id=claims["sender"],
            jws=sign_receipt(stated, self._signer),
        )


def bounded(verdicts: Iterable[FileVerdict]) -> tuple[FileVerdict, ...]:
    """The verdicts with at most `MOST_SIGNATURES` signatures listed; what they found stays."""
    room = MOST_SIGNATURES
    kept = []
    for each in verdicts:
        kept.append(replace(each, signatures=each.signatures[:room]))
        room -= len(kept[-1].signatures)
    return tuple(kept)


def _file_verdict(digest: str, verdict: Verdict) -> FileVerdict:
    signatures = tuple(
        SignatureFound(
            kind=each.kind,
            status=each.status,
            code=each.code,
            certificate_sha256=each.certificate_sha256,
            is_seal=each.is_seal,
            claimed_at=each.claimed_at,
            covers_whole_file=each.covers_whole_file,
            signer_name=each.signer_name[:_LONGEST_NAME],
            organisation_name=each.organisation_name[:_LONGEST_NAME],
        )
        for each in verdict.signatures
    )
    return FileVerdict(digest, verdict.status, verdict.code, signatures)


def _unreadable(digest: str) -> FileVerdict:
    return FileVerdict(digest, "indeterminate", "signature_unreadable")
