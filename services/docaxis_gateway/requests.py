"""`GET /requests`: what the caller asked lately (see `request_log`)."""

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_eventsourcing.cursors import decode_cursor, encode_cursor
from docaxis_gateway.answers import json_answer, moment
from docaxis_gateway.authentication import AnybodyDep
from docaxis_gateway.openapi import PAGE, problems
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_gateway.request_log import Entry, Place
from docaxis_gateway.response_models import RequestPage

router = APIRouter(tags=["access"])


@router.get("/requests", responses={200: {"model": RequestPage}, **problems(*PAGE, only="")})
async def list_requests(
    caller: AnybodyDep, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Response:
    """The caller's own requests of the last 30 days, the newest first, a second after each."""
    place = decode_cursor(cursor, 0, Place, None)
    entries, following = await caller.gateway.request_log.page(caller.system_id, place, limit)
    cursor_after = encode_cursor(0, following) if following is not None else ""
    return json_answer(page([_shown(each) for each in entries], cursor_after))


def _shown(entry: Entry) -> dict[str, object]:
    return {
        "at": moment(entry.at),
        "method": entry.method,
        "route": entry.route,
        "status": entry.status,
        "code": entry.code or None,
        "request_id": entry.request_id,
        "duration_ms": entry.duration_ms,
        "bytes_received": entry.received,
        "bytes_sent": entry.sent,
    }
