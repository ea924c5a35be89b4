"""`ReadStore` in one SQLite file, for a single process (`docaxis standalone`, tests).

| module | what |
|---|---|
| `read_store` | `SqliteReadStore`: declare, apply, get, range |
| `writer`, `reader` | the writing thread with group commit, the reading threads |
| `shapes`, `schema` | how a declared table lies in SQLite, and the registry of them |
| `range_query` | a page of an index as SQL |
| `unkindness` | an `apply` cut before or after, for tests (L33) |
"""

from docaxis_adapters.sqlite_store.read_store import SqliteReadStore
from docaxis_adapters.sqlite_store.unkindness import StoreUnkindness

__all__ = ["SqliteReadStore", "StoreUnkindness"]
