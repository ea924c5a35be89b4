"""The order of an import: parents before their children, in slices that fit a message.

What one wave holds needs nothing of its own wave, so that its slices may be under way together and
be decided in any order. A circle of parents comes last, to be answered by the registry.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docaxis_registry.imports.rows import ImportRow, RowFault

MOST_ROWS = 500
MOST_BYTES = 96 * 1024
"""Of one slice; a command has 256 KB (rule L9), and its answer names each row again."""

Slice = Sequence[ImportRow]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Waves of slices, and the rows that cannot be sent."""

    waves: tuple[tuple[Slice, ...], ...]
    faults: tuple[RowFault, ...]
    rows: int


def plan(rows: Sequence[ImportRow | RowFault]) -> ImportPlan:
    """Put rows in order; a second row of the same code is `row_duplicate`."""
    faults = [each for each in rows if isinstance(each, RowFault)]
    by_code: dict[str, ImportRow] = {}
    for row in rows:
        if isinstance(row, ImportRow):
            if row.entry.code in by_code:
                faults.append(RowFault(row.line, row.entry.code, "row_duplicate", "/code"))
            else:
                by_code[row.entry.code] = row
    depths = _depths(by_code)
    waves: dict[int, list[ImportRow]] = {}
    for row in by_code.values():
        waves.setdefault(depths[row.entry.code], []).append(row)
    return ImportPlan(
        tuple(tuple(_slices(waves[depth])) for depth in sorted(waves)),
        tuple(faults),
        len(rows),
    )


def _depths(by_code: dict[str, ImportRow]) -> dict[str, int]:
    """How many parents of each row are in the file. Without recursion: files are hostile."""
    holders = {alias.code: code for code, row in by_code.items() for alias in row.entry.aliases}
    depths: dict[str, int] = {}
    for first in by_code:
        path: dict[str, None] = {}
        code = first
        while code not in depths and code not in path:
            path[code] = None
            parent = by_code[code].entry.parent_code
            above = parent if parent in by_code else holders.get(parent, "")
            if above not in by_code:
                depths[code] = 0
                break
            code = above
        # From the highest that is known down to the first; within a circle any order is as good.
        depth = depths.get(code, -1)
        for each in reversed(path):
            if each not in depths:
                depth += 1
                depths[each] = depth
    return depths


def _slices(rows: Sequence[ImportRow]) -> Iterator[Slice]:
    found: list[ImportRow] = []
    size = 0
    for row in rows:
        more = row.entry.ByteSize() + 4
        if found and (len(found) == MOST_ROWS or size + more > MOST_BYTES):
            yield found
            found, size = [], 0
        found.append(row)
        size += more
    if found:
        yield found
