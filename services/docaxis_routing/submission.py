"""The front door of a submission: files taken, card written, id computed, command asked.

Order matters (rule L31): the document takes its files, durably, before its command is written;
a crash in between leaves a folder without a document, which the sweep removes.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_eventsourcing.outcomes import answer_of
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.receipt_ids import accepted_receipt_id
from docaxis_eventsourcing.topics import document_partition
from docaxis_proto.kernel_v1_pb2 import Outcome
from docaxis_proto.routing_v1_pb2 import (
    CheckDocumentReply,
    SubmitDocumentReply,
    SubmitDocumentRequest,
)
from docaxis_routing import card
from docaxis_routing.codec import CODEC
from docaxis_routing.content import CANON_VERSION, identify, recipients_digest
from docaxis_routing.domain.messages import (
    CheckAnswer,
    CheckDocument,
    ContentDigest,
    DocumentBrief,
    FileRef,
    RefusedRecipient,
    SubmitAnswer,
    SubmitDocument,
)
from docaxis_routing.folder_marks import FolderMarks
from docaxis_routing.lanes import document_lane
from docaxis_routing.recipient_slices import MOST_RIDING, SlicedFile, arrange
from docaxis_routing.registry_view import RegistryFacts

SUPPORTED_BUSINESS_TYPES = ("new",)
"""Recall, update and replace are refused until they act."""
_UNKNOWN = "unknown_organisation"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A submission as it is asked: its command, its words, its small files by digest, and, above
    500 recipients, the first of those who seem to be refused."""

    command: SubmitDocument
    words: card.Card
    small_files: Mapping[str, bytes]
    refused: tuple[RefusedRecipient, ...]


@dataclass(frozen=True, slots=True)
class SubmissionDoor:
    """Takes submissions in, one replica's."""

    door: FrontDoor
    files: FileStore
    cards: card.Cards
    registry: RegistryFacts
    marks: FolderMarks
    clock: Callable[[], int]
    partitions: int
    max_recipients: int

    async def submit(self, request: SubmitDocumentRequest) -> SubmitDocumentReply:
        """Make the document durable and decided; raises `DocaxisError` with what is wrong."""
        asked = await self._asked(request)
        command, document_id = asked.command, asked.command.brief.document_id
        began = self.clock()
        await asyncio.gather(  # together: they share their syncs
            *(self.files.put(document_id, *each) for each in asked.small_files.items()),
            self._take(request, command.brief.files, document_id),
        )
        self.marks.check_in_time(began, self.clock())
        self.cards.remember(document_id, command.brief.card_digest, asked.words)
        outcome = await self.door.ask(
            command,
            command_id=derived_id("submit", document_id, command.recipients_digest),
            partition=document_partition(document_id, self.partitions),
            actor=request.system_id,
            lane=document_lane(request.priority),
        )
        reply = SubmitDocumentReply(
            document_id=document_id,
            receipt_id=accepted_receipt_id(document_id, command.recipients_digest),
        )
        return _answered(reply, outcome) if outcome is not None else reply

    async def check(self, request: SubmitDocumentRequest) -> CheckDocumentReply:
        """What `submit` would answer now, decided upon the same states; nothing is kept.

        Raises `DocaxisError` with what is wrong, and `deadline_exceeded`.
        """
        asked = await self._asked(request)
        document_id = asked.command.brief.document_id
        outcome = await self.door.ask_decided(
            CheckDocument(asked.command),
            command_id=new_id(),
            partition=document_partition(document_id, self.partitions),
            actor=request.system_id,
            lane=document_lane(request.priority),
        )
        answer: CheckAnswer = answer_of(outcome, CODEC)
        message = CODEC.to_message(answer.answer)
        return CheckDocumentReply(
            document_id=document_id,
            first=answer.first,
            recipients=message.recipients,
            refused=[*message.refused, *map(CODEC.to_message, asked.refused)],
            recipient_count=answer.answer.recipient_count,
        )

    async def _asked(self, request: SubmitDocumentRequest) -> "_Asked":
        self._check(request)
        sender = await self._sender(request)
        files = await self._files(request)
        identity = identify(sender, _metadata(request), _named(request, files))
        words = _card(request)
        card_digest, card_bytes = card.encode(words)
        codes = _recipient_codes(request)
        to = recipients_digest((*request.recipient_codes, *request.recipient_group_ids))
        sliced, refused = await self._sliced(codes)
        command = SubmitDocument(
            _brief(request, sender, identity.document_id, card_digest, files),
            identity.submission_key,
            (ContentDigest(CANON_VERSION, identity.content_digest),),
            () if sliced else codes,
            to,
            sliced.slices if sliced else 0,
            sliced.digest if sliced else "",
            len(codes),
        )
        small = {card_digest: card_bytes, **({sliced.digest: sliced.content} if sliced else {})}
        return _Asked(command, words, small, refused)

    def _check(self, request: SubmitDocumentRequest) -> None:
        if request.business_type not in SUPPORTED_BUSINESS_TYPES:
            raise _at("/business_type", "business_type_not_supported", type=request.business_type)
        codes = _recipient_codes(request)
        if len(codes) > self.max_recipients:
            raise _at("/recipients", "too_many_recipients", limit=str(self.max_recipients))
        if not codes:
            raise _at("/recipients", "field_required")
        if not request.files:
            raise _at("/files", "field_required")

    async def _sliced(
        self, codes: tuple[str, ...]
    ) -> tuple[SlicedFile | None, tuple[RefusedRecipient, ...]]:
        """Recipients that are too many to ride in a command, as a file (L9), and who seems refused.

        Whom their codes name is decided with each slice; here it only arranges them, and tells a
        list that names nobody (rule 7).
        """
        if len(codes) <= MOST_RIDING:
            return None, ()
        found = await self.registry.resolve(codes, self.clock())
        if all(each.locked for each in found.values()):
            raise _at("/recipients", "no_valid_recipient", codes=", ".join(codes[:3]))
        ids = {code: each.organisation_id for code, each in found.items()}
        refused = (
            RefusedRecipient(code, "organisation_locked" if code in found else _UNKNOWN)
            for code in codes
            if code not in found or found[code].locked
        )
        sliced = await asyncio.to_thread(arrange, codes, ids, self.partitions)
        return sliced, tuple(islice(refused, MOST_RIDING))

    async def _sender(self, request: SubmitDocumentRequest) -> str:
        """The sender's unchanging id; a code is only an attribute (L3)."""
        found = await self.registry.resolve((request.sender_code,), self.clock())
        sender = found.get(request.sender_code)
        if sender is None or sender.organisation_id not in request.served_organisation_ids:
            raise _at("/sender", "sender_not_served", code=request.sender_code)
        return sender.organisation_id

    async def _files(self, request: SubmitDocumentRequest) -> list[FileRef]:
        """The staged files by what was stored, checked against what was told."""
        found = []
        for index, told in enumerate(request.files):
            stored = await self._staged(request.system_id, told.upload_id, f"/files/{index}")
            if told.digest and told.digest != stored.digest:
                raise _at(f"/files/{index}/digest", "digest_mismatch", name=told.name)
            if stored.size == 0:
                raise _at(f"/files/{index}", "file_empty", name=told.name)
            signature = ""
            if told.signature_upload_id:
                at = f"/files/{index}/signature"
                signature = (
                    await self._staged(request.system_id, told.signature_upload_id, at)
                ).digest
            found.append(FileRef(stored.digest, stored.size, told.media_type, signature))
        return found

    async def _take(
        self, request: SubmitDocumentRequest, files: Sequence[FileRef], document_id: str
    ) -> None:
        """Take the files, as what they were when the document's id was computed."""
        expected = [
            (told.upload_id, stored.digest, index)
            for index, (told, stored) in enumerate(zip(request.files, files, strict=True))
        ]
        expected += [
            (told.signature_upload_id, stored.signature_digest, index)
            for index, (told, stored) in enumerate(zip(request.files, files, strict=True))
            if told.signature_upload_id
        ]
        uploads = [upload_id for upload_id, _, _ in expected]
        try:
            taken = await self.files.take(request.system_id, uploads, document_id)
        except FileNotFoundError:
            await self._files(request)  # tells which one has gone
            raise
        for (_, digest, index), stored in zip(expected, taken, strict=True):
            if stored.digest != digest:  # uploaded again in this moment, with other bytes
                name = request.files[index].name
                raise _at(f"/files/{index}/digest", "digest_mismatch", name=name)

    async def _staged(self, system_id: str, upload_id: str, pointer: str) -> Any:
        try:
            return await self.files.staged(system_id, upload_id)
        except (FileNotFoundError, ValueError) as error:
            raise _at(pointer, "upload_unknown", upload=upload_id) from error


def _answered(reply: SubmitDocumentReply, outcome: Outcome) -> SubmitDocumentReply:
    answer: SubmitAnswer = answer_of(outcome, CODEC)
    message = CODEC.to_message(answer)
    reply.decided = True
    reply.first = outcome.kind == Outcome.DECIDED
    reply.recipients.extend(message.recipients)
    reply.refused.extend(message.refused)
    reply.accepted_at = answer.accepted_at
    reply.recipient_count = answer.recipient_count
    return reply


def _recipient_codes(request: SubmitDocumentRequest) -> tuple[str, ...]:
    """Recipients and members of groups, each once."""
    return tuple(dict.fromkeys((*request.recipient_codes, *request.group_member_codes)))


def _metadata(request: SubmitDocumentRequest) -> Mapping[str, Any]:
    """The canonical native form (L1): what makes this content this content."""
    return {
        "id": request.sender_document_id,
        "business_type": request.business_type,
        "number": request.number,
        "notation": request.notation,
        "place": request.place,
        "promulgated_on": request.promulgated_on,
        "type": {
            "group": request.type_group,
            "code": request.type_code,
            "name": request.type_name,
        },
        "subject": request.subject,
        "content": request.content,
        "signer": {
            "competence": request.signer.competence,
            "position": request.signer.position,
            "full_name": request.signer.full_name,
        },
        "priority": request.priority,
        "due_on": request.due_on,
    }


def _named(request: SubmitDocumentRequest, files: list[FileRef]) -> list[Mapping[str, Any]]:
    return [
        {"name": told.name, "media_type": told.media_type, "digest": stored.digest}
        for told, stored in zip(request.files, files, strict=True)
    ]


def _card(request: SubmitDocumentRequest) -> card.Card:
    return card.Card(
        request.subject,
        request.content,
        request.place,
        request.type_code,
        request.due_on,
        request.signer.competence,
        request.signer.position,
        request.signer.full_name,
        tuple(each.name for each in request.files),
    )


def _brief(
    request: SubmitDocumentRequest,
    sender_organisation_id: str,
    document_id: str,
    card_digest: str,
    files: list[FileRef],
) -> DocumentBrief:
    return DocumentBrief(
        document_id=document_id,
        sender_organisation_id=sender_organisation_id,
        sender_code=request.sender_code,
        system_id=request.system_id,
        sender_document_id=request.sender_document_id,
        business_type=request.business_type,
        number=request.number,
        notation=request.notation,
        promulgated_on=request.promulgated_on,
        type_group=request.type_group,
        type_name=request.type_name,
        priority=request.priority,
        card_digest=card_digest,
        files=tuple(files),
    )


def _at(pointer: str, error: str, /, **params: str) -> DocaxisError:
    return DocaxisError(error, params, fields=(FieldProblem(pointer, error, params),))
