"""The states of a service's aggregates: their rows, the fold that makes them, a cache of them.

A state is the fold of its partition's events and can be made again at any time; a row holds it
with the aggregate's last 64 command ids and outcomes (L2). Rows live in `<service>_states_<fold
version>` (L26); a later epoch of the log has a space of its own, so that states of a log that was
restored or moved are folded anew (L4).
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from cachetools import LRUCache

from docaxis_eventsourcing.decider import Decider, State, kind_of
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.ports.event_log import FIRST_EPOCH, START, Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Index,
    IndexType,
    IndexValue,
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
    indexes=(Index("due", ("partition", "due"), sparse=True),),
)
_TIMES = Table("times")
"""The log time of each partition's last event, so that now never runs backwards (L5)."""


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
        self,
        decider: Decider,
        store: ReadStore,
        partition: int,
        *,
        epoch: int = FIRST_EPOCH,
        cache_size: int = 4096,
    ) -> None:
        self._decider = decider
        self._store = store
        self._partition = partition
        self._space = states_space(decider, epoch)
        self._decoders = {
            kind: msgspec.msgpack.Decoder(tuple[of, tuple[tuple[str, bytes], ...]])  # type: ignore[valid-type]
            for kind, of in decider.states.items()
        }
        self._cache: LRUCache[str, Entry] = LRUCache(cache_size)
        self.position: Position = START
        self.now = 0
        """Log time of the last event folded (L5)."""
        self._stored: Position | None = None

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever kept here: the events are folded from the first on."""
        return self._stored is None

    async def open(self) -> None:
        """Read the checkpoint. Raises `Unavailable`."""
        self._cache.clear()
        self._stored = await self._store.checkpoint(self._space, self._partition)
        self.position = self._stored or START
        key = str(self._partition)
        rows = await self._store.get(self._space, _TIMES.name, (key,))
        self.now = msgspec.msgpack.decode(rows[key].blob, type=int) if rows else 0

    async def load(self, names: Sequence[str]) -> dict[str, Entry]:
        """The entries of these aggregates; initial ones where nothing has happened yet.

        Raises `Divergence` for a row that is not of the state's type, `Unavailable`.
        """
        found = {name: self._cache[name] for name in names if name in self._cache}
        missing = [name for name in names if name not in found]
        rows = await self._store.get(self._space, _TABLE.name, missing) if missing else {}
        for name in missing:
            if row := rows.get(name):
                found[name] = self._cache[name] = self._decode(name, row)
            else:
                found[name] = Entry(self._decider.initial(name))
        return found

    def folder(self, entries: dict[str, Entry]) -> "Fold":
        """A fold that starts from loaded entries, the position and the time so far."""
        return Fold(self._decider, entries, self.position.version, self.now)

    async def save(self, fold: "Fold", end: Position) -> None:
        """Keep what a fold changed, in one step with the checkpoint.

        Raises `CheckpointMoved` where somebody else keeps these states now, `Unavailable`, and
        `Divergence` where a state cannot be stored.
        """
        puts = tuple(self._encode(name, fold.entries[name]) for name in fold.changed)
        time = Row(str(self._partition), msgspec.msgpack.encode(fold.now))
        changes = {_TABLE.name: Changes(puts=puts), _TIMES.name: Changes(puts=(time,))}
        await self._store.apply(self._space, self._partition, self._stored, end, changes)
        for name in fold.changed:
            self._cache[name] = fold.entries[name]
        self._stored = self.position = end
        self.now = fold.now

    async def due(self, now: int, page: int = 500) -> AsyncGenerator[tuple[str, State], None]:
        """Aggregates whose timer is due at `now`, soonest first; read page by page."""
        after: tuple[IndexValue, ...] | None = None
        while True:
            rows = await self._store.range(
                self._space,
                _TABLE.name,
                RowRange("due", (self._partition,), after, at_least=1, at_most=now, limit=page),
            )
            for row in rows:
                yield row.key, self._decode(row.key, row).state
            if len(rows) < page:
                return
            after = (rows[-1].fields["due"], rows[-1].key)

    def _decode(self, name: str, row: Row) -> Entry:
        try:
            state, repeats = self._decoders[kind_of(name)].decode(row.blob)
        except msgspec.MsgspecError as error:
            raise Divergence(
                f"{self._space}: the state of {name} is of another shape ({error}):"
                " a changed state needs a higher fold version"
            ) from error
        return Entry(state, repeats)

    def _encode(self, name: str, entry: Entry) -> Row:
        try:
            timer = self._decider.timer(entry.state)
            blob = msgspec.msgpack.encode((entry.state, entry.repeats))
        except Exception as error:
            raise Divergence(f"the state of {name} cannot be stored: {error!r}") from error
        due = timer.due if timer else None
        return Row(name, blob, {"partition": self._partition, "due": due})


class Fold:
    """Runs `evolve` over events in order, checking their versions (L16)."""

    def __init__(
        self, decider: Decider, entries: dict[str, Entry], version: int, now: int = 0
    ) -> None:
        self._decider = decider
        self.entries = entries
        self.version = version
        self.now = now
        self.changed: set[str] = set()

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
        for name in touched_by(self._decider, event):
            entry = self.entries[name]
            self.entries[name] = Entry(self._decider.evolve(entry.state, event), entry.repeats)
            self.changed.add(name)
        self.version = envelope.sequence
        self.now = max(self.now, envelope.time)
        self._remember(envelope)

    def _remember(self, envelope: Envelope) -> None:
        """Keep the command's id with the aggregate that it named first (L2)."""
        command_id = envelope.causation_id
        if not (envelope.subject and command_id):
            return
        entry = self.entries[envelope.subject]
        kept = entry.repeats
        if kept and kept[-1][0] == command_id:  # a further event of the same decision
            kept = kept[:-1]
        repeats = (*kept, (command_id, envelope.outcome))[-KEPT_REPEATS:]
        self.entries[envelope.subject] = Entry(entry.state, repeats)
        self.changed.add(envelope.subject)

    def mark(self, names: Sequence[str]) -> "Mark":
        """Where the fold stands, as far as these aggregates go; for `back_to`."""
        return Mark({name: self.entries[name] for name in names}, self.version, self.now)

    def back_to(self, mark: "Mark") -> None:
        """Forget what was folded since the mark; it touched the mark's aggregates alone."""
        self.entries.update(mark.entries)
        self.version, self.now = mark.version, mark.now


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a fold stood."""

    entries: Mapping[str, Entry]
    version: int
    now: int


def touched_by(decider: Decider, event: Any) -> tuple[str, ...]:
    """The aggregates that an event names; the kernel's own `CommandDied` names none."""
    return () if isinstance(event, CommandDied) else decider.touched(event)


def states_space(decider: Decider, epoch: int = FIRST_EPOCH) -> str:
    """The space of a decider's states, in an epoch of the log."""
    space = f"{decider.service}_states_{decider.fold_version}"
    return space if epoch == FIRST_EPOCH else f"{space}_epoch_{epoch}"


async def declare_states(decider: Decider, store: ReadStore, epoch: int = FIRST_EPOCH) -> None:
    """Create the states' tables where they are missing."""
    await store.declare(states_space(decider, epoch), (_TABLE, _TIMES))
