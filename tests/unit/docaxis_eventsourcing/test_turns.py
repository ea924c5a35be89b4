"""L10: the order in which a batch's commands are decided."""

from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.deciding import Pending
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.ports.event_log import Position, Recorded
from docaxis_eventsourcing.turns import in_turns

LANES = ("urgent", "normal", "bulk")


def command(
    place: int, actor: str = "", names: tuple[str, ...] = (), lane: str = "normal"
) -> Pending:
    envelope = Envelope(id=str(place), type="type", source="test", actor=actor)
    record = Recorded(lane, 0, 0, Position(0, place), envelope, b"")
    return Pending(record, object(), names)


def ids(pendings: list[Pending]) -> list[str]:
    return [each.record.envelope.id for each in pendings]


def test_L10_urgent_commands_come_first_and_bulk_ones_last() -> None:
    given_ = [
        command(0, lane="bulk"),
        command(1),
        command(2, lane="urgent"),
        command(3, lane="urgent"),
    ]
    assert ids(in_turns(given_, LANES)) == ["2", "3", "1", "0"]


def test_L10_senders_take_turns_so_that_one_with_thousands_is_not_before_all_others() -> None:
    flood = [command(place, "many") for place in range(100)]
    order = ids(in_turns([*flood, command(100, "one"), command(101, "two")], LANES))
    assert order[:4] == ["0", "100", "101", "1"]
    assert order[4:] == [str(place) for place in range(2, 100)]


def test_L10_commands_that_name_a_common_aggregate_keep_their_order() -> None:
    given_ = [
        command(0, "a", ("x",)),
        command(1, "a", ("box",)),
        command(2, "b", ("box", "y")),
        command(3, "c", ("y",)),
    ]
    order = ids(in_turns(given_, LANES))
    assert order.index("1") < order.index("2") < order.index("3")


names = st.lists(st.sampled_from("uvwxyz"), max_size=3).map(tuple)


@given(st.lists(st.tuples(st.sampled_from("abcd"), names, st.sampled_from(LANES)), max_size=40))
def test_L10_whatever_comes_none_is_lost_and_each_aggregates_order_is_kept(
    drawn: list[tuple[str, tuple[str, ...], str]],
) -> None:
    pendings = [command(place, *each) for place, each in enumerate(drawn)]
    ordered = in_turns(pendings, LANES)
    assert sorted(map(int, ids(ordered))) == list(range(len(drawn)))
    for lane in LANES:
        mine = [each for each in ordered if each.record.topic == lane]
        for name in "uvwxyz":
            places = [each.record.after.place for each in mine if name in each.names]
            assert places == sorted(places)
        for actor in "abcd":
            sent = [e.record.after.place for e in mine if e.record.envelope.actor == actor]
            assert sent == sorted(sent)
