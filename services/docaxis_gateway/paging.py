"""Query parameters of pages, and the page as an answer."""

from typing import Annotated, Any

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=500, description="Items of a page.")]
Cursor = Annotated[
    str,
    Query(
        max_length=16_384,
        description="`next` of the page before.",
        # Told, not checked here: what is no cursor has a code of its own.
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]*$"},
    ),
]
Wait = Annotated[
    float, Query(ge=0, le=50, description="Seconds to wait for news where there is nothing.")
]
OrganisationQuery = Annotated[
    str | None, Query(max_length=35, description="One of those that the system serves.")
]

DEFAULT_LIMIT = 100

POLL_GRACE_S = 10.0
"""A call that waits for news has its wait and this."""


def page(items: list[dict[str, Any]], next_cursor: str) -> dict[str, Any]:
    """A page; `next` is null where the service says that nothing follows."""
    return {"items": items, "next": next_cursor or None}
