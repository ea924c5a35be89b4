"""A notification service in memory, and events of others as they stand in the log."""

from dataclasses import dataclass, field
from typing import Any

from docaxis_eventsourcing.decider import Decided, Decision, Moment
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.ports.event_log import Outgoing
from docaxis_notification.domain import aggregates, decide, evolve, initial, touched
from docaxis_notification.domain.messages import Command, MakeSubscription, QueueNotification
from docaxis_proto import routing_events_v1_pb2 as routing

NOW = 1_795_300_000_000
SENDER, RECIPIENT = "sender-organisation", "recipient-organisation"


def subscription(**others: Any) -> MakeSubscription:
    told: dict[str, Any] = {"subscription_id": "s", "system_id": "y", "url": "https://a.example/h"}
    return MakeSubscription(**{**told, **others})


def queued(**others: Any) -> QueueNotification:
    told: dict[str, Any] = {
        "subscription_id": "s",
        "notification_id": "n",
        "event_type": "delivery.ready",
        "organisation_id": RECIPIENT,
        "document_id": "d",
        "delivery_id": "v",
        "occurred_at": NOW,
    }
    return QueueNotification(**{**told, **others})


@dataclass
class Notifications:
    """Commands decided and folded as the processor does it."""

    states: dict[str, Any] = field(default_factory=dict)
    events: list[Any] = field(default_factory=list)

    def do(self, command: Command, now: int = NOW) -> Decision:
        named = {name: self.state(name) for name in aggregates(command)}
        decision = decide(named, Moment(now, "c"), command)
        if isinstance(decision, Decided):
            for event in decision.events:
                self.events.append(event)
                assert set(touched(event)) <= set(named), "the processor has loaded nothing else"
                for name in touched(event):
                    self.states[name] = evolve(self.state(name), event)
        return decision

    def state(self, name: str) -> Any:
        return self.states.get(name, initial(name))


def recorded(event: Any, topic: str, sequence: int, partition: int = 0) -> Outgoing:
    name = event.DESCRIPTOR.full_name
    id = derived_id("sample", name, sequence, event.SerializeToString(deterministic=True))
    envelope = Envelope(id=id, type=name, source=topic, time=NOW, sequence=sequence, epoch=1)
    return Outgoing(topic, partition, Message(envelope, event.SerializeToString()))


def brief(document_id: str = "d") -> routing.DocumentBrief:
    return routing.DocumentBrief(document_id=document_id, sender_organisation_id=SENDER)


def deliveries_made(count: int = 1, state: str = "ready") -> routing.DeliveriesMade:
    return routing.DeliveriesMade(
        brief=brief(),
        deliveries=[
            routing.DeliveryMade(
                delivery_id=f"v{number}",
                organisation_id=RECIPIENT,
                state=state,
                mailbox_number=number + 1,
            )
            for number in range(count)
        ],
    )
