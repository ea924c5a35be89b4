"""Pages of the MongoDB read store: one stretch of the declared index for each filter."""

from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice, product
from random import Random
from typing import Any

import pytest

from docaxis_adapters.mongo_store import MongoReadStore
from docaxis_adapters.mongo_store.page_query import KEY_INDEX, PageQuery
from docaxis_adapters.mongo_store.shapes import KEY, Shape
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Index,
    IndexType,
    IndexValue,
    Row,
    RowRange,
    Table,
)
from tests.contract.mongo_stores import fresh_database
from tests.servers import mongo_uri
from tests.unit.docaxis_adapters.mongo_proxy import MongoProxy, mongo_proxy
from tools.cluster.mongo import MONGOD, mongo_program

TABLE = Table(
    "letters",
    {
        "org": IndexType.TEXT,
        "number": IndexType.INT,
        "mark": IndexType.BYTES,
        "words": IndexType.WORDS,
    },
    (
        Index("by_org", ("org", "number", "mark")),
        Index("by_word", ("words", "number")),
        Index("by_org_word", ("org", "words", "number")),
        Index("again", ("org", "number", "mark")),
    ),
)
SHAPE = Shape(7, TABLE)
VALUES: Mapping[str, tuple[IndexValue, ...]] = {
    "org": (None, "o"),
    "number": (None, 5),
    "mark": (None, b"\1"),
    "words": ("w",),
}


def ranges() -> Iterator[RowRange]:
    """Ranges of each kind over each index."""
    for index in ("", *SHAPE.indexes):
        names = SHAPE.indexes[index].fields if index else ()
        for fixed in range(len(names) + 1):
            behind = [VALUES[name] for name in names[fixed:]]
            if "words" in names[fixed:]:
                continue
            bound = (behind[0][1], None) if behind else ("k", None)
            afters = [None, *product(*behind, ("key",))]
            for equals in product(*(VALUES[name] for name in names[:fixed])):
                for after, low, high, down in product(afters, bound, bound, (False, True)):
                    yield RowRange(index, equals, after, low, high, down, limit=5)


def test_each_filter_is_one_stretch_of_the_index_in_its_order() -> None:
    """Equality on the index's first fields, a bound on the next, the order of all behind."""
    checked = 0
    for rows in ranges():
        query = PageQuery(SHAPE, rows)
        index = SHAPE.indexes.get(rows.index)
        columns = [column for column, _ in SHAPE.keys(index)] if index else [KEY]
        assert query.hint == (SHAPE.physical[rows.index] if index else KEY_INDEX)
        direction = -1 if rows.descending else 1
        assert query.sort == [(column, direction) for column in columns[len(rows.equals) :]]
        for piece in query.pieces():
            assert piece.keys() <= set(columns) and not any(key.startswith("$") for key in piece)
            kinds = "".join(_kind(piece, column) for column in columns)
            marker = kinds.endswith("<") and piece[KEY] == {"$gte": ""}
            assert kinds.rstrip("-").lstrip("=") in ("", "<") or marker, (rows, piece)
            checked += 1
    assert checked > 500


def _kind(piece: Mapping[str, Any], column: str) -> str:
    if column not in piece:
        return "-"
    return "<" if isinstance(piece[column], dict) and "$eq" not in piece[column] else "="


@pytest.mark.parametrize(
    "rows",
    [
        RowRange("by_word"),
        RowRange("by_org_word", ("o",)),
        RowRange("nothing"),
        RowRange("", ("o",)),
        RowRange("by_org", ("o", 1, b"", "more")),
        RowRange("by_org", ("o",), after=("key",)),
        RowRange("by_org", (1,)),
        RowRange("by_org", at_least=1),
        RowRange("by_org", ("o",), at_most="1"),
        RowRange("by_org", ("o", 1, b""), at_least=b""),
        RowRange("by_word", (("w",),)),
        RowRange("", after=(None,)),
        RowRange("", after=(b"k",)),
        RowRange("by_org", after=("o", True, "mark", "key")),
    ],
)
def test_a_range_that_the_declaration_does_not_allow_is_refused(rows: RowRange) -> None:
    with pytest.raises(ValueError):
        PageQuery(SHAPE, rows)


def test_two_indexes_of_one_order_are_one() -> None:
    assert SHAPE.physical["again"] == SHAPE.physical["by_org"]


@pytest.fixture
async def proxy() -> AsyncIterator[MongoProxy]:
    async with mongo_proxy(mongo_uri()) as found:
        yield found


@pytest.mark.cluster
@pytest.mark.parametrize("hints", [True, False])
async def test_the_server_answers_each_page_from_its_index(proxy: MongoProxy, hints: bool) -> None:
    """Real MongoDB shows in its plan that it sorts nothing; others only which index it is."""
    real = mongo_program()[0] == MONGOD
    rows = tuple(
        Row(
            f"{i:04}", fields={"org": f"{i % 5}", "number": i, "mark": b"m", "words": ("w", f"{i}")}
        )
        for i in range(200)
    )
    async with fresh_database() as database:
        store = await MongoReadStore.open(proxy.address, database, hint_indexes=hints)
        await store.declare("space", [TABLE])
        await store.apply("space", 0, None, Position(1, 1), {"letters": Changes(rows)})
        for query in (
            RowRange("by_org", ("1",), limit=5),
            RowRange("by_org", ("1",), after=(16, b"m", "0016"), limit=5),
            RowRange("by_org", ("1",), after=(16, b"m", "0016"), descending=True, limit=3),
            RowRange("by_org", ("1",), at_least=10, at_most=90, limit=5),
            RowRange("by_word", ("w",), limit=5),
            RowRange("by_word", ("w",), after=(16, "0016"), descending=True, limit=5),
            RowRange("by_org_word", ("1", "w"), after=(16, "0016"), limit=5),
        ):
            proxy.commands.clear()
            found = await store.range("space", "letters", query)
            assert len(found) == min(query.limit, 5)
            (asked,) = proxy.asked("find")
            assert asked.get("hint") == (SHAPE.physical[query.index] if hints else None)
            if hints or real:
                command = {key: asked[key] for key in ("find", "filter", "sort", "limit")}
                hint = {"hint": asked["hint"]} if hints else {}
                plan = await _plan(store, {**command, **hint})
                assert [stage["indexName"] for stage in plan if stage["stage"] == "IXSCAN"] == [
                    SHAPE.physical[query.index]
                ]
                assert not real or "SORT" not in [stage["stage"] for stage in plan]
        await store.close()


@pytest.mark.cluster
async def test_a_page_is_the_same_whoever_chooses_the_index() -> None:
    random = Random(3)
    rows = tuple(
        Row(
            f"k{i:02}",
            fields={
                "org": random.choice([None, "o", "p"]),
                "number": random.choice([None, 4, 5, 6]),
                "mark": random.choice([None, b"", b"\1"]),
                "words": random.choice([None, (), ("w",), ("w", "v", "w")]),
            },
        )
        for i in range(80)
    )
    async with fresh_database() as database:
        hinted, free = [
            await MongoReadStore.open(mongo_uri(), database, hint_indexes=hints)
            for hints in (True, False)
        ]
        await hinted.declare("space", [TABLE])
        await hinted.apply("space", 0, None, Position(1, 1), {"letters": Changes(rows)})
        full = 0
        for query in islice(ranges(), 0, None, 11):
            page = await hinted.range("space", "letters", query)
            assert page == await free.range("space", "letters", query), query
            full += len(page) == query.limit
        assert full > 5
        await hinted.close()
        await free.close()


async def _plan(store: MongoReadStore, command: Mapping[str, Any]) -> list[dict[str, Any]]:
    explained = await store._sessions.database.command("explain", command, verbosity="queryPlanner")
    stages, stage = [], explained["queryPlanner"]["winningPlan"]
    stage = stage.get("queryPlan", stage)  # newer servers tell the executed plan beside it
    while stage is not None:
        stages.append(stage)
        stage = stage.get("inputStage")
    return stages
