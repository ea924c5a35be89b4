"""Events become routing's commands: documents -> deliveries, verdicts -> documents -> deliveries.

Here, and only here, keys change: a document's event gives one command for each partition that
holds some of its recipients (rule L9). Pure: the runner is `docaxis_eventsourcing.reactions`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.follow_up import FollowUp
from docaxis_eventsourcing.topics import document_partition, organisation_partition
from docaxis_routing.domain.documents import VALID
from docaxis_routing.domain.messages import (
    DocumentBrief,
    DocumentSubmitted,
    MakeDeliveries,
    NoteVerdict,
    Recipient,
    RecipientsAdded,
    RefuseDeliveries,
    ReleaseDeliveries,
    VerdictNoted,
)


class RoutingReactions:
    """The reactions of an installation with a number of partitions."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def to_own_events(self, event: Any, envelope: Envelope, _: Any) -> Sequence[FollowUp]:
        """Deliveries of a new document or its further recipients; the verdict to those held."""
        match event:
            case DocumentSubmitted() | RecipientsAdded():
                return self._make(event.brief, event.recipients)
            case VerdictNoted() if event.organisation_ids:
                return self._pass_on(event)
        return ()

    def to_signature_events(self, event: Any, envelope: Envelope, _: Any) -> Sequence[FollowUp]:
        """The verdict of a document, to the document's partition."""
        command = NoteVerdict(event.document_id, event.status, event.code)
        return (FollowUp(command, document_partition(event.document_id, self._partitions)),)

    def _make(self, brief: DocumentBrief, recipients: tuple[Recipient, ...]) -> Sequence[FollowUp]:
        by_partition: dict[int, list[Recipient]] = defaultdict(list)
        for recipient in recipients:
            by_partition[self._of(recipient.organisation_id)].append(recipient)
        return [
            FollowUp(MakeDeliveries(brief, tuple(each)), partition)
            for partition, each in sorted(by_partition.items())
        ]

    def _pass_on(self, event: VerdictNoted) -> Sequence[FollowUp]:
        follow_ups = []
        for partition, organisations in self._grouped(event.organisation_ids):
            command: ReleaseDeliveries | RefuseDeliveries
            if event.status == VALID:
                command = ReleaseDeliveries(event.document_id, organisations)
            else:
                command = RefuseDeliveries(
                    event.document_id, event.code, organisations, event.sender_organisation_id
                )
            follow_ups.append(FollowUp(command, partition))
        return follow_ups

    def _grouped(self, organisations: Iterable[str]) -> list[tuple[int, tuple[str, ...]]]:
        by_partition: dict[int, list[str]] = defaultdict(list)
        for organisation_id in organisations:
            by_partition[self._of(organisation_id)].append(organisation_id)
        return [(partition, tuple(each)) for partition, each in sorted(by_partition.items())]

    def _of(self, organisation_id: str) -> int:
        return organisation_partition(organisation_id, self._partitions)
