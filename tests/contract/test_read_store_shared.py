"""A `ReadStore` that several processes share: what each does, the others see at once.

Two opened stores stand for two processes: they share nothing but the data. The embedded adapter
belongs to one process and is not asked.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from docaxis_eventsourcing.active_spaces import Active, ActiveSpaces
from docaxis_eventsourcing.errors import CheckpointMoved, Unavailable
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Increment,
    Index,
    IndexType,
    ReadStore,
    Row,
    RowRange,
    Table,
)
from tests.contract.conftest import OpenStore

SPACE = "status_views_1"
LETTERS = Table(
    "letters",
    {"org": IndexType.TEXT, "number": IndexType.INT, "words": IndexType.WORDS},
    (
        Index("by_org", ("org", "number")),
        Index("by_word", ("words",)),
        Index("once", ("org", "number"), unique=True),
    ),
    ("seen",),
)
OTHERS = Table("others", {"org": IndexType.TEXT}, (Index("by_org", ("org",)),))
ONE_MORE = {"letters": Changes(increments=(Increment("sum", "seen", 1),))}
FIRST = Position(1, 1)


@pytest.fixture
async def first(open_shared_store: OpenStore) -> ReadStore:
    return await open_shared_store()


@pytest.fixture
async def second(open_shared_store: OpenStore, first: ReadStore) -> ReadStore:
    return await open_shared_store()


async def seen(store: ReadStore) -> int:
    rows = await store.get(SPACE, "letters", ["sum"])
    return rows["sum"].counters["seen"] if rows else 0


async def test_all_that_declare_the_same_at_once_succeed(open_shared_store: OpenStore) -> None:
    stores = [await open_shared_store() for _ in range(4)]
    await asyncio.gather(*(store.declare(SPACE, [LETTERS, OTHERS]) for store in stores))
    changes = Changes((Row("1", fields={"org": "o", "number": 1}),))
    await stores[0].apply(SPACE, 0, None, FIRST, {"letters": changes})
    for store in stores:
        assert list(await store.spaces()) == [SPACE]
        (row,) = await store.range(SPACE, "letters", RowRange("by_org", ("o",)))
        assert row.key == "1"
    twice = {"letters": Changes((Row("2", fields={"org": "o", "number": 1}),))}
    with pytest.raises(ValueError):
        await stores[1].apply(SPACE, 0, FIRST, Position(2, 2), twice)


async def test_of_two_that_declare_different_shapes_one_is_refused(
    first: ReadStore, second: ReadStore
) -> None:
    other = Table("letters", {"org": IndexType.INT})
    ended = await asyncio.gather(
        first.declare(SPACE, [LETTERS]), second.declare(SPACE, [other]), return_exceptions=True
    )
    assert [type(each) for each in ended if each is not None] == [ValueError]
    winner = first if ended[0] is None else second
    await winner.apply(SPACE, 0, None, FIRST, {"letters": Changes((Row("k"),))})


async def test_what_another_declared_is_seen_and_can_be_used(
    first: ReadStore, second: ReadStore
) -> None:
    assert list(await second.spaces()) == []
    assert await second.checkpoint(SPACE, 0) is None
    with pytest.raises(ValueError):
        await second.get(SPACE, "letters", ["k"])
    await first.declare(SPACE, [LETTERS])
    assert list(await second.spaces()) == [SPACE]
    await second.apply(SPACE, 0, None, FIRST, ONE_MORE)
    assert await seen(first) == await seen(second) == 1
    await first.declare(SPACE, [OTHERS])
    assert await second.range(SPACE, "others", RowRange("by_org")) == []


async def test_L24_of_two_applies_from_one_checkpoint_one_wins_each_time(
    first: ReadStore, second: ReadStore
) -> None:
    await first.declare(SPACE, [LETTERS])
    steps, wins = 20, []
    at: Position | None = None
    for number in range(1, steps + 1):
        end = Position(number, number)
        ended = await asyncio.gather(
            *(store.apply(SPACE, 0, at, end, ONE_MORE) for store in (first, second)),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in ended) == ["CheckpointMoved", "NoneType"]
        wins.append(ended.index(None))
        at = end
        assert await first.checkpoint(SPACE, 0) == await second.checkpoint(SPACE, 0) == end
    assert await seen(first) == steps


async def test_L24_partitions_fed_by_different_processes_count_all(
    open_shared_store: OpenStore,
) -> None:
    stores = [await open_shared_store() for _ in range(3)]
    await stores[0].declare(SPACE, [LETTERS])

    async def feed(store: ReadStore, partition: int) -> None:
        at: Position | None = None
        for number in range(1, 9):
            await store.apply(SPACE, partition, at, Position(number, number), ONE_MORE)
            at = Position(number, number)

    await asyncio.gather(*(feed(stores[at % 3], at) for at in range(6)))
    assert await seen(stores[0]) == 48


async def test_L24_a_partition_that_changes_hands_goes_on_where_it_stood(
    first: ReadStore, second: ReadStore
) -> None:
    """And the old owner, which does not know, changes nothing."""
    await first.declare(SPACE, [LETTERS])
    await first.apply(SPACE, 0, None, FIRST, ONE_MORE)
    at = await second.checkpoint(SPACE, 0)
    await second.apply(SPACE, 0, at, Position(2, 2), ONE_MORE)
    for start in (FIRST, None):
        with pytest.raises(CheckpointMoved):
            await first.apply(SPACE, 0, start, Position(3, 3), ONE_MORE)
    assert await seen(first) == await seen(second) == 2


async def test_L24_a_page_never_shows_half_of_what_another_applies(
    first: ReadStore, second: ReadStore
) -> None:
    await first.declare(SPACE, [LETTERS])
    done = asyncio.Event()

    async def write() -> None:
        at: Position | None = None
        for number in range(1, 13):
            rows = tuple(
                Row(f"{i:03}", b"%d" % number, {"org": "o", "number": i}) for i in range(60)
            )
            end = Position(number, number)
            await first.apply(SPACE, 0, at, end, {"letters": Changes(rows)})
            at = end
        done.set()

    async def watch(query: RowRange, rows: int) -> None:
        while not done.is_set():
            page = await second.range(SPACE, "letters", query)
            assert len({row.blob for row in page}) <= 1
            assert len(page) in (0, rows)

    await asyncio.gather(
        write(),
        watch(RowRange("by_org", ("o",)), 60),
        watch(RowRange("by_org", after=(None, 7, "x"), limit=500), 60),
    )


async def test_a_space_that_another_dropped_is_refused_and_never_comes_back(
    first: ReadStore, second: ReadStore
) -> None:
    await first.declare(SPACE, [LETTERS])
    row = Row("1", fields={"org": "o", "number": 1, "words": ("a",)})
    await first.apply(SPACE, 0, None, FIRST, {"letters": Changes((row,))})
    assert len(await second.range(SPACE, "letters", RowRange(""))) == 1
    await second.drop(SPACE)
    assert list(await first.spaces()) == []
    for refused in (
        first.get(SPACE, "letters", ["1"]),
        first.range(SPACE, "letters", RowRange("by_word", ("a",))),
        first.range(SPACE, "letters", RowRange("by_org", after=("o", 0, "x"))),
        first.apply(SPACE, 0, FIRST, Position(2, 2), {"letters": Changes((row,))}),
        first.apply(SPACE, 1, None, FIRST, {"letters": Changes((row,))}),
    ):
        with pytest.raises(ValueError):
            await refused
    assert await first.checkpoint(SPACE, 0) is None
    await first.declare(SPACE, [LETTERS])
    for store in (first, second):
        assert await store.range(SPACE, "letters", RowRange("")) == []
        assert await store.checkpoint(SPACE, 0) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.get(SPACE, "letters", ["sum"]),
        lambda store: store.range(SPACE, "letters", RowRange("")),
        lambda store: store.range(SPACE, "letters", RowRange("by_org", after=("o", 0, "x"))),
        lambda store: store.apply(SPACE, 0, FIRST, Position(2, 2), ONE_MORE),
        lambda store: store.apply(SPACE, 1, None, FIRST, ONE_MORE),
    ],
    ids=["get", "range", "range behind", "apply", "first apply"],
)
async def test_each_call_finds_out_by_itself_that_the_space_was_dropped(
    first: ReadStore, second: ReadStore, call: Callable[[ReadStore], Awaitable[object]]
) -> None:
    await first.declare(SPACE, [LETTERS])
    await first.apply(SPACE, 0, None, FIRST, ONE_MORE)
    await second.drop(SPACE)
    with pytest.raises(ValueError):
        await call(first)


async def test_a_space_that_another_dropped_and_declared_again_is_the_new_one(
    first: ReadStore, second: ReadStore
) -> None:
    await first.declare(SPACE, [LETTERS])
    await first.apply(SPACE, 0, None, FIRST, ONE_MORE)
    await second.drop(SPACE)
    await second.declare(SPACE, [LETTERS, OTHERS])
    await second.apply(SPACE, 0, None, Position(5, 5), ONE_MORE)
    assert await first.checkpoint(SPACE, 0) == Position(5, 5)
    await first.apply(SPACE, 0, Position(5, 5), Position(6, 6), ONE_MORE)
    assert await seen(second) == 2


async def test_a_drop_amid_applies_ends_them_and_leaves_nothing(
    open_shared_store: OpenStore,
) -> None:
    """Partitions begin, go on and end while the space goes; none brings a row back."""
    stores = [await open_shared_store() for _ in range(2)]
    dropper = await open_shared_store()
    await dropper.declare(SPACE, [LETTERS])
    going = asyncio.Event()

    async def feed(store: ReadStore, partition: int) -> type[BaseException]:
        at: Position | None = None
        number = 0
        while True:
            number += 1
            try:
                await store.apply(SPACE, partition, at, Position(number, number), ONE_MORE)
            except ValueError as error:
                return type(error)
            except Unavailable:
                number -= 1
                continue
            at = Position(number, number)
            if number == 3:
                going.set()

    feeding = [asyncio.create_task(feed(stores[at % 2], at)) for at in range(4)]
    await going.wait()
    await dropper.drop(SPACE)
    late = [asyncio.create_task(feed(stores[at % 2], at)) for at in range(4, 6)]
    assert set(await asyncio.gather(*feeding, *late)) == {ValueError}
    await dropper.declare(SPACE, [LETTERS])
    for store in stores:
        assert await store.range(SPACE, "letters", RowRange("")) == []
        assert [await store.checkpoint(SPACE, at) for at in range(6)] == [None] * 6


async def test_who_drops_and_who_declares_at_once_both_succeed(
    first: ReadStore, second: ReadStore
) -> None:
    for _ in range(6):
        await first.declare(SPACE, [LETTERS])
        await asyncio.gather(first.drop(SPACE), second.declare(SPACE, [LETTERS, OTHERS]))
        if await first.spaces():
            assert await second.range(SPACE, "letters", RowRange("by_org")) == []
        else:
            with pytest.raises(ValueError):
                await second.range(SPACE, "letters", RowRange("by_org"))


async def test_two_that_claim_builds_at_once_never_get_one_number(
    first: ReadStore, second: ReadStore
) -> None:
    pointers = [ActiveSpaces(store) for store in (first, second)]
    await asyncio.gather(*(each.open() for each in pointers))
    claimed = await asyncio.gather(*(pointers[at % 2].claim("view") for at in range(8)))
    assert sorted(claimed) == list(range(1, 9))
    await pointers[0].switch("view", Active("view_v1_g8", 1, 8))
    active = await pointers[1].get("view")
    assert active is not None and active.generation == 8
    assert await pointers[1].claim("view") == 9
