"""A `RowRange` as MongoDB's filters, each answered by one stretch of the range's index.

Behind the last row of a page lie first the rows equal to it in all fields with a later key, then
those equal in all but the last field and later there, and so on. Each of these `pieces` is an
equality on the index's first fields, a bound on the next and the order of the rest, without `$or`:
MongoDB seeks in the index and sorts nothing. Most pages are had with one filter all the same
(`overlapping`): from the last page's last value of the first field on, less the few rows that this
shows again. Pure: nothing here talks to a server.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from docaxis_adapters.mongo_store.shapes import HIGHEST_INT, KEY, Shape, Stored, lowest
from docaxis_eventsourcing.ports.read_store import IndexType, IndexValue, RowRange

_Conditions = Mapping[str, Mapping[str, Stored]]
"""Operators and their values, by column; all have to hold."""

KEY_INDEX = "_id_"
_NARROWER: Mapping[str, Callable[[Any, Any], Any]] = {"$gte": max, "$gt": max, "$lt": min}


class PageQuery:
    """One page. Raises `ValueError` for a range that the table's declaration does not allow."""

    def __init__(self, shape: Shape, rows: RowRange) -> None:
        names = _index_fields(shape, rows)
        self.hint = shape.physical.get(rows.index, KEY_INDEX)
        """The name of the index that answers it."""
        self._descending = rows.descending
        fixed, behind = names[: len(rows.equals)], names[len(rows.equals) :]
        self._kinds = [*(shape.table.fields[name] for name in behind), IndexType.TEXT]
        self._behind = [*(shape.columns[name] for name in behind), KEY]
        direction = -1 if rows.descending else 1
        self.sort = [(column, direction) for column in self._behind]
        """The order of the index behind what `equals` fixes."""

        def stored(place: int, value: IndexValue) -> Stored:
            if place < len(behind):
                return shape.stored(behind[place], value)
            if not isinstance(value, str):
                raise ValueError(f"a key of {shape.table.name} is text")
            return value

        self._start: _Conditions = {}
        for name, value in zip(fixed, rows.equals, strict=True):
            word = shape.table.fields[name] is IndexType.WORDS
            self._equal(shape.columns[name], _word(value) if word else shape.stored(name, value))
        self._bounded = rows.bounded
        if rows.at_least is not None:
            self._start = _also(self._start, self._behind[0], "$gte", stored(0, rows.at_least))
        if rows.at_most is not None:
            self._start = self._up_to(stored(0, rows.at_most))
        self._after = [stored(place, value) for place, value in enumerate(rows.after or ())]
        self.is_empty = rows.limit <= 0 or any(
            value is None and shape.table.fields[name] is IndexType.WORDS
            for name, value in zip(fixed, rows.equals, strict=True)
        )
        """Whether no row can be in it: no word is None."""

    def _equal(self, column: str, value: Stored) -> None:
        self._start = _also(self._start, column, "$eq", value)

    def _up_to(self, value: Stored) -> _Conditions:
        """The start, and the first field behind it at most a value: below the next one.

        SecantusDB loses the bound itself where it chooses the index.
        """
        column = self._behind[0]
        if value == HIGHEST_INT:
            return _also(self._start, column, "$gte", lowest(self._kinds[0]))
        following = value + 1 if isinstance(value, int) else f"{value}\0"
        return _also(self._start, column, "$lt", following)

    def pieces(self) -> list[dict[str, Any]]:
        """The filters whose rows, one filter's behind the other's, are the page."""
        return [_filter(conditions) for conditions in self._pieces()]

    def _pieces(self) -> Iterator[_Conditions]:
        if not self._after:
            yield self._start
            return
        for place in range(len(self._behind) - 1, -1, -1):
            piece = self._start
            for column, value in zip(self._behind[:place], self._after, strict=False):
                piece = _also(piece, column, "$eq", value)
            column, value = self._behind[place], self._after[place]
            if self._descending:
                if value is not None:  # nothing is before None
                    yield _also(piece, column, "$lt", value)
                    if column != KEY and not (place == 0 and self._bounded):
                        yield _also(piece, column, "$eq", None)
            elif value is None:
                yield _also(piece, column, "$gte", lowest(self._kinds[place]))
            else:
                yield _also(piece, column, "$gt", value)

    def overlapping(self) -> dict[str, Any] | None:
        """One filter for the page and the rows before it that have the same first field.

        None where the pieces are one filter anyway, or where None is what they have.
        """
        if len(self._after) < 2 or self._after[0] is None:
            return None
        if self._descending:
            return _filter(self._up_to(self._after[0]))
        return _filter(_also(self._start, self._behind[0], "$gte", self._after[0]))

    @property
    def overlap_is_whole(self) -> bool:
        """Whether no row of the range is left out by `overlapping`: going down it has no None."""
        return self._bounded or not self._descending

    def is_behind(self, document: Mapping[str, Any]) -> bool:
        """Whether a document comes behind the last row of the page before."""
        here = [_order(document.get(column)) for column in self._behind]
        last = [_order(value) for value in self._after]
        return here < last if self._descending else here > last


def _index_fields(shape: Shape, rows: RowRange) -> Sequence[str]:
    if rows.index == "":
        names: tuple[str, ...] = ()
    elif rows.index in shape.indexes:
        shape.indexes[rows.index].check(rows)
        names = shape.indexes[rows.index].fields
    else:
        raise ValueError(f"{shape.table.name} has no index {rows.index}")
    if len(rows.equals) > len(names):
        raise ValueError(f"index {rows.index} has {len(names)} fields, not {len(rows.equals)}")
    if rows.after is not None and len(rows.after) != len(names) - len(rows.equals) + 1:
        raise ValueError("`after` holds the fields behind `equals`, and the key")
    if names and shape.words_field(shape.indexes[rows.index]) in names[len(rows.equals) :]:
        raise ValueError(f"index {rows.index}: name the word, or a row would come once for each")
    return names


def _word(value: IndexValue) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError("a search word is text")


def _also(conditions: _Conditions, column: str, operator: str, value: Any) -> _Conditions:
    """One condition more; of two bounds on one side the narrower one stays."""
    before: Any = conditions.get(column, {}).get(operator)
    if before is not None and operator in _NARROWER:
        value = _NARROWER[operator](before, value)
    return {**conditions, column: {**conditions.get(column, {}), operator: value}}


def _filter(conditions: _Conditions) -> dict[str, Any]:
    found: dict[str, Any] = {
        column: operators["$eq"] if operators.keys() == {"$eq"} else dict(operators)
        for column, operators in conditions.items()
    }
    if all(value is None for operators in conditions.values() for value in operators.values()):
        found[KEY] = {"$gte": ""}  # not the marker, which has None everywhere
    return found


def _order(stored: Any) -> tuple[bool, Any]:
    """None first; the others of a field are all of one type."""
    return (stored is not None, stored)
