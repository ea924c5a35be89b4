"""`EventLog` in one SQLite file, for a single process (`docaxis standalone`, tests).

| module | what |
|---|---|
| `event_log` | `SqliteEventLog`: open, append, end, tail, join, trim |
| `writer` | the one writing thread: group commit, guards |
| `removal` | what expires, and decided commands, removed in slices (L17) |
| `consumer`, `groups` | group members, generations and fencing (L11) |
| `tail`, `reading`, `record_cache` | readers: newest records from memory, older from the file |
| `streams`, `listeners` | where each topic partition stands; waking who waits |
| `schema`, `record_codec` | what the file holds |
| `importing` | an axis moved into it |
| `unkindness` | the misfortunes of a real broker, for tests (L33) |
"""

from docaxis_adapters.sqlite_log.event_log import SqliteEventLog
from docaxis_adapters.sqlite_log.importing import SqliteNewHome
from docaxis_adapters.sqlite_log.schema import installed_partitions, raise_epoch
from docaxis_adapters.sqlite_log.unkindness import Unkindness

__all__ = [
    "SqliteEventLog",
    "SqliteNewHome",
    "Unkindness",
    "installed_partitions",
    "raise_epoch",
]
