"""Deliveries that nobody takes over in time, and sending them again.

23. A ready delivery expires when its time has passed and it was not handed over; without a setting
    it never does. The time is fixed when it becomes ready.
24. Its sender sends an expired delivery again: it becomes ready under its mailbox's next number,
    and has its full time again. Sending again what is ready changes nothing.
25. What was handed over is not sent again, nor is what policy refused, whose reason is told; a held
    delivery waits for its verdict, and one of another sender does not exist for the asker.
"""

from collections.abc import Mapping
from typing import Any

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, NotYet, Refused, Timer
from docaxis_routing.domain.deliveries import (
    EXPIRED,
    HELD,
    READY,
    REFUSED,
    Delivery,
    expires_at,
    next_number,
)
from docaxis_routing.domain.facts import RoutingFacts
from docaxis_routing.domain.messages import (
    DeliveriesExpired,
    DeliveriesReopened,
    DeliveryClosed,
    DeliveryReleased,
    ExpireDelivery,
    ResendAnswer,
    ResendDelivery,
)


def timer(state: Any) -> Timer | None:
    """Rule 23: when a ready delivery expires."""
    if isinstance(state, Delivery) and state.state == READY and state.expires_at:
        return Timer(state.expires_at, ExpireDelivery(state.delivery_id, state.expires_at))
    return None


def decide_expire(
    states: Mapping[str, Any], facts: RoutingFacts, command: ExpireDelivery
) -> Decision:
    """Rule 23."""
    copy: Delivery = states[f"delivery/{command.delivery_id}"]
    if copy.state != READY or copy.expires_at != command.due:
        return AlreadyDecided()
    if facts.now < copy.expires_at:
        return NotYet()
    closed = (DeliveryClosed(copy.delivery_id, copy.organisation_id),)
    return Decided((DeliveriesExpired(copy.document_id, closed, copy.sender_organisation_id),))


def decide_resend(
    states: Mapping[str, Any], facts: RoutingFacts, command: ResendDelivery
) -> Decision:
    """Rules 24 and 25."""
    copy: Delivery = states[f"delivery/{command.delivery_id}"]
    sender, recipient = command.sender_organisation_id, command.organisation_id
    if not copy.state or (copy.sender_organisation_id, copy.organisation_id) != (sender, recipient):
        return Refused("unknown_delivery")
    answer = ResendAnswer(copy.delivery_id, READY)
    if copy.state == READY:
        return AlreadyDecided(answer)
    if copy.state == HELD:
        return Refused("delivery_not_ready")
    if copy.state == REFUSED:
        return Refused("resend_refused_by_policy", {"reason": copy.reason})
    if copy.state != EXPIRED:
        return Refused("delivery_closed", {"state": copy.state})
    number = next_number(states, recipient)
    again = (DeliveryReleased(copy.delivery_id, recipient, number, expires_at(facts)),)
    event = DeliveriesReopened(copy.document_id, again, sender, command.system_id)
    return Decided((event,), answer)
