"""Deciding and folding in memory, against a model that knows nothing of events."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.decider import Moment
from docaxis_eventsourcing.deciding import PartitionDecisions, names_needed, read_command
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import Divergence
from docaxis_eventsourcing.outcomes import DIED_TYPE, OUTCOME_TYPE
from docaxis_eventsourcing.ports.event_log import Position, Recorded
from docaxis_eventsourcing.states import KEPT_REPEATS, Entry, Fold
from docaxis_proto.kernel_v1_pb2 import CommandDied, Outcome
from tests.unit.docaxis_eventsourcing.bank import (
    CODEC,
    TOPICS,
    Deposit,
    Deposited,
    Inbox,
    Open,
    Poison,
    Post,
    Transfer,
    decider,
)

_DECIDER = decider()
_account = st.sampled_from(["a.1", "a.2", "a.3"])
_commands = st.one_of(
    st.builds(Open, account=_account, owner=st.sampled_from(["An", "Bình"])),
    st.builds(Deposit, account=_account, amount=st.integers(1, 9)),
    st.builds(Transfer, source=_account, target=_account, amount=st.integers(1, 9)).filter(
        lambda transfer: transfer.source != transfer.target
    ),
    st.builds(Post, inbox=st.just("a.x"), text=st.sampled_from(["một", "hai"])),
    st.builds(Poison, account=_account, how=st.sampled_from(["decide", "evolve", "stranger"])),
)


@dataclass
class Model:
    """What the bank comes to, command by command; a repeated id changes nothing."""

    balances: dict[str, int]
    owners: dict[str, str]
    posts: list[str]
    seen: set[str]

    def apply(self, command_id: str, command: Any) -> None:
        if command_id in self.seen:
            return
        match command:
            case Open(account, owner) if account not in self.owners:
                self.owners[account] = owner
            case Deposit(account, amount):
                self.balances[account] = self.balances.get(account, 0) + amount
            case Transfer(source, target, amount) if self.balances.get(source, 0) >= amount:
                self.balances[source] -= amount
                self.balances[target] = self.balances.get(target, 0) + amount
            case Post(_, text):
                self.posts.append(text)
            case Poison():
                pass
            case _:
                return  # refused: not remembered, so the same id may be decided later
        self.seen.add(command_id)


def _record(command_id: str, command: Any, time: int = 1) -> Recorded:
    name, data = CODEC.encode(command)
    envelope = Envelope(id=command_id, type=name, source="test", reply_to=0)
    return Recorded(TOPICS.commands(), 0, time, Position(0, 1), envelope, data)


def _decisions(entries: dict[str, Entry], version: int = 0) -> PartitionDecisions:
    return PartitionDecisions(_DECIDER, CODEC, TOPICS, 0, 1, Fold(_DECIDER, entries, version), 0)


@given(st.lists(st.tuples(st.integers(0, 30).map(str), _commands), max_size=60))
def test_decisions_come_to_what_the_model_says_and_the_fold_to_the_same(
    commands: list[tuple[str, Any]],
) -> None:
    # One id is one command, as at a door: the first with an id gives its content.
    first: dict[str, Any] = {}
    commands = [(key, first.setdefault(key, command)) for key, command in commands]
    model = Model({}, {}, [], set())
    pendings = [read_command(_record(*command), _DECIDER, CODEC) for command in commands]
    names = names_needed(pendings)
    decisions = _decisions({name: Entry(_DECIDER.initial(name)) for name in names})
    for (command_id, command), pending in zip(commands, pendings, strict=True):
        request = decisions.request(pending)
        decisions.decide(pending, request, Moment(request.now, request.command_id))
        model.apply(command_id, command)
    fold = decisions.fold
    for name in names:
        state = fold.entries[name].state
        if isinstance(state, Inbox):
            assert list(state.texts) == model.posts
            assert state.last == len(model.posts)
        else:
            assert state.balance == model.balances.get(state.name, 0)
            assert state.owner == model.owners.get(state.name, "")
    events = [output for output in decisions.outputs if output.topic == TOPICS.events]
    assert [each.message.envelope.sequence for each in events] == list(range(1, len(events) + 1))
    outcomes = [each for each in decisions.outputs if each.topic == TOPICS.outcomes]
    assert [each.message.envelope.causation_id for each in outcomes] == [key for key, _ in commands]
    again = Fold(_DECIDER, {name: Entry(_DECIDER.initial(name)) for name in names}, 0)
    for each in events:
        envelope = each.message.envelope
        died = envelope.type == DIED_TYPE
        again.add(
            envelope,
            CommandDied() if died else CODEC.decode(envelope.type, each.message.data),
        )
    assert again.entries == fold.entries
    assert again.now == fold.now


def test_L2_sixty_four_repeats_are_kept_and_older_ones_forgotten() -> None:
    fold = Fold(_DECIDER, {"account/a.1": Entry(_DECIDER.initial("account/a.1"))}, 0)
    for number in range(1, KEPT_REPEATS + 2):
        fold.add(_event(number, str(number)), Deposited("a.1", 1, 0))
    entry = fold.entries["account/a.1"]
    assert len(entry.repeats) == KEPT_REPEATS == 64
    assert entry.repeated("1") is None
    assert entry.repeated("2") is not None
    assert entry.repeated("65") is not None


@pytest.mark.parametrize("sequence", [0, 1, 3])
def test_L16_a_fold_stops_at_a_gap_and_at_a_version_that_came_before(sequence: int) -> None:
    fold = Fold(_DECIDER, {"account/a.1": Entry(_DECIDER.initial("account/a.1"))}, 0)
    fold.add(_event(1, "x"), Deposited("a.1", 1, 0))
    with pytest.raises(Divergence, match="expected 2"):
        fold.add(_event(sequence, "y"), Deposited("a.1", 1, 0))


@pytest.mark.parametrize("how", ["decide", "evolve", "stranger", "encode"])
def test_L22_a_dead_command_leaves_nothing_but_its_own_event(how: str) -> None:
    pending = read_command(_record("c", Poison("a.1", how)), _DECIDER, CODEC)
    decisions = _decisions({"account/a.1": Entry(_DECIDER.initial("account/a.1"))}, 7)
    decisions.decide(pending, decisions.request(pending), Moment(1, "c"))
    event, outcome = decisions.outputs
    assert event.message.envelope.sequence == 8
    assert event.message.envelope.type == "docaxis.kernel.v1.CommandDied"
    assert outcome.message.envelope.type == OUTCOME_TYPE
    told = Outcome.FromString(outcome.message.data)
    assert (told.kind, told.code) == (Outcome.DEAD, "command_dead")
    assert decisions.fold.entries["account/a.1"].state.balance == 0


def _event(sequence: int, cause: str) -> Envelope:
    return Envelope(
        id=f"e{sequence}",
        type="t",
        source="test",
        subject="account/a.1",
        sequence=sequence,
        causation_id=cause,
    )
