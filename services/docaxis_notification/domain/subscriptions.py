"""Subscriptions: the aggregate `subscription/<id>` and rules 1-4 (see the package)."""

from dataclasses import dataclass, replace

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused
from docaxis_notification.domain.messages import (
    EndSubscription,
    MakeSubscription,
    SubscriptionEnded,
    SubscriptionEvent,
    SubscriptionMade,
)

EVENT_TYPES = (
    "document.accepted",
    "document.verified",
    "delivery.ready",
    "delivery.refused",
    "delivery.handed_over",
    "delivery.expired",
    "status.reported",
)
"""The public event types."""
MOST_ORGANISATIONS = 500
LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """One subscription; without a system it was never made."""

    subscription_id: str
    system_id: str = ""
    url: str = ""
    organisation_ids: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    ended: bool = False

    @property
    def active(self) -> bool:
        """Whether it is told anything."""
        return bool(self.system_id) and not self.ended

    def wants(self, event_type: str, organisation_id: str) -> bool:
        """Rule 5."""
        return (
            self.active
            and (not self.event_types or event_type in self.event_types)
            and (not self.organisation_ids or organisation_id in self.organisation_ids)
        )


def fault_in(command: MakeSubscription) -> Refused | None:
    """Rule 2: why a subscription cannot be made; the door asks too, before it stores a secret."""
    if not 0 < len(command.url) <= LONGEST_URL:
        return Refused("url_invalid", pointer="/url")
    if len(command.organisation_ids) > MOST_ORGANISATIONS:
        params = {"field": "organisations", "limit": str(MOST_ORGANISATIONS)}
        return Refused("too_many_items", params, "/organisations")
    if len(command.event_types) > len(EVENT_TYPES):
        params = {"field": "event_types", "limit": str(len(EVENT_TYPES))}
        return Refused("too_many_items", params, "/event_types")
    for place, event_type in enumerate(command.event_types):
        if event_type not in EVENT_TYPES:
            params = {"field": "event_types", "expected": ", ".join(EVENT_TYPES)}
            return Refused("field_invalid", params, f"/event_types/{place}")
    return None


def make(state: SubscriptionState, command: MakeSubscription) -> Decision:
    """Rules 1-3."""
    if state.system_id != command.system_id and state.system_id:
        return Refused("unknown_subscription")
    if state.ended:
        return Refused("unknown_subscription")
    if state.system_id:
        return AlreadyDecided()
    return fault_in(command) or Decided(
        (
            SubscriptionMade(
                command.subscription_id,
                command.system_id,
                command.url,
                command.organisation_ids,
                command.event_types,
            ),
        )
    )


def end(state: SubscriptionState, command: EndSubscription) -> Decision:
    """Rule 4."""
    if not state.system_id or state.system_id != command.system_id:
        return Refused("unknown_subscription")
    if state.ended:
        return AlreadyDecided()
    return Decided((SubscriptionEnded(command.subscription_id),))


def evolve(state: SubscriptionState, event: SubscriptionEvent) -> SubscriptionState:
    """One subscription after an event."""
    match event:
        case SubscriptionMade():
            return replace(
                state,
                system_id=event.system_id,
                url=event.url,
                organisation_ids=event.organisation_ids,
                event_types=event.event_types,
            )
        case SubscriptionEnded():
            return replace(state, ended=True)
