"""Statuses that fit no delivery so far: held (rule L30), and listed for those who reported them.

One row for each delivery as seen by an organisation, removed when the delivery becomes known. What
stays names a delivery that does not exist, or another's; its reporter cannot tell which.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from docaxis_eventsourcing.ports.read_store import Row, RowRange, Table
from docaxis_eventsourcing.view import Rows
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_status.domain.messages import Status

UNMATCHED = "unmatched"
UNMATCHED_TABLE = Table(UNMATCHED)


@dataclass(frozen=True, slots=True)
class Held:
    """A status that was kept. `held_since` is the axis's log time, Unix ms."""

    organisation_id: str
    delivery_id: str
    document_id: str
    code: str
    claimed_at: str
    system_id: str
    held_since: int


_decode = msgspec.msgpack.Decoder(tuple[Held, ...]).decode


def unmatched_key(organisation_id: str, delivery_id: str) -> str:
    """The row of a delivery as seen by an organisation."""
    return f"{organisation_id}.{delivery_id}"


def project_held(rows: Rows, organisation_id: str, status: Status, at: int) -> None:
    """A status came before its delivery."""
    key = unmatched_key(organisation_id, status.delivery_id)
    row = rows.get(UNMATCHED, key)
    held = Held(
        organisation_id,
        status.delivery_id,
        status.document_id,
        status.code,
        status.claimed_at,
        status.system_id,
        at,
    )
    before = _decode(row.blob) if row else ()
    rows.put(UNMATCHED, Row(key, msgspec.msgpack.encode((*before, held))))


def project_matched(rows: Rows, organisation_id: str, delivery_id: str) -> None:
    """The delivery became known; few have a row here, and only those cost a removal."""
    key = unmatched_key(organisation_id, delivery_id)
    if rows.get(UNMATCHED, key) is not None:
        rows.remove(UNMATCHED, key)


async def unmatched_of(
    reader: ViewReader, organisation_ids: Sequence[str], after: str, limit: int
) -> tuple[list[Held], str]:
    """A page by organisation and delivery, and the key behind which the next begins; "": no more.

    A delivery's statuses stay together: a page ends with the last delivery that fits whole, and
    holds at least one.
    """
    found: list[Held] = []
    last = after
    for organisation_id in sorted(set(organisation_ids)):
        start = f"{organisation_id}."
        if after and start < after[: len(start)]:
            continue
        rows = await reader.range(
            UNMATCHED,
            RowRange(
                "",
                at_least=start,
                at_most=f"{start}\uffff",
                after=(after,) if after.startswith(start) else None,
                limit=limit,
            ),
        )
        for row in rows:
            held = _decode(row.blob)
            if found and len(found) + len(held) > limit:
                return found, last
            found += held
            last = row.key
        if len(found) >= limit:
            return found, last
    return found, ""
