"""The states of a service's aggregates: their rows, the fold that makes them, a cache of them.

A state is the fold of its partition's events and can be made again at any time; a row holds it
with the aggregate's last 64 command ids and outcomes (L2). Rows live in `<service>_states_<fold
version>` (L26).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from cachetools import LRUCache

from docaxis_eventsourcing.decider import Decider, State, kind_of
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.ports.event_log import START, Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Index,
    IndexType,
    ReadStore,
    Row,
    RowRange,
    Table,
)
from docaxis_proto.kernel_v1_pb2 import CommandDied

KEPT_REPEATS = 64
_TABLE = Table(
    "states",
    fields={"partition": IndexType.INT, "due": IndexType.INT},
    indexes=(Index("due", ("partition", "due")),),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An aggregate's state and its last decided commands, oldest first: (id, outcome bytes)."""

    state: State
    repeats: tuple[tuple[str, bytes], ...] = ()

    def repeated(self, command_id: str) -> bytes | None:
        """The outcome of a command that was decided before; None for a new one."""
        for decided, outcome in self.repeats:
            if decided == command_id:
                return outcome
        return None


class PartitionStates:
    """The states of one held partition, as of `position`; changed by `fold`, kept by `save`."""

    def __init__(
        self, decider: Decider, store: ReadStore, partition: int, cache_size: int = 4096
    ) -> None:
        self._decider = decider
        self._store = store
        self._partition = partition
        self._space = states_space(decider)
        self._decoders = {
            kind: msgspec.msgpack.Decoder(tuple[of, tuple[tuple[str, bytes], ...]])  # type: ignore[valid-type]
            for kind, of in decider.states.items()
        }
        self._cache: LRUCache[str, Entry] = LRUCache(cache_size)
        self.position: Position = START
        self._stored: Position | None = None

    async def open(self) -> None:
        """Read the checkpoint. Raises `Unavailable`."""
        self._cache.clear()
        self._stored = await self._store.checkpoint(self._space, self._partition)
        self.position = self._stored or START

    async def load(self, names: Sequence[str]) -> dict[str, Entry]:
        """The entries of these aggregates; initial ones where nothing has happened yet."""
        found = {name: self._cache[name] for name in names if name in self._cache}
        missing = [name for name in names if name not in found]
        rows = await self._store.get(self._space, "states", missing) if missing else {}
        for name in missing:
            row = rows.get(name)
            found[name] = self._decode(name, row) if row else Entry(self._decider.initial(name))
        return found

    def folder(self, entries: dict[str, Entry]) -> "Fold":
        """A fold that starts from loaded entries and the position so far."""
        return Fold(self._decider, entries, self.position.version)

    async def save(self, fold: "Fold", end: Position) -> None:
        """Keep what a fold changed, in one step with the checkpoint.

        Raises `CheckpointMoved` where somebody else keeps these states now, and `Unavailable`.
        """
        puts = tuple(self._encode(name, fold.entries[name]) for name in fold.changed)
        await self._store.apply(
            self._space, self._partition, self._stored, end, {"states": Changes(puts=puts)}
        )
        for name in fold.changed:
            self._cache[name] = fold.entries[name]
        self._stored = self.position = end

    async def due(self, now: int, limit: int = 500) -> list[tuple[str, State]]:
        """Aggregates whose timer is due at `now`, soonest first."""
        rows = await self._store.range(
            self._space,
            "states",
            RowRange("due", (self._partition,), at_least=1, at_most=now, limit=limit),
        )
        return [(row.key, self._decode(row.key, row).state) for row in rows]

    def _decode(self, name: str, row: Row) -> Entry:
        state, repeats = self._decoders[kind_of(name)].decode(row.blob)
        return Entry(state, repeats)

    def _encode(self, name: str, entry: Entry) -> Row:
        timer = self._decider.timer(entry.state)
        return Row(
            name,
            msgspec.msgpack.encode((entry.state, entry.repeats)),
            {"partition": self._partition, "due": timer.due if timer else None},
        )


class Fold:
    """Runs `evolve` over events in order, checking their versions (L16)."""

    def __init__(self, decider: Decider, entries: dict[str, Entry], version: int) -> None:
        self._decider = decider
        self.entries = entries
        self.version = version
        self.changed: set[str] = set()

    def state(self, name: str) -> State:
        """The state of a loaded aggregate."""
        return self.entries[name].state

    def states(self, names: Sequence[str]) -> Mapping[str, State]:
        """The states of loaded aggregates, by name."""
        return {name: self.entries[name].state for name in names}

    def add(self, envelope: Envelope, event: Any) -> None:
        """Fold one event in. Raises `Divergence` at a gap or a version that came before."""
        if envelope.sequence != self.version + 1:
            raise Divergence(
                f"{self._decider.service}: event {envelope.id} has version {envelope.sequence},"
                f" expected {self.version + 1}"
            )
        self.version = envelope.sequence
        for name in touched_by(self._decider, event):
            entry = self.entries[name]
            self.entries[name] = Entry(self._decider.evolve(entry.state, event), entry.repeats)
            self.changed.add(name)
        self._remember(envelope)

    def _remember(self, envelope: Envelope) -> None:
        """Keep the command's id with the aggregate that it named first (L2)."""
        if not (envelope.subject and envelope.causation_id):
            return
        entry = self.entries[envelope.subject]
        kept = tuple(pair for pair in entry.repeats if pair[0] != envelope.causation_id)
        repeats = (*kept, (envelope.causation_id, envelope.outcome))[-KEPT_REPEATS:]
        self.entries[envelope.subject] = Entry(entry.state, repeats)
        self.changed.add(envelope.subject)


def touched_by(decider: Decider, event: Any) -> tuple[str, ...]:
    """The aggregates that an event names; the kernel's own `CommandDied` names none."""
    return () if isinstance(event, CommandDied) else decider.touched(event)


def states_space(decider: Decider) -> str:
    """The space of a decider's states."""
    return f"{decider.service}_states_{decider.fold_version}"


async def declare_states(decider: Decider, store: ReadStore) -> None:
    """Create the states' table where it is missing."""
    await store.declare(states_space(decider), (_TABLE,))
