"""The inbox: what is open in the mailboxes of some organisations, by a cursor that never skips.

Without a cursor it lists all that is open; the cursor only waits for news. It holds the last
mailbox number seen of each organisation: numbers are given by one writer, in the order in which
deliveries became ready, and a view row appears with its number or not at all (rule L24), so no
delivery below a seen number can turn up later. An organisation that is not in the cursor (newly
served) is listed from its start.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import msgspec

from docaxis_eventsourcing.cursors import (
    Number,
    decode_cursor,
    encode_cursor,
    page_limit,
    page_wait,
)
from docaxis_eventsourcing.ports.read_store import Row, RowRange
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_routing.card import Cards
from docaxis_routing.queries import delivery_message, document_message
from docaxis_routing.views import DELIVERIES, DeliveryRow, read_delivery
from docaxis_runtime.telemetry import link_to

ALIVE_S = 25.0
"""How often who watches hears something."""
_OPEN = 1
_Seen = dict[Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)], Number]
"""Organisation (the 16 bytes of its id: a system may serve hundreds) -> number seen."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """The inbox of one replica."""

    deliveries: ViewReader
    cards: Cards
    epoch: int

    async def page(self, request: pb.GetInboxRequest) -> pb.GetInboxReply:
        """Open deliveries behind the cursor, waiting up to `wait_s` where there are none.

        Raises `DocaxisError` `limit_invalid`, `cursor_invalid`.
        """
        limit, wait_s = page_limit(request.limit), page_wait(request.wait_s)
        told = decode_cursor(request.cursor, self.epoch, _Seen, _Seen())
        seen = {str(UUID(bytes=each)): number for each, number in told.items()}
        found = await self.deliveries.read_until(
            wait_s, lambda: self._open(request.organisation_ids, seen, limit), bool
        )
        for each in found:
            seen[each.organisation_id] = each.mailbox_number
            link_to(each.traceparent)
        items = await asyncio.gather(*(self._item(each) for each in found))
        told = {UUID(each).bytes: number for each, number in seen.items()}
        return pb.GetInboxReply(deliveries=items, next=encode_cursor(self.epoch, told))

    async def watch(self, request: pb.GetInboxRequest) -> AsyncGenerator[pb.GetInboxReply, None]:
        """Pages without end, each behind the one before; an empty one where nothing came for long.

        Raises `DocaxisError` as `page` does: whoever watches goes on behind its last `next`.
        """
        asked = pb.GetInboxRequest()
        asked.CopyFrom(request)
        asked.wait_s = request.wait_s or ALIVE_S
        while True:
            page = await self.page(asked)
            yield page
            asked.cursor = page.next

    async def _open(
        self, organisations: Sequence[str], seen: Mapping[str, int], limit: int
    ) -> list[DeliveryRow]:
        found: list[DeliveryRow] = []
        for organisation_id in organisations:
            if len(found) == limit:
                break
            rows: Sequence[Row] = await self.deliveries.range(
                DELIVERIES,
                RowRange(
                    "inbox",
                    (organisation_id, _OPEN),
                    at_least=seen.get(organisation_id, 0) + 1,
                    limit=limit - len(found),
                ),
            )
            found += [read_delivery(row) for row in rows]
        return found

    async def _item(self, delivery: DeliveryRow) -> pb.Delivery:
        brief = delivery.brief
        card = await self.cards.read(brief.document_id, brief.card_digest)
        message = delivery_message(delivery)
        message.document.CopyFrom(document_message(brief, card))
        return message
