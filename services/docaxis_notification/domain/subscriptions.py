"""Subscriptions: the aggregate `subscription/<id>` and rules 1-4 and 11-13 (see the package)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, NotYet, Refused, Timer
from docaxis_notification.domain.messages import (
    AskReplay,
    ChangeSubscription,
    EndSubscription,
    ExpireSecret,
    MakeSubscription,
    ReplayAsked,
    RotateSecret,
    SecretExpired,
    SecretRotated,
    SubscriptionChanged,
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
DOCUMENT_TYPES = (1, 2)
"""Groups of document types: normative, administrative (Decree 30/2020)."""
MOST_ORGANISATIONS = 500
LONGEST_URL = 2000
HELD, GIVEN_UP = "held", "given_up"
EVERY_NUMBER = 2**62
LONGEST_OVERLAP = 7 * 86_400_000
"""Milliseconds for which an old secret may sign beside the new one."""


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """One subscription; without a system it was never made."""

    subscription_id: str
    system_id: str = ""
    url: str = ""
    organisation_ids: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    ended: bool = False
    document_types: tuple[int, ...] = ()
    paused: bool = False
    secret_id: str = ""
    """Which secret signs; empty: the one it was made with."""
    previous_secret_id: str = ""
    previous_until: int = 0
    """Unix ms until which the secret before signs too; 0: there is none."""

    @property
    def active(self) -> bool:
        """Whether it stands; a paused one does."""
        return bool(self.system_id) and not self.ended

    @property
    def secret_ids(self) -> tuple[str, ...]:
        """The secrets that sign, newest first."""
        before = (self.previous_secret_id,) if self.previous_until else ()
        return (self.secret_id, *before)

    def wants(self, event_type: str, organisation_id: str, document_type: int = 0) -> bool:
        """Rule 5. What is not known to be of another type is told."""
        return (
            self.active
            and (not self.event_types or event_type in self.event_types)
            and (not self.organisation_ids or organisation_id in self.organisation_ids)
            and (
                not self.document_types or not document_type or document_type in self.document_types
            )
        )


def fault_in(command: MakeSubscription | ChangeSubscription) -> Refused | None:
    """Rule 2: why a subscription cannot be; the door asks too, before it stores a secret."""
    if not 0 < len(command.url) <= LONGEST_URL:
        return Refused("url_invalid", pointer="/url")
    if len(command.organisation_ids) > MOST_ORGANISATIONS:
        params = {"field": "organisations", "limit": str(MOST_ORGANISATIONS)}
        return Refused("too_many_items", params, "/organisations")
    return _fault_in_list("event_types", command.event_types, EVENT_TYPES) or _fault_in_list(
        "document_types", command.document_types, DOCUMENT_TYPES
    )


def _fault_in_list(
    field: str, told: Sequence[object], possible: Sequence[object]
) -> Refused | None:
    if len(told) > len(possible):
        return Refused("too_many_items", {"field": field, "limit": str(len(possible))}, f"/{field}")
    for place, each in enumerate(told):
        if each not in possible:
            expected = ", ".join(str(one) for one in possible)
            return Refused(
                "field_invalid", {"field": field, "expected": expected}, f"/{field}/{place}"
            )
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
                command.document_types,
            ),
        )
    )


def change(state: SubscriptionState, command: ChangeSubscription) -> Decision:
    """Rules 2 and 11."""
    if not _own(state, command.system_id):
        return Refused("unknown_subscription")
    if fault := fault_in(command):
        return fault
    changed = SubscriptionChanged(
        command.subscription_id,
        command.url,
        command.organisation_ids,
        command.event_types,
        command.document_types,
        command.paused,
    )
    if evolve(state, changed) == state:
        return AlreadyDecided()
    if state.paused and not command.paused:
        return Decided((changed, ReplayAsked(command.subscription_id, HELD, 0, EVERY_NUMBER)))
    return Decided((changed,))


def end(state: SubscriptionState, command: EndSubscription) -> Decision:
    """Rule 4."""
    if not state.system_id or state.system_id != command.system_id:
        return Refused("unknown_subscription")
    if state.ended:
        return AlreadyDecided()
    return Decided((SubscriptionEnded(command.subscription_id),))


def rotate(state: SubscriptionState, command: RotateSecret, now: int) -> Decision:
    """Rule 12."""
    if not _own(state, command.system_id):
        return Refused("unknown_subscription")
    if command.secret_id in state.secret_ids:
        return AlreadyDecided()
    overlap = max(0, min(command.overlap, LONGEST_OVERLAP))
    return Decided(
        (
            SecretRotated(
                command.subscription_id,
                command.secret_id,
                state.secret_id,
                now + overlap,
                state.previous_secret_id,
                bool(state.previous_until),
            ),
        )
    )


def expire(state: SubscriptionState, command: ExpireSecret, now: int) -> Decision:
    """Rule 12."""
    if not state.previous_until or command.secret_id != state.previous_secret_id:
        return AlreadyDecided()
    if now < state.previous_until:
        return NotYet()
    return Decided((SecretExpired(command.subscription_id, command.secret_id),))


def ask_replay(state: SubscriptionState, command: AskReplay) -> Decision:
    """Rule 13."""
    if not state.active or command.system_id not in ("", state.system_id):
        return Refused("unknown_subscription")
    upto = command.upto or EVERY_NUMBER
    return Decided((ReplayAsked(command.subscription_id, command.state, command.after, upto),))


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
                document_types=event.document_types,
            )
        case SubscriptionChanged():
            return replace(
                state,
                url=event.url,
                organisation_ids=event.organisation_ids,
                event_types=event.event_types,
                document_types=event.document_types,
                paused=event.paused,
            )
        case SubscriptionEnded():
            return replace(state, ended=True)
        case SecretRotated():
            return replace(
                state,
                secret_id=event.secret_id,
                previous_secret_id=event.previous_secret_id,
                previous_until=event.previous_until,
            )
        case SecretExpired():
            return replace(state, previous_secret_id="", previous_until=0)
        case ReplayAsked():
            return state


def timer(state: SubscriptionState) -> Timer | None:
    """Rule 12: the end of an overlap."""
    if not state.previous_until or not state.active:
        return None
    command = ExpireSecret(state.subscription_id, state.previous_secret_id)
    return Timer(state.previous_until, command)


def _own(state: SubscriptionState, system_id: str) -> bool:
    return state.active and state.system_id == system_id
