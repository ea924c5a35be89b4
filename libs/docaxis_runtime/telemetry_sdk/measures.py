"""The instruments: what is counted and measured, and from which events.

What happened is counted once it is durable, by the part that decided it; a command that comes again
writes no event and counts once. `docs/how-to/read-the-metrics.md` says what each means.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from docaxis_eventsourcing.outcomes import DIED_TYPE
from docaxis_eventsourcing.ports.event_log import Outgoing
from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_proto import signature_events_v1_pb2 as signature
from docaxis_proto import status_events_v1_pb2 as status
from docaxis_runtime.telemetry import Answered, Duration

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Bounds in seconds of requests and calls."""
_SLOW = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 8 * 3600.0, 86_400.0, 3 * 86_400.0)
"""Bounds in seconds of what people do."""


class Lag(NamedTuple):
    """Of which group, in which topic."""

    service: str
    group: str
    topic: str


def _one(_: bytes) -> int:
    return 1


def _length(message: Any, name: str) -> Callable[[bytes], int]:
    def count(data: bytes) -> int:
        return len(getattr(message.FromString(data), name))

    return count


def _full_name(message: Any) -> str:
    return str(message.DESCRIPTOR.full_name)


class Measures:
    """All figures of one process. `written` is called with each commit, so it looks types up."""

    def __init__(self, meter: Meter) -> None:
        accepted = meter.create_counter(
            "docaxis.documents.accepted", "{document}", "Documents taken, each counted once."
        )
        made = meter.create_counter(
            "docaxis.deliveries.made", "{delivery}", "Copies made, one for each recipient."
        )
        handed = meter.create_counter(
            "docaxis.deliveries.handed_over", "{delivery}", "Copies that recipients acknowledged."
        )
        statuses = meter.create_counter(
            "docaxis.statuses.reported",
            "{status}",
            "Statuses of deliveries, the axis's own 01 included.",
        )
        verdicts = meter.create_counter(
            "docaxis.documents.verified", "{document}", "Verdicts on documents' signatures."
        )
        self._dead = meter.create_counter(
            "docaxis.commands.dead", "{command}", "Commands that failed while being decided (L22)."
        )
        self._events = meter.create_counter(
            "docaxis.events.written", "{event}", "Events of each service."
        )
        self._requests = meter.create_histogram(
            "docaxis.request.duration",
            "s",
            "Requests of REST and the public gRPC, by route and status.",
            explicit_bucket_boundaries_advisory=_FAST,
        )
        self._calls = meter.create_histogram(
            "docaxis.call.duration",
            "s",
            "Calls of services' methods, by code.",
            explicit_bucket_boundaries_advisory=_FAST,
        )
        bounds = {Duration.VERIFICATION: _FAST}
        self._durations = {
            each: meter.create_histogram(
                each, "s", explicit_bucket_boundaries_advisory=bounds.get(each, _SLOW)
            )
            for each in Duration
        }
        meter.create_observable_gauge(
            "docaxis.consumer.lag",
            [self._observe],
            "{record}",
            "Records that a part has still to take.",
        )
        self.lags: Mapping[Lag, int] = {}
        self._counted = {
            _full_name(routing.DocumentSubmitted): (accepted, _one),
            _full_name(routing.DeliveriesMade): (
                made,
                _length(routing.DeliveriesMade, "deliveries"),
            ),
            _full_name(routing.DeliveriesHandedOver): (
                handed,
                _length(routing.DeliveriesHandedOver, "deliveries"),
            ),
            _full_name(status.StatusesReported): (
                statuses,
                _length(status.StatusesReported, "statuses"),
            ),
            _full_name(signature.DocumentVerified): (verdicts, _one),
        }
        for counter, _ in self._counted.values():
            counter.add(0)  # a counter that is not there yet looks like a service that is not

    def of_service(self, service: str) -> None:
        """Show a service's own counters from the first moment."""
        for counter in (self._dead, self._events):
            counter.add(0, {"service": service})

    def written(self, service: str, outputs: Sequence[Outgoing]) -> None:
        """Count what a commit wrote."""
        events = dead = 0
        counts: dict[str, int] = {}
        for output in outputs:
            envelope = output.message.envelope
            if not envelope.sequence:
                continue  # an outcome
            events += 1
            name = envelope.type
            if name == DIED_TYPE:
                dead += 1
            elif name in self._counted:
                counts[name] = counts.get(name, 0) + self._counted[name][1](output.message.data)
        if events:
            self._events.add(events, {"service": service})
        if dead:
            self._dead.add(dead, {"service": service})
        for name, count in counts.items():
            self._counted[name][0].add(count)

    def request(self, answered: Answered, seconds: float) -> None:
        """A request was answered; codes are in the traces and log lines, not here."""
        labels = {
            "method": answered.method,
            "route": answered.route or "none",
            "status": str(answered.status),
        }
        self._requests.record(seconds, labels)

    def call(self, method: str, code: str, seconds: float) -> None:
        """A call was answered; `code` is that of the refusal, or `ok`."""
        self._calls.record(seconds, {"method": method, "code": code})

    def duration(self, what: Duration, seconds: float, outcome: str) -> None:
        """Something took its time."""
        self._durations[what].record(seconds, {"outcome": outcome} if outcome else {})

    def _observe(self, _: CallbackOptions) -> Iterable[Observation]:
        return [
            Observation(behind, {"service": lag.service, "group": lag.group, "topic": lag.topic})
            for lag, behind in self.lags.items()
        ]
