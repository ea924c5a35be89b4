"""What one `apply` does to one table, as one bulk write."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pymongo import DeleteMany, UpdateOne

from docaxis_adapters.mongo_store.shapes import KEY, Shape
from docaxis_eventsourcing.ports.read_store import Changes, Increment

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.database import AsyncDatabase

    from docaxis_adapters.mongo_store.driver import Document

_LARGEST_STEP = 2**63 - 1


class PreparedChanges:
    """Checked and laid out before a transaction begins. Raises `ValueError`."""

    def __init__(self, shape: Shape, changes: Changes) -> None:
        self._collection = shape.collection
        self._removals = list(dict.fromkeys(changes.removals))
        # A put and increments of one row are one update; of two puts of a key the last stays.
        self._updates: dict[str, dict[str, Any]] = {
            row.key: {"$set": shape.document(row)} for row in changes.puts
        }
        for key, sums in _sums(shape, changes.increments).items():
            self._updates.setdefault(key, {})["$inc"] = sums

    async def write(
        self, database: "AsyncDatabase[Document]", session: "AsyncClientSession"
    ) -> None:
        """Removals, then puts, which leave counters alone, with increments."""
        calls: list[DeleteMany | UpdateOne] = []
        if self._removals:
            calls.append(DeleteMany({KEY: {"$in": self._removals}}))
        calls += [UpdateOne({KEY: key}, how, upsert=True) for key, how in self._updates.items()]
        if calls:
            await database[self._collection].bulk_write(calls, session=session)


def _sums(shape: Shape, increments: Sequence[Increment]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for increment in increments:
        if increment.counter not in shape.counters:
            raise ValueError(f"{shape.table.name} has no counter {increment.counter}")
        column = shape.counters[increment.counter]
        sums = found.setdefault(increment.key, {})
        sums[column] = sums.get(column, 0) + increment.by
        if abs(sums[column]) > _LARGEST_STEP:
            raise ValueError(f"{shape.table.name}.{increment.counter} counts in 64 bits")
    return found
