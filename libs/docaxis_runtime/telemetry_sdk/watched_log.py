"""The log, watched: what a part takes in one poll and writes of it is one span for each trace.

A span begins with the poll that brought the batch and ends when what follows is durable; its
outputs carry its `traceparent` on. So the parts of the kernel know nothing of telemetry, and a
slice of 500 deliveries is as many spans as one delivery (L9). What a poll brought is kept in a
context variable: parts append and commit in the task that polled, or in tasks begun there.
"""

import re
import weakref
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from time import time_ns

from opentelemetry.trace import SpanKind

from docaxis_eventsourcing.envelope import Message
from docaxis_eventsourcing.outcomes import DIED_TYPE
from docaxis_eventsourcing.ports.event_log import (
    Batch,
    Consumer,
    EventLog,
    Outgoing,
    Polled,
    Position,
    Tail,
    TopicPartition,
)
from docaxis_runtime.telemetry_sdk.consumer_lag import ConsumerLags
from docaxis_runtime.telemetry_sdk.measures import Measures
from docaxis_runtime.telemetry_sdk.services import ServiceSpans
from docaxis_runtime.telemetry_sdk.span_budget import SpanBudget
from docaxis_runtime.telemetry_sdk.spans import OpenSpan, is_sampled

MOST_SPANS = 6
"""Of one trace and one part."""
_NAMED_TYPES = 3
_BUILD = re.compile(r"_v\d+_g\d+$")


class Taken:
    """What a poll brought to a part, and when (Unix ns)."""

    __slots__ = ("at", "batch", "consumer")

    def __init__(self, consumer: "WatchedConsumer", batch: Batch, at: int) -> None:
        self.consumer = consumer
        self.batch = batch
        self.at = at


_taken: ContextVar[Taken | None] = ContextVar("docaxis_taken", default=None)


def taken() -> Taken | None:
    """What the running task works on; None outside of parts."""
    return _taken.get()


class Group:
    """A consumer group by its name: whose it is and what it does."""

    __slots__ = ("name", "service", "verb")

    def __init__(self, name: str) -> None:
        self.name = name.removeprefix("docaxis.")
        service, _, rest = self.name.partition(".")
        if service == "view":
            # Without the build, of which there may be many: names are few.
            self.service = rest.partition("_")[0]
            self.verb = f"project {_BUILD.sub('', rest)}"
        elif rest == "processor":
            self.service, self.verb = service, "decide"
        else:
            kind, _, which = rest.partition(".")
            self.service = service
            self.verb = f"{'react' if kind == 'reactions' else 'effect'} {which}"


class WatchedLog:
    """An `EventLog` that records what goes through it."""

    def __init__(self, log: EventLog, services: ServiceSpans, measures: Measures) -> None:
        self._inner = log
        self._services = services
        self._measures = measures
        self._consumers: weakref.WeakSet[WatchedConsumer] = weakref.WeakSet()
        self._lags = ConsumerLags(log, self._consumers, measures)

    @property
    def partitions(self) -> int:
        """Of every topic."""
        return self._inner.partitions

    @property
    def epoch(self) -> int:
        """Of the log."""
        return self._inner.epoch

    async def declare(self, topics: Sequence[str], kept_s: float | None = None) -> None:
        """As the log does."""
        await self._inner.declare(topics, kept_s)

    async def trim(self, topic: str, partition: int, before: Position) -> None:
        """As the log does."""
        await self._inner.trim(topic, partition, before)

    async def append(self, outputs: Sequence[Outgoing]) -> None:
        """As the log does; what a part appends is one span for each trace."""
        at = _taken.get()
        if at is None:
            await self._inner.append(outputs)
            return
        spans, outputs = at.consumer.follow(outputs, at)
        try:
            await self._inner.append(outputs)
        except BaseException as error:
            _end(spans, repr(error))
            raise
        _end(spans)

    async def end(self, topic: str, partition: int) -> Position:
        """As the log does."""
        return await self._inner.end(topic, partition)

    async def settled(self, topic: str, partition: int) -> Position:
        """As the log does."""
        return await self._inner.settled(topic, partition)

    def tail(self, topic: str, start: Mapping[int, Position]) -> Tail:
        """As the log does."""
        return self._inner.tail(topic, start)

    async def join(
        self,
        group: str,
        topics: Sequence[str],
        *,
        transactional: bool = False,
        at_most: Mapping[str, int] | None = None,
    ) -> Consumer:
        """A member whose batches are watched."""
        inner = await self._inner.join(group, topics, transactional=transactional, at_most=at_most)
        consumer = WatchedConsumer(inner, Group(group), topics, self._services, self._measures)
        self._consumers.add(consumer)
        if transactional:
            self._measures.of_service(consumer.group.service)
        self._lags.begin()
        return consumer

    async def close(self) -> None:
        """As the log does."""
        await self._lags.end()
        await self._inner.close()


class WatchedConsumer:
    """A `Consumer` that records what it brings and what is committed of it."""

    def __init__(
        self,
        consumer: Consumer,
        group: Group,
        topics: Sequence[str],
        services: ServiceSpans,
        measures: Measures,
    ) -> None:
        self.group = group
        self.topics = tuple(topics)
        self._started: set[int] = set()
        self._stopped: dict[int, dict[str, int]] = {}
        self.budget = SpanBudget(MOST_SPANS)
        self.spans = services.of(group.service)
        self._inner = consumer
        self._measures = measures

    async def poll(self, limit: int, wait_s: float) -> Polled:
        """As the consumer does; what it brought is what this task works on from here."""
        polled = await self._inner.poll(limit, wait_s)
        if polled.assigned or polled.revoked:
            for partition in polled.revoked | polled.assigned:
                self._started.discard(partition)
                self._stopped.pop(partition, None)
        if polled.batch is not None:
            _taken.set(Taken(self, polled.batch, time_ns()))
        return polled

    async def committed(self, partition: int) -> Mapping[str, Position]:
        """As the consumer does."""
        return await self._inner.committed(partition)

    def start(self, partition: int, at: Mapping[str, Position] | None = None) -> None:
        """As the consumer does."""
        self._inner.start(partition, at)
        self._started.add(partition)
        self._stopped.pop(partition, None)

    def stop(self, partition: int) -> None:
        """As the consumer does; how far it came is still told."""
        if partition in self._started:
            self._stopped[partition] = self._places(partition)
            self._started.discard(partition)
        self._inner.stop(partition)

    def reached(self, topic: str, partition: int) -> Position:
        """As the consumer does."""
        return self._inner.reached(topic, partition)

    async def commit(self, batch: Batch, outputs: Sequence[Outgoing]) -> Sequence[Position]:
        """As the consumer does; the decisions are one span for each trace, and are counted."""
        at = _taken.get()
        spans: list[OpenSpan] = []
        if at is not None and at.consumer is self:
            spans, outputs = self.follow(outputs, at)
        try:
            places = await self._inner.commit(batch, outputs)
        except BaseException as error:
            _end(spans, repr(error))
            raise
        _end(spans)
        self._measures.written(self.group.service, outputs)
        for output in outputs:
            if output.message.envelope.type == DIED_TYPE:
                self._died(output, batch)
        return places

    async def progress(self, positions: Mapping[TopicPartition, Position]) -> None:
        """As the consumer does."""
        await self._inner.progress(positions)

    async def rewind(self, batch: Batch) -> None:
        """As the consumer does."""
        await self._inner.rewind(batch)

    async def close(self) -> None:
        """As the consumer does."""
        self._started.clear()
        self._stopped.clear()
        await self._inner.close()

    def places(self) -> dict[int, dict[str, int]]:
        """How far this member came, by partition and topic; one that was stopped counts, too."""
        return {
            **self._stopped,
            **{partition: self._places(partition) for partition in self._started},
        }

    def _places(self, partition: int) -> dict[str, int]:
        return {topic: self._inner.reached(topic, partition).place for topic in self.topics}

    def follow(
        self, outputs: Sequence[Outgoing], at: Taken
    ) -> tuple[list[OpenSpan], Sequence[Outgoing]]:
        """Begin a span for each sampled trace, and let its outputs follow from it."""
        found: dict[str, OpenSpan | None] = {}
        followed = list(outputs)
        for index, output in enumerate(outputs):
            envelope = output.message.envelope
            traceparent = envelope.traceparent
            if not is_sampled(traceparent):
                continue
            trace_id = traceparent[3:35]
            if trace_id not in found:
                found[trace_id] = self.begin(trace_id, traceparent, at)
            span = found[trace_id]
            if span is None:
                continue
            _count(span, output)
            message = Message(replace(envelope, traceparent=span.traceparent), output.message.data)
            followed[index] = Outgoing(output.topic, output.partition, message)
        return [span for span in found.values() if span is not None], followed

    def begin(self, trace_id: str, traceparent: str, at: Taken) -> OpenSpan | None:
        """A span of this part for a trace, from the poll on; None where it has enough of them."""
        if not self.budget.takes(trace_id):
            return None
        span = self.spans.begin("", traceparent, SpanKind.CONSUMER, started=at.at)
        types: dict[str, None] = {}
        records = 0
        for record in at.batch.records:
            if record.envelope.traceparent[3:35] == trace_id:
                records += 1
                types[_short(record.envelope.type)] = None
        named = [*types][:_NAMED_TYPES]
        span.name = " ".join((self.group.verb, *named)) if named else self.group.verb
        span.attributes["messaging.consumer.group.name"] = self.group.name
        span.attributes["docaxis.records"] = records
        return span

    def _died(self, output: Outgoing, batch: Batch) -> None:
        """A dead command is a failure of its trace, sampled or not (T2)."""
        cause = output.message.envelope
        span = self.spans.begin("command died", cause.traceparent, SpanKind.CONSUMER)
        span.attributes["docaxis.command_id"] = cause.causation_id
        for record in batch.records:
            if record.envelope.id == cause.causation_id:
                span.attributes["docaxis.command"] = _short(record.envelope.type)
        span.end("command_dead")


def _count(span: OpenSpan, output: Outgoing) -> None:
    key = f"docaxis.wrote.{_short(output.message.envelope.type)}"
    before = span.attributes.get(key, 0)
    span.attributes[key] = before + 1 if isinstance(before, int) else 1


def _short(type_name: str) -> str:
    return type_name.rpartition(".")[2]


def _end(spans: Sequence[OpenSpan], error: str = "") -> None:
    for span in spans:
        span.end(error)
