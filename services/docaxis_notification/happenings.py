"""Foreign events as happenings that the public is told of: what, about which ids, to whom.

Each concerns the one organisation that did not do it: the recipient learns that a copy is ready,
the sender all the rest. What expired was nobody's doing: both learn it.

| type | event | concerns |
|---|---|---|
| document.accepted | `DocumentSubmitted`, `RecipientsAdded` | sender |
| document.verified | `VerdictNoted` | sender |
| delivery.ready | `DeliveriesMade`, `DeliveriesReleased`, `DeliveriesReopened` | recipient |
| delivery.refused | `DeliveriesMade`, `DeliveriesRefused` | sender |
| delivery.handed_over | `DeliveriesHandedOver` | sender |
| delivery.expired | `DeliveriesExpired` | sender, recipient |
| status.reported | `StatusesReported` | sender; of a take-back asked (13), recipient |

`document.verified` follows routing's `VerdictNoted`, not the signature service's own event: that
one does not name the sender, and this one comes for every verdict.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_proto import status_events_v1_pb2 as status

_TAKE_BACK_ASKED = "13"


@dataclass(frozen=True, slots=True)
class Happening:
    """A public event type, the organisation concerned, and the ids that it is about."""

    event_type: str
    organisation_id: str
    document_id: str
    delivery_id: str = ""


def happenings(event: Any) -> list[Happening]:
    """What an event tells, in a fixed order; empty for what is nobody's business."""
    match event:
        case routing.DocumentSubmitted() | routing.RecipientsAdded():
            brief = event.brief
            return [Happening("document.accepted", brief.sender_organisation_id, brief.document_id)]
        case routing.VerdictNoted():
            return [Happening("document.verified", event.sender_organisation_id, event.document_id)]
        case routing.DeliveriesMade():
            return list(_made(event))
        case routing.DeliveriesReleased() | routing.DeliveriesReopened():
            return [
                Happening(
                    "delivery.ready", each.organisation_id, event.document_id, each.delivery_id
                )
                for each in event.deliveries
                if each.mailbox_number
            ]
        case routing.DeliveriesRefused():
            sender = event.sender_organisation_id
            return [
                Happening("delivery.refused", sender, event.document_id, each.delivery_id)
                for each in event.deliveries
            ]
        case routing.DeliveriesHandedOver():
            return [
                Happening(
                    "delivery.handed_over",
                    each.sender_organisation_id,
                    each.document_id,
                    each.delivery_id,
                )
                for each in event.deliveries
            ]
        case routing.DeliveriesExpired():
            return [
                Happening("delivery.expired", concerned, event.document_id, each.delivery_id)
                for each in event.deliveries
                for concerned in (event.sender_organisation_id, each.organisation_id)
            ]
        case status.StatusesReported():
            return [
                Happening(
                    "status.reported",
                    event.organisation_id
                    if each.code == _TAKE_BACK_ASKED
                    else each.sender_organisation_id,
                    each.document_id,
                    each.delivery_id,
                )
                for each in event.statuses
            ]
    return []


def _made(event: routing.DeliveriesMade) -> Iterator[Happening]:
    brief = event.brief
    for each in event.deliveries:
        if each.state == "ready":
            yield Happening(
                "delivery.ready", each.organisation_id, brief.document_id, each.delivery_id
            )
        elif each.state == "refused":
            yield Happening(
                "delivery.refused",
                brief.sender_organisation_id,
                brief.document_id,
                each.delivery_id,
            )
