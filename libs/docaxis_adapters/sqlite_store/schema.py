"""The read store's file: the registry of spaces and tables, the checkpoints, and their changes."""

import sqlite3
from collections.abc import Sequence

from docaxis_adapters.sqlite_store.shapes import Shape, from_stored, to_stored
from docaxis_eventsourcing.ports.read_store import Table

_TABLES = """
CREATE TABLE IF NOT EXISTS space (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS declared (
  number INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, name TEXT NOT NULL,
  shape BLOB NOT NULL, UNIQUE (space, name)
);
CREATE TABLE IF NOT EXISTS checkpoint (
  space TEXT NOT NULL, partition INTEGER NOT NULL, version INTEGER NOT NULL,
  place INTEGER NOT NULL, PRIMARY KEY (space, partition)
) WITHOUT ROWID;
"""

Shapes = dict[str, dict[str, Shape]]
"""By space, then by table."""


def load(connection: sqlite3.Connection) -> Shapes:
    """Create the registry where it is missing, and read it."""
    connection.executescript(_TABLES)
    shapes: Shapes = {name: {} for (name,) in connection.execute("SELECT name FROM space")}
    for number, space, name, stored in connection.execute(
        "SELECT number, space, name, shape FROM declared ORDER BY number"
    ):
        shapes[space][name] = Shape(number, from_stored(stored))
    return shapes


def declare(
    connection: sqlite3.Connection, space: str, tables: Sequence[Table]
) -> dict[str, Shape]:
    """Create what is missing; tells the space's shapes. Raises `ValueError` on a changed one."""
    connection.execute("INSERT OR IGNORE INTO space VALUES (?)", (space,))
    # Read within the transaction: somebody else may have declared the space a moment ago.
    shapes = {
        name: Shape(number, from_stored(stored))
        for number, name, stored in connection.execute(
            "SELECT number, name, shape FROM declared WHERE space = ? ORDER BY number", (space,)
        )
    }
    for table in tables:
        if (known := shapes.get(table.name)) is not None:
            if to_stored(known.table.lasting) != to_stored(table.lasting):
                raise ValueError(f"{space}.{table.name} was declared with another shape")
            shapes[table.name] = _as_sparse(connection, known, table)
            continue
        cursor = connection.execute(
            "INSERT INTO declared (space, name, shape) VALUES (?, ?, ?)",
            (space, table.name, to_stored(table)),
        )
        shape = Shape(int(cursor.lastrowid or 0), table)
        for statement in shape.create():
            connection.execute(statement)
        shapes[table.name] = shape
    return shapes


def _as_sparse(connection: sqlite3.Connection, known: Shape, table: Table) -> Shape:
    if to_stored(known.table) == to_stored(table):
        return known
    for statement in known.sparse_as(table):
        connection.execute(statement)
    connection.execute(
        "UPDATE declared SET shape = ? WHERE number = ?", (to_stored(table), known.number)
    )
    return Shape(known.number, table)


def drop(connection: sqlite3.Connection, space: str, shapes: dict[str, Shape]) -> None:
    """Remove a space with everything in it."""
    for shape in shapes.values():
        for physical in (shape.physical, *shape.word_tables.values()):
            connection.execute(f"DROP TABLE {physical}")
    for table, column in (("declared", "space"), ("checkpoint", "space"), ("space", "name")):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (space,))  # noqa: S608
