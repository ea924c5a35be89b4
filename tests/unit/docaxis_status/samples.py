"""Ids and messages that the tests of status share; ids are computed as routing computes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from docaxis_eventsourcing.decider import Decided, Decision
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_status.domain import evolve, initial
from docaxis_status.domain.deliveries import Delivery, aggregates, decide, touched
from docaxis_status.domain.holders import Facts, Holder
from docaxis_status.domain.messages import (
    Command,
    DeliveryOpened,
    Event,
    OpenTimelines,
    ReportAnswer,
    ReportStatuses,
    Status,
    StatusesHeld,
    StatusesReported,
)

SENDER, RECIPIENT, OTHER = (derived_id("organisation", name) for name in ("s", "r", "o"))
DOCUMENT = derived_id("document", 1)
DELIVERY = delivery_id(DOCUMENT, RECIPIENT)
SYSTEM = derived_id("system", 1)


def status(code: str, report_id: str = "report-1", **given: str) -> Status:
    fields: dict[str, Any] = {
        "delivery_id": DELIVERY,
        "document_id": "",
        "source": "recipient",
        "claimed_at": "",
        "reason_digest": "",
        "system_id": SYSTEM,
        "sender_organisation_id": "",
        **given,
    }
    return Status(code=code, report_id=report_id, **fields)


def opened(document_id: str = DOCUMENT, organisation_id: str = RECIPIENT) -> DeliveryOpened:
    return DeliveryOpened(
        delivery_id=delivery_id(document_id, organisation_id),
        document_id=document_id,
        organisation_id=organisation_id,
        sender_organisation_id=SENDER,
        code="H29",
    )


def opening(*deliveries: DeliveryOpened) -> OpenTimelines:
    return OpenTimelines(deliveries or (opened(),))


def report(*statuses: Status, organisation_id: str = RECIPIENT) -> ReportStatuses:
    return ReportStatuses(organisation_id, SYSTEM, statuses)


class Timelines:
    """Decides commands one after another, as a processor does: states in memory, events kept."""

    def __init__(self, most_held: int = 10_000) -> None:
        self.states: dict[str, Delivery | Holder] = {}
        self.most_held = most_held
        self.events: list[Event] = []

    def give(self, command: Command) -> Decision:
        states: Mapping[str, Delivery | Holder] = {
            name: self.states.get(name, initial(name)) for name in aggregates(command)
        }
        decision = decide(states, Facts(0, "command", self.most_held), command)
        for event in decision.events if isinstance(decision, Decided) else ():
            self.fold(event)
        return decision

    def results(self, command: Command) -> list[str]:
        decision = self.give(command)
        answer = getattr(decision, "answer", None)
        assert isinstance(answer, ReportAnswer)
        return [each.result for each in answer.results]

    def fold(self, event: Event) -> None:
        self.events.append(event)
        for name in touched(event):
            self.states[name] = evolve(self.states.get(name, initial(name)), event)

    def statuses(self, kind: type[StatusesReported | StatusesHeld]) -> list[Status]:
        return [each for event in self.events if isinstance(event, kind) for each in event.statuses]


def folded(events: Iterable[Event]) -> dict[str, Delivery | Holder]:
    again = Timelines()
    for event in events:
        again.fold(event)
    return again.states
