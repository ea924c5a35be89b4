"""Facts of one real document as a pattern, and copies of them under other ids.

An axis took one document and handed it over; what it wrote is read here. A copy is the same facts
with every id computed anew as the axis computes it (L1, L2): document, submission key, content
digest, delivery, receipts, commands and events. Receipts are signed anew with the axis's own key,
and the copy has a mailbox number of its own. All else is the pattern's: times, levels, verdicts.

New ids are as long as the old ones, so a copy is the pattern's bytes with texts exchanged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.ports.signer import Signer
from docaxis_eventsourcing.receipt_ids import (
    accepted_receipt_id,
    delivery_id,
    handed_over_receipt_id,
)
from docaxis_eventsourcing.topics import document_partition
from docaxis_proto.routing_events_v1_pb2 import DeliveriesMade, DocumentSubmitted
from docaxis_proto.signature_events_v1_pb2 import ReceiptsSealed
from docaxis_routing.content import Identity, identify
from docaxis_trust.compact_jws import decode, signing_input, token_of

_MOST_FOLLOW_UPS = 8
_BY_DOCUMENT = ("document/", "receipt/", "verdict/")


@dataclass(frozen=True, slots=True)
class Stored:
    """A record of the log, without its place."""

    topic: str
    partition: int
    envelope: Envelope
    data: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """A copied document: its id and its events, which have no version yet."""

    document_id: str
    events: list[Stored]


class _Template:
    """Bytes in which texts are exchanged for others of the same length."""

    def __init__(self, content: bytes, texts: Sequence[str]) -> None:
        self._pieces: list[bytes] = [content]
        self._texts: list[str] = []
        for text in texts:
            self._cut(text)

    def _cut(self, text: str) -> None:
        pieces: list[bytes] = []
        texts: list[str] = []
        for at, piece in enumerate(self._pieces):
            parts = piece.split(text.encode())
            pieces += parts
            texts += [text] * (len(parts) - 1) + self._texts[at : at + 1]
        self._pieces, self._texts = pieces, texts

    def fill(self, new: Mapping[str, bytes]) -> bytes:
        filled = [self._pieces[0]]
        for text, piece in zip(self._texts, self._pieces[1:], strict=True):
            filled += (new[text], piece)
        return b"".join(filled)


@dataclass(frozen=True, slots=True)
class _Event:
    """An event of the pattern, ready to be filled."""

    stored: Stored
    cause: tuple[str, ...]
    """Of what its command's id is derived: parts that are ids of the pattern are exchanged."""
    index: int
    follows: str
    """The partition is the document's for "document", else the recipient's, as in the pattern."""
    subject: _Template
    outcome: _Template
    data: _Template


class Pattern:
    """One document's facts, ready to be copied."""

    def __init__(
        self,
        events: Sequence[Stored],
        commands: Mapping[str, Stored],
        metadata: Mapping[str, Any],
        files: Sequence[Mapping[str, Any]],
        signer: Signer,
    ) -> None:
        """`events` of the document, causes first; `commands` by id; `metadata` and `files` as
        `identify` takes them. Raises `ValueError` where they do not give the document's id."""
        self._signer = signer
        self._metadata, self._files = metadata, files
        submitted = DocumentSubmitted.FromString(_of(events, DocumentSubmitted)[0].data)
        made = DeliveriesMade.FromString(_of(events, DeliveriesMade)[0].data)
        self.brief = submitted.brief
        self.recipient: str = made.deliveries[0].organisation_id
        self.mailbox_number: int = made.deliveries[0].mailbox_number
        self._recipients_digest: str = submitted.recipients_digest
        identity = self._identity(metadata["id"])
        if identity.document_id != self.brief.document_id:
            raise ValueError("the pattern's metadata do not give its id")
        self._named = self._names(identity, metadata["id"])
        texts = list(self._named)
        self._sealed: dict[str, tuple[bytes, _Template]] = {}
        for each in _of(events, ReceiptsSealed):
            for receipt in ReceiptsSealed.FromString(each.data).receipts:
                header, payload, _ = receipt.jws.split(".")
                template = _Template(decode(payload.encode()), texts)
                self._sealed[receipt.jws] = (header.encode(), template)
        texts = [*self._sealed, *texts]
        for stored in events:
            texts += (stored.envelope.id, stored.envelope.causation_id)
        texts = list(dict.fromkeys(texts))
        submit = ("submit", self.brief.document_id, self._recipients_digest)
        self._events = [_event(each, commands, texts, submit) for each in events]

    def copy(self, sender_document_id: str, mailbox_number: int, partitions: int) -> Copy:
        """The facts of another document; `sender_document_id` is as long as the pattern's."""
        identity = self._identity(sender_document_id)
        ids = dict(zip(self._named, self._names(identity, sender_document_id), strict=True))
        new = {text: each.encode() for text, each in ids.items()}
        for jws, (header, payload) in self._sealed.items():
            signed = signing_input(header, payload.fill(new))
            new[jws] = token_of(signed, self._signer.sign(signed)).encode()
        home = document_partition(identity.document_id, partitions)
        copied = []
        for event in self._events:
            command = derived_id(*(ids.get(part, part) for part in event.cause))
            own = derived_id("event", command, event.index)
            before = event.stored.envelope
            ids[before.causation_id], ids[before.id] = command, own
            new[before.causation_id], new[before.id] = command.encode(), own.encode()
            envelope = replace(
                before,
                id=own,
                subject=event.subject.fill(new).decode(),
                causation_id=command,
                correlation_id=ids.get(before.correlation_id, before.correlation_id),
                outcome=event.outcome.fill(new),
            )
            data = event.data.fill(new)
            if before.type == DeliveriesMade.DESCRIPTOR.full_name:
                data = _numbered(data, mailbox_number)
            partition = home if event.follows == "document" else event.stored.partition
            copied.append(Stored(event.stored.topic, partition, envelope, data))
        return Copy(identity.document_id, copied)

    def _identity(self, sender_document_id: str) -> Identity:
        metadata = {**self._metadata, "id": sender_document_id}
        return identify(self.brief.sender_organisation_id, metadata, self._files)

    def _names(self, identity: Identity, sender_document_id: str) -> tuple[str, ...]:
        """What names the document, always in this order."""
        delivery = delivery_id(identity.document_id, self.recipient)
        return (
            identity.document_id,
            identity.submission_key,
            identity.content_digest,
            sender_document_id,
            delivery,
            accepted_receipt_id(identity.document_id, self._recipients_digest),
            handed_over_receipt_id(delivery),
        )


def _of(events: Sequence[Stored], message: Any) -> list[Stored]:
    return [each for each in events if each.envelope.type == message.DESCRIPTOR.full_name]


def _event(
    stored: Stored,
    commands: Mapping[str, Stored],
    texts: Sequence[str],
    submit: tuple[str, ...],
) -> _Event:
    envelope = stored.envelope
    follows = "document" if envelope.subject.startswith(_BY_DOCUMENT) else "recipient"
    index = next(
        at for at in range(_MOST_FOLLOW_UPS) if _is(envelope.id, "event", envelope.causation_id, at)
    )
    return _Event(
        stored,
        _cause(commands[envelope.causation_id], submit),
        index,
        follows,
        _Template(envelope.subject.encode(), texts),
        _Template(envelope.outcome, texts),
        _Template(stored.data, texts),
    )


def _cause(command: Stored, submit: tuple[str, ...]) -> tuple[str, ...]:
    """Of what the command's id is derived; a client's acknowledgement gets one of its document."""
    envelope = command.envelope
    if _is(envelope.id, *submit):
        return submit
    if not envelope.causation_id:
        return ("seeded", envelope.type, submit[1])
    service = envelope.source.partition("/")[2]
    for index in range(_MOST_FOLLOW_UPS):
        parts = ("follow-up", service, envelope.causation_id, str(index), envelope.type)
        if _is(envelope.id, *parts):
            return parts
    raise ValueError(f"{envelope.type}: its id is not derived from its cause")


def _is(identifier: str, *parts: str | int) -> bool:
    return derived_id(*parts) == identifier


def _numbered(data: bytes, number: int) -> bytes:
    made = DeliveriesMade.FromString(data)
    made.deliveries[0].mailbox_number = number
    return made.SerializeToString(deterministic=True)
