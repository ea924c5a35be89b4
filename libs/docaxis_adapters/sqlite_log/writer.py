"""The one thread that writes: group commit of everything that waits, one COMMIT, one wake-up.

A job whose guard fails (a fenced consumer) fails alone, before any of it is written. When the
disk refuses a transaction, its jobs are tried one by one, so that a large one does not take the
small ones with it. Nothing is resolved and nothing is visible before COMMIT returned.
"""

import sqlite3
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import time

from docaxis_adapters.batch_thread import BatchThread, Job
from docaxis_adapters.sqlite_file import connect, insert_many, transaction, unavailable
from docaxis_adapters.sqlite_log.listeners import Listeners
from docaxis_adapters.sqlite_log.record_codec import encode_envelope
from docaxis_adapters.sqlite_log.removal import Removal, RemoveJob
from docaxis_adapters.sqlite_log.schema import Head, place_of
from docaxis_adapters.sqlite_log.streams import Streams
from docaxis_adapters.sqlite_log.unkindness import Unkindness
from docaxis_eventsourcing.errors import Fenced
from docaxis_eventsourcing.ports.event_log import Outgoing, Position, Recorded

Encoded = tuple[int, bytes, Outgoing]


class WriteJob(Job[list[Position]]):
    """Outputs, a group's positions and topics to write in one step, where `guard` allows.

    Topics are given with their `kept_ms`, and only what nobody has declared yet is written. The
    job's result is the position behind each output, in their order. An empty job is a barrier:
    when it is done, every job before it is done, too.
    """

    __slots__ = ("group", "guard", "outputs", "positions", "topics")

    def __init__(
        self,
        streams: Streams,
        outputs: Sequence[Outgoing] = (),
        *,
        topics: Mapping[str, int] | None = None,
        group: str = "",
        positions: Mapping[int, Position] | None = None,
        guard: Callable[[], bool] | None = None,
    ) -> None:
        """Encode on the caller's side: the writer shall spend its time on the disk."""
        super().__init__()
        self.outputs: list[Encoded] = [
            (streams.number(out.topic, out.partition), encode_envelope(out.message.envelope), out)
            for out in outputs
        ]
        self.topics = topics or {}
        self.group = group
        self.positions = positions or {}
        self.guard = guard


@dataclass(slots=True)
class _Plan:
    """One transaction: what it inserts, and what becomes known when it is committed."""

    rows: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)
    heads: dict[int, Head] = field(default_factory=dict)
    records: dict[int, list[Recorded]] = field(default_factory=dict)
    positions: dict[tuple[str, int], Position] = field(default_factory=dict)
    topics: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rows or self.positions or self.topics)


class Writer(BatchThread[WriteJob | RemoveJob, sqlite3.Connection]):
    """See the module."""

    def __init__(
        self,
        file: Path,
        synchronous: str,
        streams: Streams,
        listeners: Listeners,
        *,
        unkindness: Unkindness | None = None,
        clock: Callable[[], float] = time,
        connecting: Callable[[Path, str], sqlite3.Connection] = connect,
    ) -> None:
        super().__init__("log writer")
        self._connect = partial(connecting, file, synchronous)
        self._streams = streams
        self._listeners = listeners
        self._unkindness = unkindness
        self._clock = clock
        self._removal = Removal(streams, clock)
        self._seen: set[int] = set()

    def setup(self) -> sqlite3.Connection:
        """The connection that writes."""
        return self._connect()

    def teardown(self, context: sqlite3.Connection) -> None:
        """Hidden records are durable: the next start shows them."""
        context.close()

    def due_in_s(self) -> float:
        """When hidden records of the unkind mode are to be seen, or old ones to be removed."""
        reveal, removal = self._streams.next_reveal_in_s(), self._removal.due_in_s()
        return removal if reveal is None else min(reveal, removal)

    def news(self) -> dict[AbstractEventLoop, Callable[[], None]]:
        """Ring for the streams in which there is something new to see."""
        seen, self._seen = self._seen, set()
        return self._listeners.news(seen)

    def run(self, context: sqlite3.Connection, jobs: Sequence[WriteJob | RemoveJob]) -> None:
        """Write the jobs in as few transactions as the disk allows, then remove a little."""
        self._seen.update(self._streams.reveal())
        self._write_all(context, [job for job in jobs if isinstance(job, WriteJob)])
        self._removal.run(context, [job for job in jobs if isinstance(job, RemoveJob)])

    def _write_all(self, context: sqlite3.Connection, jobs: Sequence[WriteJob]) -> None:
        try:
            if jobs:
                self._write(context, jobs)
        except sqlite3.Error as error:
            if len(jobs) == 1:
                jobs[0].error = unavailable(error)
                return
            for job in jobs:
                if job.error is None:
                    self._write_all(context, [job])

    def _write(self, connection: sqlite3.Connection, jobs: Sequence[WriteJob]) -> None:
        plan = _Plan()
        now = int(self._clock() * 1000)
        for job in jobs:
            if job.guard is None or job.guard():
                self._add(plan, job, now)
            else:
                job.error = Fenced("a partition of this batch has changed hands since its poll")
        if not plan:
            return
        with transaction(connection):
            insert_many(connection, "INSERT INTO record VALUES {}".format, plan.rows)
            insert_many(
                connection,
                "INSERT OR REPLACE INTO progress VALUES {}".format,
                [(*key, *position) for key, position in plan.positions.items()],
            )
            insert_many(
                connection,
                "INSERT OR REPLACE INTO topic VALUES {}".format,
                [(number, name, kept_ms) for name, (number, kept_ms) in plan.topics.items()],
            )
        self._publish(plan)

    def _add(self, plan: _Plan, job: WriteJob, now: int) -> None:
        streams = self._streams
        job.result = []
        for stream, envelope, out in job.outputs:
            head = plan.heads.get(stream) or streams.heads[stream]
            offset = head.next + (self._unkindness.gap() if self._unkindness else 0)
            moment = max(now, head.time)  # L5: never backwards within a partition
            version = out.message.envelope.sequence
            plan.heads[stream] = Head(offset + 1, moment, version)
            data = out.message.data
            plan.rows.append((place_of(stream, offset), moment, envelope, data))
            after = Position(version, offset + 1)
            job.result.append(after)
            plan.records.setdefault(stream, []).append(
                Recorded(out.topic, out.partition, moment, after, out.message.envelope, data)
            )
        for stream, position in job.positions.items():
            plan.positions[job.group, stream] = position
        for topic, kept_ms in job.topics.items():
            if streams.kept_ms(topic) is None:
                new = len(streams.topics.keys() | plan.topics.keys())
                plan.topics.setdefault(topic, (streams.topics.get(topic, new), kept_ms))

    def _publish(self, plan: _Plan) -> None:
        for topic, (number, kept_ms) in plan.topics.items():
            self._streams.add_topic(topic, number, kept_ms)
        self._streams.committed.update(plan.positions)
        for stream, records in plan.records.items():
            head, delay_s = plan.heads[stream], 0.0
            if self._unkindness is not None:
                # As a broker's transaction marker does, the end lies behind a place without record.
                head = head._replace(next=head.next + self._unkindness.gap())
                delay_s = self._unkindness.delay_s()
            if self._streams.add(stream, head, records, delay_s):
                self._seen.add(stream)
