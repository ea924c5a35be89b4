"""Whether the events of all services are without gap, repeat and stranger, read from the log."""

from collections import Counter
from collections.abc import Sequence

from docaxis_adapters.kafka_log import KafkaEventLog, KafkaSettings
from docaxis_eventsourcing.ports.event_log import START, Position, Recorded
from tools.cluster.service_process import SERVICES

_AT_ONCE = 1000
_WAIT_S = 1.0


class EventsChecker:
    """Goes on where its last check ended; remembers the ids of all events that it ever saw."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._reached: dict[tuple[str, int], Position] = {}
        self._versions: dict[tuple[str, int], int] = {}
        self._ids: set[str] = set()
        self.types: Counter[str] = Counter()
        """How many events of each type there are."""
        self.farthest_s: dict[str, float] = {}
        """By service: how far the time of an event and that of its record ever lay apart."""

    async def check(self) -> int:
        """In each partition versions run from 1 without gap or repeat; ids are unique anywhere.

        Returns how many events there are. Raises `AssertionError` with what is wrong.
        """
        settings = KafkaSettings(kafka_servers=self._bootstrap)
        log = await KafkaEventLog.open(
            settings, replica="events-checker", partitions=self._partitions
        )
        try:
            wrong = [each for name in SERVICES for each in await self._check_topic(log, name)]
        finally:
            await log.close()
        assert wrong == [], f"{len(wrong)} wrong events, first {wrong[:20]}"
        return len(self._ids)

    async def _check_topic(self, log: KafkaEventLog, service: str) -> list[str]:
        topic = f"docaxis.{service}.events"
        partitions = range(self._partitions)
        ends = {each: await log.end(topic, each) for each in partitions}
        starts = {each: self._reached.get((topic, each), START) for each in partitions}
        tail = log.tail(topic, starts)
        wrong: list[str] = []
        try:
            while any(tail.reached(each).place < ends[each].place for each in partitions):
                wrong += self._wrong(await tail.next(_AT_ONCE, _WAIT_S))
            self._reached.update({(topic, each): tail.reached(each) for each in partitions})
        finally:
            await tail.close()
        return wrong

    def _wrong(self, records: Sequence[Recorded]) -> list[str]:
        wrong = []
        for record in records:
            envelope, at = record.envelope, (record.topic, record.partition)
            expected = self._versions.get(at, 0) + 1
            told = f"{record.topic}/{record.partition} version {envelope.sequence} {envelope.type}"
            if envelope.sequence != expected:
                wrong.append(f"{told}: expected {expected}")
            if envelope.id in self._ids:
                wrong.append(f"{told}: its id is there twice")
            self._ids.add(envelope.id)
            self.types[envelope.type] += 1
            apart = abs(record.time - envelope.time) / 1000
            service = envelope.source.rpartition("/")[2]
            self.farthest_s[service] = max(apart, self.farthest_s.get(service, 0.0))
            self._versions[at] = envelope.sequence
        return wrong
