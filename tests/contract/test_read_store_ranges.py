"""Every `ReadStore`: ranges by its indexes, in order, bounded, and page by page."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from random import Random

import pytest

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
from tests.contract.read_spaces import LETTERS, SPACE, Space, letter


def expected(rows: Mapping[str, Row], index: tuple[str, ...], query: RowRange) -> list[str]:
    """What a range means, in the plainest words: filter, sort, cut."""

    def sortable(value: object) -> tuple[bool, object]:
        return (value is not None, value if value is not None else 0)

    def order(row: Row) -> tuple[tuple[bool, object], ...]:
        values = [row.fields.get(name) for name in index[len(query.equals) :]]
        return tuple(sortable(value) for value in (*values, row.key))

    def fits(row: Row) -> bool:
        values = [row.fields.get(name) for name in index]
        if tuple(values[: len(query.equals)]) != query.equals:
            return False
        if query.at_least is None and query.at_most is None:
            return True
        first: object = [*values, row.key][len(query.equals)]
        return first is not None and (
            (query.at_least is None or sortable(first) >= sortable(query.at_least))
            and (query.at_most is None or sortable(first) <= sortable(query.at_most))
        )

    found = sorted((row for row in rows.values() if fits(row)), key=order)
    if query.descending:
        found.reverse()
    if query.after is not None:
        after = tuple(sortable(value) for value in query.after)
        found = [
            row for row in found if (order(row) < after if query.descending else order(row) > after)
        ]
    return [row.key for row in found[: query.limit]]


async def test_ranges_are_in_index_order_with_none_first_and_pages_join_without_gap(
    space: Space,
) -> None:
    random = Random(7)
    rows = {
        f"k{i:02}": letter(
            f"k{i:02}",
            org=random.choice([None, "", "a", "á", "b"]),
            number=random.choice([None, -1, 0, 1, 2]),
        )
        for i in range(60)
    }
    await space.apply(Changes(puts=tuple(rows.values())))
    index = ("org", "number")
    equals: list[tuple[IndexValue, ...]] = [(), (None,), ("a",), ("b", 1), ("b", None)]
    bounds: list[tuple[IndexValue, IndexValue]] = [(None, None), ("a", None), (None, "a"), (0, 1)]
    for fixed, (low, high), descending in product(equals, bounds, (False, True)):
        if low is not None or high is not None:
            if (len(fixed) == 1) is not isinstance(low, int) or len(fixed) == 2:
                continue
        after: tuple[IndexValue, ...] | None = None
        while True:
            query = RowRange("by_org", fixed, after, low, high, descending, limit=4)
            page = await space.range(query)
            assert page == expected(rows, index, query), query
            if len(page) < 4:
                break
            last = rows[page[-1]]
            after = (*(last.fields[name] for name in index[len(fixed) :]), last.key)


async def test_rows_that_differ_in_the_key_alone_come_page_by_page(space: Space) -> None:
    """More of them than any page holds, in each direction, between others."""
    rows = {f"k{i:02}": letter(f"k{i:02}", org="o", number=i // 40) for i in range(100)}
    await space.apply(Changes(puts=tuple(rows.values())))
    for descending in (False, True):
        seen: list[str] = []
        after: tuple[IndexValue, ...] | None = None
        while page := await space.range(
            RowRange("by_org", ("o",), after, descending=descending, limit=7)
        ):
            seen += page
            after = (rows[page[-1]].fields["number"], page[-1])
        assert seen == sorted(rows, reverse=descending)


async def test_a_page_behind_another_keeps_its_bounds(space: Space) -> None:
    rows = tuple(letter(f"{i}", org="o", number=i if i else None) for i in range(10))
    await space.apply(Changes(puts=rows))
    between = RowRange("by_org", ("o",), after=(3, "3"), at_least=2, at_most=6)
    assert await space.range(between) == ["4", "5", "6"]
    assert await space.range(replace(between, after=(1, "1"))) == ["2", "3", "4", "5", "6"]
    assert await space.range(replace(between, after=(None, "0"))) == ["2", "3", "4", "5", "6"]
    assert await space.range(replace(between, after=(9, "9"))) == []
    down = replace(between, descending=True)
    assert await space.range(down) == ["2"]
    assert await space.range(replace(down, after=(8, "8"))) == ["6", "5", "4", "3", "2"]
    assert await space.range(replace(down, after=(2, "2"))) == []


async def test_text_is_ordered_by_code_point_and_bytes_by_byte(space: Space) -> None:
    texts = ["", "\0", "a", "a\0", "a\0b", "aa", "b", "é", "\ud7ff", "\uffff", "\U0001f600"]
    marks = [b"", b"\0", b"\0\0", b"\1", b"\1\0\0", b"\2", b"a", b"ab", b"b", b"\xff", b"\xff\0"]
    puts = [letter(f"t{text}", org=text) for text in reversed(texts)]
    puts += [letter(f"m{mark.hex()}", mark=mark) for mark in reversed(marks)]
    await space.apply(Changes(puts=tuple(puts)))
    found = await space.range(RowRange("by_org", at_least=""))
    assert found == [f"t{text}" for text in texts]
    assert await space.range(RowRange("", at_least="t")) == found
    for descending in (False, True):
        expected = [f"m{mark.hex()}" for mark in marks]
        query = RowRange("by_mark", at_least=b"", descending=descending)
        assert await space.range(query) == sorted(expected, reverse=descending)
    assert await space.range(RowRange("by_mark", at_least=b"\1", at_most=b"\2")) == [
        "m01",
        "m010000",
        "m02",
    ]
    assert await space.range(RowRange("by_mark", (b"\xff",))) == ["mff"]
    assert await space.range(RowRange("by_mark", after=(b"ab", "m6162"))) == [
        "m62",
        "mff",
        "mff00",
    ]


async def test_integers_have_64_bits(space: Space) -> None:
    low, high = -(2**63), 2**63 - 1
    await space.apply(
        Changes(
            (letter("1", org="o", number=high), letter("2", org="o", number=low)),
            increments=(Increment("1", "seen", high), Increment("2", "seen", low + 1)),
        )
    )
    await space.apply(Changes(increments=(Increment("2", "seen", -1), Increment("1", "seen", -1))))
    assert await space.range(RowRange("by_org", ("o",), at_least=low)) == ["2", "1"]
    assert await space.range(RowRange("by_org", ("o",), after=(low, "2"))) == ["1"]
    rows = await space.store.get(SPACE, "letters", ["1", "2"])
    assert (rows["1"].fields["number"], rows["1"].counters["seen"]) == (high, high - 1)
    assert (rows["2"].fields["number"], rows["2"].counters["seen"]) == (low, low)
    for changes in (
        Changes(puts=(letter("3", number=high + 1),)),
        Changes(increments=(Increment("2", "seen", -1),)),
    ):
        with pytest.raises((ValueError, OverflowError)):
            await space.apply(changes)
    assert await space.get("3") is None


async def test_the_nameless_index_is_the_order_of_keys(space: Space) -> None:
    await space.apply(Changes(puts=tuple(letter(key) for key in ("b", "a", "B", "é", "c/1"))))
    assert await space.range(RowRange("")) == ["B", "a", "b", "c/1", "é"]
    assert await space.range(RowRange("", after=("a",), limit=2)) == ["b", "c/1"]
    assert await space.range(RowRange("", after=("b",), descending=True)) == ["a", "B"]
    assert await space.range(RowRange("", at_least="a", at_most="b")) == ["a", "b"]


async def test_L25_a_row_is_found_by_each_of_its_words(space: Space) -> None:
    await space.apply(
        Changes(
            puts=(
                letter("1", org="o", words=("quyet", "dinh"), number=2),
                letter("2", org="o", words=("quyet", "toan", "quyet"), number=1),
                letter("3", org="p", words=("dinh",), number=3),
                letter("4", org="p", words=(), number=0),
            )
        )
    )
    assert await space.range(RowRange("by_word", ("quyet",))) == ["2", "1"]
    assert await space.range(RowRange("by_word", ("dinh",), descending=True)) == ["3", "1"]
    assert await space.range(RowRange("by_word", ("dinh",), after=(2, "1"))) == ["3"]
    assert await space.range(RowRange("by_org_word", ("p", "dinh"))) == ["3"]
    assert await space.range(RowRange("by_word", ("none",))) == []
    await space.apply(Changes(puts=(letter("1", words=("khac",), number=2),), removals=("3",)))
    assert await space.range(RowRange("by_word", ("dinh",))) == []
    assert await space.range(RowRange("by_word", ("khac",))) == ["1"]


async def test_L25_words_follow_their_rows_through_puts_and_removals(space: Space) -> None:
    """Rows put again with other words or another order, twice at once, removed, never there."""
    random = Random(11)
    words = ("an", "bình", "châu")
    rows: dict[str, Row] = {}
    for _ in range(40):
        removals = tuple(random.choices("abcdef", k=2))
        puts = tuple(
            letter(
                random.choice("abcdef"),
                org=random.choice([None, "o", "p"]),
                number=random.choice([None, 1, 2]),
                words=random.choice([None, (), tuple(random.choices(words, k=2))]),
            )
            for _ in range(3)
        )
        await space.apply(Changes(puts=puts, removals=removals))
        for key in removals:
            rows.pop(key, None)
        rows |= {row.key: row for row in puts}
        for word in words:
            having = {
                key: replace(row, fields={**row.fields, "words": word})
                for key, row in rows.items()
                if word in (row.fields["words"] or ())  # type: ignore[operator]
            }
            for index, equals in (("by_word", (word,)), ("by_org_word", ("o", word))):
                fields = next(each.fields for each in LETTERS.indexes if each.name == index)
                query = RowRange(index, equals)
                assert await space.range(query) == expected(having, fields, query)


async def test_a_range_over_words_names_the_word(space: Space) -> None:
    with pytest.raises(ValueError):
        await space.range(RowRange("by_word"))


def _dated(*, sparse: bool) -> Table:
    index = Index("due", ("org", "number"), sparse=sparse)
    return Table("dated", {"org": IndexType.TEXT, "number": IndexType.INT}, (index,))


@pytest.mark.parametrize("sparse_first", [False, True])
async def test_L25_a_sparse_index_holds_what_has_its_last_field_and_may_become_one(
    store: ReadStore, sparse_first: bool
) -> None:
    await store.declare(SPACE, [_dated(sparse=sparse_first)])
    puts = tuple(
        Row(f"{org}{at}", fields={"org": org, "number": at or None})
        for org, at in product("op", range(4))
    )
    await store.apply(SPACE, 0, None, Position(1, 1), {"dated": Changes(puts=puts)})
    for sparse in (sparse_first, not sparse_first, sparse_first):
        await store.declare(SPACE, [_dated(sparse=sparse)])
        query = RowRange("due", ("o",), at_most=2)
        for rows, keys in (
            (query, ["o1", "o2"]),
            (replace(query, descending=True), ["o2", "o1"]),
            (replace(query, descending=True, after=(2, "o2")), ["o1"]),
            (RowRange("due", ("o",), after=(1, "o1"), at_least=1), ["o2", "o3"]),
        ):
            assert [row.key for row in await store.range(SPACE, "dated", rows)] == keys
    with pytest.raises(ValueError):
        other = replace(_dated(sparse=True), fields={"org": IndexType.TEXT})
        await store.declare(SPACE, [replace(other, indexes=())])


@pytest.mark.parametrize("rows", [RowRange("due", ("o",)), RowRange("due", at_least="o")])
async def test_L25_a_range_over_a_sparse_index_bounds_its_last_field(
    store: ReadStore, rows: RowRange
) -> None:
    await store.declare(SPACE, [_dated(sparse=True)])
    with pytest.raises(ValueError, match="sparse"):
        await store.range(SPACE, "dated", rows)
