"""`GET /events`: what happens to the caller's organisations, as it happens, by ids alone."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_gateway.authentication import CallerDep
from docaxis_gateway.event_stream import EventStream, resumed_pages
from docaxis_gateway.openapi import problems
from docaxis_gateway.organisation_scope import served_organisation
from docaxis_gateway.problems import field_error
from docaxis_gateway.request_models import EventType
from docaxis_gateway.text_rules import OrganisationCode
from docaxis_proto import notification_v1_pb2

router = APIRouter(tags=["events"])

LAST_EVENT_ID: dict[str, Any] = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The last id that came, to resume behind it; counts more than `cursor`.",
    "schema": {"type": "string"},
}
_LONGEST_CURSOR = 16_384


@router.get(
    "/events",
    openapi_extra={"parameters": [LAST_EVENT_ID]},
    responses={
        200: {
            "description": "Server-Sent Events without end.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(
            "unknown_organisation",
            "organisation_not_served",
            "cursor_invalid",
            "field_invalid",
            "field_required",
            "field_too_long",
            "too_many_items",
        ),
    },
    response_class=Response,
)
async def watch_events(
    caller: CallerDep,
    event_types: Annotated[
        list[EventType], Query(alias="type", max_length=20, description="Only these; else all.")
    ] = [],  # noqa: B006 - FastAPI copies it
    organisations: Annotated[
        list[OrganisationCode],
        Query(alias="organisation", max_length=500, description="Only of these; else of all."),
    ] = [],  # noqa: B006
    cursor: Annotated[
        str, Query(max_length=_LONGEST_CURSOR, description="An id of this stream to resume behind.")
    ] = "",
) -> Response:
    """A stream of what happens from now on, or from behind a cursor; it never skips."""
    last = caller.request.headers.get("last-event-id", "")
    if len(last) > _LONGEST_CURSOR or not last.isascii():
        raise field_error("/Last-Event-ID", "cursor_invalid")
    organisation_ids = [
        await served_organisation(caller, code, f"/organisation/{index}")
        for index, code in enumerate(organisations)
    ] or list(caller.organisation_ids)
    if not organisation_ids:
        raise field_error("/organisation", "field_required", field="organisation")

    def request_from(at: str) -> notification_v1_pb2.WatchEventsRequest:
        return notification_v1_pb2.WatchEventsRequest(
            system_id=caller.system_id,
            organisation_ids=organisation_ids,
            event_types=event_types,
            cursor=at or last or cursor,
            heartbeat_s=caller.gateway.settings.stream_heartbeat_s,
        )

    pages = resumed_pages(caller, request_from)
    try:
        first = await anext(pages)
    except BaseException:
        await pages.aclose()
        raise
    return EventStream(caller, first, pages)
