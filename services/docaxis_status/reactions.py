"""Routing's deliveries become status's commands; pure.

Routing decides deliveries on the partition of their recipient, and so does status: an event's
deliveries all go to one partition here, in the order in which routing wrote about them.
"""

from collections.abc import Sequence
from typing import Any

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.follow_up import FollowUp
from docaxis_eventsourcing.moments import rfc3339
from docaxis_eventsourcing.topics import organisation_partition
from docaxis_proto.routing_events_v1_pb2 import DeliveriesHandedOver, DeliveriesMade
from docaxis_status.domain.deliveries import ARRIVED, AXIS
from docaxis_status.domain.messages import DeliveryOpened, OpenTimelines, RecordHandOver, Status

_REFUSED = "refused"


class StatusReactions:
    """The reactions of an installation with a number of partitions."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def to_routing_events(self, event: Any, envelope: Envelope, _: Any) -> Sequence[FollowUp]:
        """Timelines for deliveries that were made; the axis's own 01 for those handed over."""
        if isinstance(event, DeliveriesMade):
            return self._open(event)
        if isinstance(event, DeliveriesHandedOver) and event.deliveries:
            partition = organisation_partition(event.organisation_id, self._partitions)
            return (FollowUp(_hand_over(event, envelope), partition),)
        return ()

    def _open(self, event: DeliveriesMade) -> Sequence[FollowUp]:
        by_partition: dict[int, list[DeliveryOpened]] = {}
        for each in event.deliveries:
            if each.state == _REFUSED:  # nobody will ever report on it
                continue
            partition = organisation_partition(each.organisation_id, self._partitions)
            opened = DeliveryOpened(
                delivery_id=each.delivery_id,
                document_id=event.brief.document_id,
                organisation_id=each.organisation_id,
                sender_organisation_id=event.brief.sender_organisation_id,
                code=each.code,
            )
            by_partition.setdefault(partition, []).append(opened)
        return [
            FollowUp(OpenTimelines(tuple(deliveries)), partition)
            for partition, deliveries in by_partition.items()
        ]


def _hand_over(event: DeliveriesHandedOver, envelope: Envelope) -> RecordHandOver:
    return RecordHandOver(
        event.organisation_id,
        tuple(
            Status(
                delivery_id=each.delivery_id,
                document_id=each.document_id,
                code=ARRIVED,
                source=AXIS,
                claimed_at=rfc3339(envelope.time),
                reason_digest="",
                system_id=event.system_id,
                sender_organisation_id=each.sender_organisation_id,
                report_id=envelope.id,
                recipient_level=each.recipient_level,
            )
            for each in event.deliveries
        ),
    )
