"""Every `ReadStore`: `apply` (L24), rows (L25), ranges, and rebuilding to the same bytes (L27)."""

import asyncio

import pytest

from docaxis_eventsourcing.errors import CheckpointMoved
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Increment,
    Index,
    IndexType,
    IndexValue,
    ReadStore,
    Row,
    RowRange,
    Table,
)
from docaxis_eventsourcing.space_digest import space_digest
from tests.contract.conftest import OpenStore
from tests.contract.read_spaces import LETTERS, NAMES, SPACE, Space, letter


async def test_L25_a_row_comes_back_as_it_was_put(space: Space) -> None:
    row = letter(
        "k/1 đ", b"\x00\xff", org="H29", number=-5, mark=b"\x01\x00", words=("b", "a", "b")
    )
    await space.apply(Changes(puts=(row, letter("k/2"))))
    found = await space.store.get(SPACE, "letters", ["k/1 đ", "k/2", "missing"])
    assert dict(found["k/1 đ"].fields) == dict(row.fields)
    assert found["k/1 đ"].blob == b"\x00\xff"
    assert dict(found["k/1 đ"].counters) == {"seen": 0, "sent": 0}
    assert set(found["k/2"].fields.values()) == {None}
    assert set(found) == {"k/1 đ", "k/2"}


async def test_L24_an_apply_moves_its_checkpoint(space: Space) -> None:
    assert await space.store.checkpoint(SPACE, 0) is None
    await space.apply(Changes())
    assert await space.store.checkpoint(SPACE, 0) == space.at
    assert await space.store.checkpoint(SPACE, 1) is None


@pytest.mark.parametrize("start", [None, Position(1, 2), Position(0, 3), Position(9, 9)])
async def test_L24_an_apply_from_another_checkpoint_is_refused(
    space: Space, start: Position | None
) -> None:
    await space.apply(Changes(puts=(letter("kept", b"1"),)))
    changes = Changes((letter("kept", b"2"),), ("kept",), (Increment("kept", "seen", 1),))
    with pytest.raises(CheckpointMoved):
        await space.store.apply(SPACE, 0, start, Position(5, 50), {"letters": changes})
    row = await space.get("kept")
    assert row is not None and (row.blob, row.counters["seen"]) == (b"1", 0)
    assert await space.store.checkpoint(SPACE, 0) == space.at


async def test_L24_of_many_at_once_one_apply_wins(space: Space) -> None:
    async def attempt(number: int) -> bool:
        changes = Changes(increments=(Increment("row", "seen", 1),))
        try:
            await space.store.apply(SPACE, 0, None, Position(1, number), {"letters": changes})
        except CheckpointMoved:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt(number) for number in range(20)))) == 1
    row = await space.get("row")
    assert row is not None and row.counters["seen"] == 1


async def test_L24_partitions_have_checkpoints_of_their_own(space: Space) -> None:
    async def feed(partition: int) -> None:
        before = None
        for number in range(1, 11):
            after = Position(number, number)
            changes = Changes(increments=(Increment("sum", "seen", 1),))
            await space.store.apply(SPACE, partition, before, after, {"letters": changes})
            before = after

    await asyncio.gather(*(feed(partition) for partition in range(12)))
    row = await space.get("sum")
    assert row is not None and row.counters["seen"] == 120


async def test_L24_a_page_never_shows_half_an_apply(space: Space) -> None:
    done = asyncio.Event()

    async def write() -> None:
        for number in range(30):
            rows = tuple(letter(f"{i:03}", b"%d" % number, org="o", number=i) for i in range(60))
            await space.apply(Changes(puts=rows))
        done.set()

    async def watch() -> None:
        while not done.is_set():
            page = await space.store.range(SPACE, "letters", RowRange("by_org", ("o",)))
            assert len({row.blob for row in page}) <= 1
            assert len(page) in (0, 60)

    await asyncio.gather(write(), watch(), watch())


async def test_a_put_replaces_the_row_and_keeps_its_counters(space: Space) -> None:
    await space.apply(Changes(increments=(Increment("k", "seen", 2), Increment("k", "sent", 1))))
    await space.apply(
        Changes(puts=(letter("k", b"1", org="a"),), increments=(Increment("k", "seen", -5),))
    )
    await space.apply(Changes(puts=(letter("k", b"2"),)))
    row = await space.get("k")
    assert row is not None
    assert (row.blob, row.fields["org"], dict(row.counters)) == (
        b"2",
        None,
        {"seen": -3, "sent": 1},
    )


async def test_removals_come_before_puts_and_puts_before_increments(space: Space) -> None:
    await space.apply(Changes((letter("k", b"1"),), increments=(Increment("k", "seen", 7),)))
    await space.apply(Changes((letter("k", b"2"),), ("k", "none"), (Increment("k", "seen", 1),)))
    row = await space.get("k")
    assert row is not None and (row.blob, row.counters["seen"]) == (b"2", 1)
    await space.apply(Changes(removals=("k",)))
    assert await space.get("k") is None


async def test_an_own_apply_is_seen_at_once(space: Space) -> None:
    for number in range(30):
        await space.apply(Changes(puts=(letter("k", b"%d" % number, org="o", number=number),)))
        page = await space.store.range(SPACE, "letters", RowRange("by_org", ("o",)))
        row = await space.get("k")
        assert row is not None and row.blob == page[0].blob == b"%d" % number


async def test_many_rows_are_had_by_key_at_once(space: Space) -> None:
    keys = [f"{i}" for i in range(2100)]
    await space.apply(Changes(puts=tuple(letter(key) for key in keys[:2050])))
    assert set(await space.store.get(SPACE, "letters", keys)) == set(keys[:2050])
    assert await space.store.get(SPACE, "letters", []) == {}


async def test_a_unique_index_refuses_a_second_row_and_changes_nothing(space: Space) -> None:
    await space.apply(Changes(puts=(Row("1", fields={"code": "H29"}),)), "names")
    with pytest.raises(ValueError):
        await space.apply(Changes(puts=(Row("2", fields={"code": "H29"}),)), "names")
    assert set(await space.store.get(SPACE, "names", ["1", "2"])) == {"1"}
    assert await space.store.checkpoint(SPACE, 0) == space.at


async def test_a_unique_index_holds_for_rows_that_have_all_of_its_fields(
    store: ReadStore,
) -> None:
    table = Table(
        "t",
        {"org": IndexType.TEXT, "number": IndexType.INT, "mark": IndexType.BYTES},
        (Index("i", ("org", "number", "mark"), unique=True),),
        ("n",),
    )
    await store.declare(SPACE, [table])
    full: dict[str, IndexValue] = {"org": "o", "number": 1, "mark": b"1"}
    puts = [Row("full", fields=full)]
    for name in full:
        puts += [Row(f"{name}{i}", fields={**full, name: None}) for i in range(2)]
    increments = (Increment("none1", "n", 1), Increment("none2", "n", 1))
    await store.apply(
        SPACE, 0, None, Position(1, 1), {"t": Changes(tuple(puts), increments=increments)}
    )
    assert len(await store.range(SPACE, "t", RowRange("i"))) == 9
    again = {"t": Changes((Row("again", fields=full),))}
    with pytest.raises(ValueError):
        await store.apply(SPACE, 0, Position(1, 1), Position(2, 2), again)
    moved = {"t": Changes((Row("again", fields=full),), ("full",))}
    await store.apply(SPACE, 0, Position(1, 1), Position(2, 2), moved)
    assert len(await store.range(SPACE, "t", RowRange("i"))) == 9


async def test_what_was_not_declared_is_refused(space: Space) -> None:
    with pytest.raises(ValueError):
        await space.apply(Changes(puts=(letter("k", subject="?"),)))
    with pytest.raises(ValueError):
        await space.apply(Changes(increments=(Increment("k", "other", 1),)))
    with pytest.raises(ValueError):
        await space.apply(Changes(), "nowhere")
    with pytest.raises(ValueError):
        await space.range(RowRange("nothing"))
    with pytest.raises(ValueError):
        await space.apply(Changes(puts=(letter("k", number="text"),)))


async def test_declaring_again_keeps_rows_and_a_changed_shape_is_refused(space: Space) -> None:
    await space.apply(Changes(puts=(letter("k"),)))
    extra = Table("extra")
    await space.store.declare(SPACE, [LETTERS, NAMES, extra])
    assert await space.get("k") is not None
    with pytest.raises(ValueError):
        await space.store.declare(SPACE, [Table("letters", {"org": IndexType.INT})])


@pytest.mark.parametrize(
    "name", ["$set", "a.b", "$a.$b", "_id", "a\0b", "", "\U0001f600", "b", "f0"]
)
async def test_any_text_names_a_space_a_table_a_field_and_a_row(
    store: ReadStore, name: str
) -> None:
    fields = {name: IndexType.TEXT, f"{name}2": IndexType.WORDS}
    index = Index(f"i{name}", (name,))
    await store.declare(name, [Table(name, fields, (index,), (f"c{name}",))])
    row = Row(name, fields={name: name, f"{name}2": (name, "$x")})
    changes = Changes((row,), increments=(Increment(name, f"c{name}", 2),))
    await store.apply(name, 0, None, Position(1, 1), {name: changes})
    (found,) = await store.range(name, name, RowRange(f"i{name}", (name,)))
    assert found == (await store.get(name, name, [name]))[name]
    assert (found.key, dict(found.fields)) == (name, dict(row.fields))
    assert dict(found.counters) == {f"c{name}": 2}
    assert list(await store.spaces()) == [name]


async def test_names_of_spaces_tables_and_fields_are_data(store: ReadStore) -> None:
    odd = Table(
        'a"b; drop',
        {"x'y": IndexType.TEXT, "select": IndexType.INT},
        (Index("i-1", ("x'y", "select")),),
        ('c"d',),
    )
    await store.declare('s"pace', [odd])
    changes = Changes(
        (Row("k", fields={"x'y": "1", "select": 2}),), (), (Increment("k", 'c"d', 3),)
    )
    await store.apply('s"pace', 0, None, Position(1, 1), {'a"b; drop': changes})
    (row,) = await store.range('s"pace', 'a"b; drop', RowRange("i-1", ("1",)))
    assert dict(row.fields) == {"x'y": "1", "select": 2} and dict(row.counters) == {'c"d': 3}


async def test_a_stop_and_a_start_keep_what_was_applied(open_store: OpenStore) -> None:
    store = await open_store()
    await store.declare(SPACE, [LETTERS])
    row = letter("k", b"1", org="o", words=("a",))
    await store.apply(SPACE, 3, None, Position(4, 9), {"letters": Changes(puts=(row,))})
    await store.close()
    store = await open_store()
    assert list(await store.spaces()) == [SPACE]
    assert await store.checkpoint(SPACE, 3) == Position(4, 9)
    assert (await store.get(SPACE, "letters", ["k"]))["k"].blob == b"1"
    assert len(await store.range(SPACE, "letters", RowRange("by_word", ("a",)))) == 1


async def test_a_close_finishes_what_was_accepted(open_store: OpenStore) -> None:
    store = await open_store()
    await store.declare(SPACE, [LETTERS])
    changes = {"letters": Changes(increments=(Increment("sum", "seen", 1),))}
    applies = [
        asyncio.create_task(store.apply(SPACE, at, None, Position(1, 1), changes))
        for at in range(8)
    ]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*applies)
    store = await open_store()
    assert (await store.get(SPACE, "letters", ["sum"]))["sum"].counters["seen"] == 8


async def test_a_dropped_space_leaves_nothing(space: Space) -> None:
    await space.apply(Changes(puts=(letter("k", words=("a",)),)))
    await space.store.drop(SPACE)
    await space.store.drop(SPACE)
    assert list(await space.store.spaces()) == []
    assert await space.store.checkpoint(SPACE, 0) is None
    for refused in (
        space.get("k"),
        space.range(RowRange("")),
        space.apply(Changes()),
        space.store.apply(SPACE, 0, None, Position(1, 1), {"letters": Changes()}),
    ):
        with pytest.raises(ValueError):
            await refused
    await space.store.declare(SPACE, [LETTERS])
    assert await space.store.checkpoint(SPACE, 0) is None
    assert await space.range(RowRange("")) == []


async def test_L27_a_rebuild_gives_the_same_digest_whatever_the_batches(store: ReadStore) -> None:
    digests = []
    for name, size in (("views_a", 1), ("views_b", 7)):
        await store.declare(name, [LETTERS, NAMES])
        at: Position | None = None
        for begin in range(0, 42, size):
            numbers = range(begin, begin + size)
            puts = tuple(
                letter(f"{i % 9}", b"%d" % i, org=f"{i % 4}", words=("a",)) for i in numbers
            )
            last = {row.key: row for row in puts}
            end = Position(begin + size, begin + size)
            changes = Changes(
                tuple(last.values()), (), tuple(Increment(f"{i % 9}", "seen", i) for i in numbers)
            )
            await store.apply(name, 0, at, end, {"letters": changes})
            at = end
        digests.append(await space_digest(store, name, [LETTERS, NAMES]))
    assert digests[0] == digests[1]
    changes = Changes(increments=(Increment("3", "seen", 1),))
    await store.apply("views_b", 1, None, Position(1, 1), {"letters": changes})
    assert await space_digest(store, "views_b", [NAMES, LETTERS]) != digests[0]


async def test_reading_in_a_loop_keeps_nobody_waiting(space: Space) -> None:
    """Somebody who looks again and again for what another task is about to write finds it."""
    store = space.store

    async def write() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        await store.apply(SPACE, 7, None, Position(1, 1), {"letters": Changes((Row("late"),))})

    writing = asyncio.create_task(write())
    async with asyncio.timeout(10):
        while not await store.get(SPACE, "letters", ["late"]):
            await store.range(SPACE, "letters", RowRange("", limit=1))
    await writing
