"""Remembered rows of the registry's view: never of another stand of it, nor old, nor missing."""

from collections.abc import Sequence
from typing import cast

from docaxis_eventsourcing.ports.read_store import Row
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_routing.registry_rows import KEPT_S, RegistryRows

TABLE = "organisations"


class _Reader:
    """A view whose rows a test changes; counts what it is asked."""

    def __init__(self) -> None:
        self.space, self.changes = "view_1", 0
        self.rows: dict[str, bytes] = {"a": b"1"}
        self.asked: list[str] = []
        self.passed = 0
        self.meanwhile: list[tuple[str, bytes]] = []

    async def get_many(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        assert table == TABLE
        self.asked += keys
        found = {key: Row(key, self.rows[key]) for key in keys if key in self.rows}
        while self.meanwhile:
            self.project(*self.meanwhile.pop())
        return found

    async def get_passing_end(self, table: str, key: str, partition: int) -> Row | None:
        self.passed += 1
        return (await self.get_many(table, (key,))).get(key)

    def project(self, key: str, blob: bytes) -> None:
        self.rows[key] = blob
        self.changes += 1


class _Rows(RegistryRows):
    def __init__(self) -> None:
        self.reader, self.now = _Reader(), 0.0
        super().__init__(cast(ViewReader, self.reader), lambda: self.now)

    async def read(self, *keys: str) -> dict[str, bytes]:
        return {key: row.blob for key, row in (await self.get_many(TABLE, keys)).items()}


async def test_a_row_is_asked_once() -> None:
    rows = _Rows()
    assert await rows.read("a") == await rows.read("a") == {"a": b"1"}
    assert rows.reader.asked == ["a"]


async def test_what_is_projected_is_seen_at_once() -> None:
    rows = _Rows()
    await rows.read("a")
    rows.reader.project("a", b"2")
    assert await rows.read("a") == {"a": b"2"}


async def test_L29_what_another_replica_projected_is_seen_within_a_second() -> None:
    rows = _Rows()
    await rows.read("a")
    rows.reader.rows["a"] = b"2"  # this replica hears nothing of it
    rows.now = KEPT_S
    assert await rows.read("a") == {"a": b"2"}


async def test_a_rebuilt_view_is_read_anew() -> None:
    rows = _Rows()
    await rows.read("a")
    rows.reader.space, rows.reader.rows["a"] = "view_2", b"2"
    assert await rows.read("a") == {"a": b"2"}


async def test_what_was_read_while_something_was_projected_is_not_kept() -> None:
    rows = _Rows()
    rows.reader.meanwhile = [("a", b"2")]
    assert await rows.read("a") == {"a": b"1"}  # asked before
    assert await rows.read("a") == {"a": b"2"}


async def test_L28_a_missing_row_is_asked_again_and_may_pass_the_end() -> None:
    rows = _Rows()
    assert await rows.read("b") == {}
    rows.reader.rows["b"] = b"1"
    assert await rows.read("a", "b") == {"a": b"1", "b": b"1"}
    assert await rows.get_passing_end(TABLE, "c", 0) is None
    assert rows.reader.passed == 1
    found = await rows.get_passing_end(TABLE, "b", 0)
    assert found is not None
    assert rows.reader.passed == 1
