"""Events become routing's commands: documents -> deliveries, verdicts -> documents -> deliveries.

Here, and only here, keys change: a document's event gives one command for each partition that
holds some of its recipients (rule L9). Pure: the runner is `docaxis_eventsourcing.reactions`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.follow_up import FollowUp
from docaxis_eventsourcing.topics import Lane, document_partition, organisation_partition
from docaxis_routing.domain.documents import VALID
from docaxis_routing.domain.messages import (
    DocumentBrief,
    DocumentSubmitted,
    MakeDeliveries,
    NoteVerdict,
    Recipient,
    RecipientsAdded,
    RecipientsResolved,
    RefuseDeliveries,
    ReleaseDeliveries,
    ResolveSlice,
    SettleSlice,
    SliceSettled,
    VerdictNoted,
)
from docaxis_routing.lanes import document_lane, slices_lane


class RoutingReactions:
    """The reactions of an installation with a number of partitions."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def to_own_events(self, event: Any, envelope: Envelope, _: Any) -> Sequence[FollowUp]:
        """Deliveries of a new document or its further recipients; the verdict to those held."""
        match event:
            case DocumentSubmitted() | RecipientsAdded() if event.slices:
                return self._slices(event)
            case DocumentSubmitted() | RecipientsAdded():
                lane = document_lane(event.brief.priority)
                return self._make(event.brief, event.recipients, lane)
            case RecipientsResolved():
                lane = slices_lane(event.brief.priority)
                return self._make(event.brief, event.recipients, lane)
            case VerdictNoted():
                lane = document_lane(event.priority)
                return (*self._pass_on(event, lane), *self._settle(event))
            case SliceSettled():
                return self._pass_on(event, slices_lane(event.priority))
        return ()

    def to_signature_events(self, event: Any, envelope: Envelope, _: Any) -> Sequence[FollowUp]:
        """The verdict of a document, to the document's partition and in its lane (L10)."""
        command = NoteVerdict(event.document_id, event.status, event.code)
        partition = document_partition(event.document_id, self._partitions)
        return (FollowUp(command, partition, document_lane(event.priority)),)

    def _slices(self, event: DocumentSubmitted | RecipientsAdded) -> Sequence[FollowUp]:
        brief, lane = event.brief, slices_lane(event.brief.priority)
        partition = document_partition(brief.document_id, self._partitions)
        return [
            FollowUp(
                ResolveSlice(brief, event.recipients_digest, event.recipients_file, number),
                partition,
                lane,
            )
            for number in range(event.slices)
        ]

    def _settle(self, event: VerdictNoted) -> Sequence[FollowUp]:
        partition = document_partition(event.document_id, self._partitions)
        lane = slices_lane(event.priority)
        return [
            FollowUp(
                SettleSlice(event.document_id, each.recipients_digest, number), partition, lane
            )
            for each in event.sliced
            for number in range(each.slices)
        ]

    def _make(
        self, brief: DocumentBrief, recipients: tuple[Recipient, ...], lane: Lane
    ) -> Sequence[FollowUp]:
        by_partition: dict[int, list[Recipient]] = defaultdict(list)
        for recipient in recipients:
            by_partition[self._of(recipient.organisation_id)].append(recipient)
        return [
            FollowUp(MakeDeliveries(brief, tuple(each)), partition, lane)
            for partition, each in sorted(by_partition.items())
        ]

    def _pass_on(self, event: VerdictNoted | SliceSettled, lane: Lane) -> Sequence[FollowUp]:
        follow_ups = []
        for partition, organisations in self._grouped(event.organisation_ids):
            command: ReleaseDeliveries | RefuseDeliveries
            if event.status == VALID:
                command = ReleaseDeliveries(event.document_id, organisations)
            else:
                command = RefuseDeliveries(
                    event.document_id, event.code, organisations, event.sender_organisation_id
                )
            follow_ups.append(FollowUp(command, partition, lane))
        return follow_ups

    def _grouped(self, organisations: Iterable[str]) -> list[tuple[int, tuple[str, ...]]]:
        by_partition: dict[int, list[str]] = defaultdict(list)
        for organisation_id in organisations:
            by_partition[self._of(organisation_id)].append(organisation_id)
        return [(partition, tuple(each)) for partition, each in sorted(by_partition.items())]

    def _of(self, organisation_id: str) -> int:
        return organisation_partition(organisation_id, self._partitions)
