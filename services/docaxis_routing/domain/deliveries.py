"""Deliveries and mailboxes, on the partition of the recipient organisation.

11. A delivery is made once: making it again changes nothing.
12. A ready delivery gets its mailbox's next number; numbers run without gaps and are never reused.
13. A held delivery has no number until it is released.
14. A release or a refusal that comes before its delivery is kept, and wins when it is made.
15. Only a held delivery is released or refused by policy.
16. Acknowledging a ready delivery is the hand-over; doing it again changes nothing.
17. A delivery of another organisation, held, or closed is not handed over, and the answer says why;
    the others in the list are not held up by it.
26. A hand-over states the document's business type and the recipient's level on that day in Viet
    Nam, so that figures are counted from the event alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_routing.domain.chunks import index_of
from docaxis_routing.domain.facts import RoutingFacts
from docaxis_routing.domain.messages import (
    AcknowledgeAnswer,
    AcknowledgeDeliveries,
    AcknowledgeResult,
    DeliveriesExpired,
    DeliveriesHandedOver,
    DeliveriesMade,
    DeliveriesRefused,
    DeliveriesReleased,
    DeliveriesReopened,
    DeliveryClosed,
    DeliveryMade,
    DeliveryReleased,
    HandOver,
    MakeDeliveries,
    RefuseDeliveries,
    ReleaseDeliveries,
)

HELD, READY, HANDED_OVER, REFUSED = "held", "ready", "handed_over", "refused"
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One document for one recipient; an empty `state`: not made yet."""

    delivery_id: str
    state: str = ""
    document_id: str = ""
    organisation_id: str = ""
    sender_organisation_id: str = ""
    content_digest: str = ""
    business_type: str = ""
    released_early: bool = False
    refused_early: str = ""
    """The reason of a refusal that came before the delivery (rule 14)."""
    reason: str = ""
    """Why it was refused."""
    expires_at: int = 0
    """Unix ms; 0: never (rule 23)."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An organisation's deliveries, numbered in the order in which they became ready."""

    organisation_id: str
    last_number: int = 0


def decide_make(
    states: Mapping[str, Any], facts: RoutingFacts, command: MakeDeliveries
) -> Decision:
    """Rules 11-14."""
    made = []
    for recipient in command.recipients:
        organisation_id = recipient.organisation_id
        copy: Delivery = states[
            f"delivery/{delivery_id(command.brief.document_id, organisation_id)}"
        ]
        if copy.state:
            continue
        state, reason = _first_state(recipient.held, copy)
        ready = state == READY
        number = next_number(states, organisation_id) if ready else 0
        made.append(
            DeliveryMade(
                copy.delivery_id,
                organisation_id,
                state,
                number,
                recipient.code,
                reason,
                expires_at(facts) if ready else 0,
            )
        )
    if not made:
        return AlreadyDecided()
    return Decided((DeliveriesMade(command.brief, tuple(made)),))


def decide_release(
    states: Mapping[str, Any], facts: RoutingFacts, command: ReleaseDeliveries
) -> Decision:
    """Rules 12, 14 and 15."""
    released = []
    for organisation_id in command.organisation_ids:
        copy: Delivery = states[f"delivery/{delivery_id(command.document_id, organisation_id)}"]
        if copy.state == HELD:
            number = next_number(states, organisation_id)
            released.append(
                DeliveryReleased(copy.delivery_id, organisation_id, number, expires_at(facts))
            )
        elif not copy.state and not copy.released_early:
            released.append(DeliveryReleased(copy.delivery_id, organisation_id, 0))
    if not released:
        return AlreadyDecided()
    return Decided((DeliveriesReleased(command.document_id, tuple(released)),))


def decide_refuse(states: Mapping[str, Any], command: RefuseDeliveries) -> Decision:
    """Rules 14 and 15."""
    closed = [
        DeliveryClosed(copy.delivery_id, organisation_id)
        for organisation_id in command.organisation_ids
        if (copy := states[f"delivery/{delivery_id(command.document_id, organisation_id)}"]).state
        in ("", HELD)
        and not copy.refused_early
    ]
    if not closed:
        return AlreadyDecided()
    return Decided(
        (
            DeliveriesRefused(
                command.document_id, command.reason, tuple(closed), command.sender_organisation_id
            ),
        )
    )


def decide_acknowledge(
    states: Mapping[str, Any], facts: RoutingFacts, command: AcknowledgeDeliveries
) -> Decision:
    """Rules 16-18."""
    results: dict[str, str] = {}
    taken = []
    for each in command.delivery_ids:
        if each in results:
            continue
        copy: Delivery = states[f"delivery/{each}"]
        results[each] = _acknowledged(copy, command.organisation_id)
        if results[each] == HANDED_OVER:
            taken.append(
                HandOver(
                    each,
                    copy.document_id,
                    copy.sender_organisation_id,
                    copy.content_digest,
                    copy.business_type,
                    facts.level,
                )
            )
    answer = AcknowledgeAnswer(
        tuple(AcknowledgeResult(each, results[each]) for each in command.delivery_ids)
    )
    if not taken:
        return AlreadyDecided(answer)
    event = DeliveriesHandedOver(command.organisation_id, command.system_id, tuple(taken))
    return Decided((event,), answer)


def evolve_delivery(state: Delivery, event: Any) -> Delivery:
    """A delivery's way from made to handed over or refused."""
    match event:
        case DeliveriesMade():
            made = index_of(event).parts[state.delivery_id]
            return Delivery(
                state.delivery_id,
                made.state,
                event.brief.document_id,
                made.organisation_id,
                event.brief.sender_organisation_id,
                event.brief.content_digest,
                event.brief.business_type,
                reason=made.reason,
                expires_at=made.expires_at,
            )
        case DeliveriesReleased() if not state.state:
            return replace(state, released_early=True)
        case DeliveriesReleased() | DeliveriesReopened():
            opened = index_of(event).parts[state.delivery_id]
            return replace(state, state=READY, expires_at=opened.expires_at)
        case DeliveriesExpired():
            return replace(state, state=EXPIRED)
        case DeliveriesRefused():
            if state.state:
                return replace(state, state=REFUSED, reason=event.reason)
            return replace(state, refused_early=event.reason)
        case DeliveriesHandedOver():
            return replace(state, state=HANDED_OVER)
    return state


def evolve_mailbox(
    state: Mailbox, event: DeliveriesMade | DeliveriesReleased | DeliveriesReopened
) -> Mailbox:
    """The last number that the mailbox gave."""
    number = index_of(event).numbers[state.organisation_id]
    return replace(state, last_number=max(state.last_number, number))


def _first_state(held: bool, copy: Delivery) -> tuple[str, str]:
    """Rules 13 and 14: (state, reason)."""
    if copy.refused_early:
        return REFUSED, copy.refused_early
    if held and not copy.released_early:
        return HELD, ""
    return READY, ""


def expires_at(facts: RoutingFacts) -> int:
    """Rule 23: Unix ms at which a copy that becomes ready now expires; 0: never."""
    return facts.now + facts.expire_after_ms if facts.expire_after_ms else 0


def next_number(states: Mapping[str, Any], organisation_id: str) -> int:
    """Rule 12. A command names each organisation once, so one number each is enough."""
    mailbox: Mailbox = states[f"mailbox/{organisation_id}"]
    return mailbox.last_number + 1


def _acknowledged(copy: Delivery, organisation_id: str) -> str:
    """Rules 16 and 17."""
    if copy.organisation_id != organisation_id:
        return "unknown_delivery"
    if copy.state == READY:
        return HANDED_OVER
    if copy.state == HANDED_OVER:
        return "already_handed_over"
    return "delivery_not_ready" if copy.state == HELD else "delivery_closed"
