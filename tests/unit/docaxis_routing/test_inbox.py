"""The inbox's long-poll: no wake-up is missed, and no cursor breaks it."""

from typing import Any, cast
from uuid import UUID

import msgspec
import pytest

from docaxis_eventsourcing.cursors import encode_cursor
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import Row
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_routing.card import Card, Cards
from docaxis_routing.domain.deliveries import READY
from docaxis_routing.domain.messages import DocumentBrief
from docaxis_routing.inbox import Inbox
from docaxis_routing.views import DeliveryRow

ORGANISATION = "8f3fd46a-94d7-8e29-b8b4-b5c53db73ea0"


class _Store:
    """A view that is projected while its first query is under way."""

    def __init__(self) -> None:
        self.reader: ViewReader | None = None
        self.rows: list[Row] = []

    async def range(self, *_: Any) -> list[Row]:
        found = list(self.rows)
        if not found and self.reader is not None:
            self.rows.append(_delivery())
            self.reader.changed(0, Position(1, 1))
        return found


class _Cards:
    async def read(self, *_: Any) -> Card:
        return Card()


class _Attentive(ViewReader):
    """Never wakes up by the clock: news before the wait must be told by `since`."""

    async def wait_for_news(self, wait_s: float, since: int | None = None) -> bool:
        if since is None or since == self.changes:
            raise AssertionError("the wake-up between query and wait was missed")
        return True


def _delivery() -> Row:
    brief = DocumentBrief("d", "s", "G22", "y", "1", "new", "1", "CV", "", 1, "", 0, "c", ())
    row = DeliveryRow("v", ORGANISATION, "H26", READY, "", 1, 1, 0, brief)
    return Row("v", msgspec.msgpack.encode(row))


def _inbox(store: _Store) -> Inbox:
    reader = _Attentive("inbox", "t", cast(Any, None), cast(Any, store))
    reader.serve("space")
    store.reader = reader
    return Inbox(reader, cast(Cards, _Cards()), 1)


async def test_news_that_come_while_the_inbox_is_read_are_not_waited_for() -> None:
    request = pb.GetInboxRequest(organisation_ids=[ORGANISATION], wait_s=30.0)
    page = await _inbox(_Store()).page(request)
    assert [each.delivery_id for each in page.deliveries] == ["v"]


@pytest.mark.parametrize("number", [2**63 - 1, 2**64 - 1, -1])
async def test_a_cursor_with_a_number_that_nobody_gave_is_refused(number: int) -> None:
    cursor = encode_cursor(1, {UUID(ORGANISATION).bytes: number})
    request = pb.GetInboxRequest(organisation_ids=[ORGANISATION], cursor=cursor)
    with pytest.raises(DocaxisError) as refused:
        await _inbox(_Store()).page(request)
    assert refused.value.code == "cursor_invalid"
