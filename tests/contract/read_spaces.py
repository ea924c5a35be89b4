"""A space with letters and names, which tests of every `ReadStore` write to."""

from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import (
    Changes,
    Index,
    IndexType,
    IndexValue,
    ReadStore,
    Row,
    RowRange,
    Table,
)

LETTERS = Table(
    "letters",
    {
        "org": IndexType.TEXT,
        "number": IndexType.INT,
        "mark": IndexType.BYTES,
        "words": IndexType.WORDS,
    },
    (
        Index("by_org", ("org", "number")),
        Index("by_mark", ("mark",)),
        Index("by_word", ("words", "number")),
        Index("by_org_word", ("org", "words", "number")),
    ),
    ("seen", "sent"),
)


NAMES = Table("names", {"code": IndexType.TEXT}, (Index("code", ("code",), unique=True),))
SPACE = "status_views_1"


class Space:
    """Applies changes one behind the other, as a projector does."""

    def __init__(self, store: ReadStore) -> None:
        self.store = store
        self.at: Position | None = None

    async def apply(self, changes: Changes, table: str = "letters") -> None:
        end = Position(
            (self.at.version if self.at else 0) + 1, (self.at.place if self.at else 0) + 3
        )
        await self.store.apply(SPACE, 0, self.at, end, {table: changes})
        self.at = end

    async def range(self, rows: RowRange) -> list[str]:
        return [row.key for row in await self.store.range(SPACE, "letters", rows)]

    async def get(self, key: str) -> Row | None:
        return (await self.store.get(SPACE, "letters", [key])).get(key)


def letter(key: str, blob: bytes = b"", **fields: IndexValue) -> Row:
    return Row(key, blob, fields)
