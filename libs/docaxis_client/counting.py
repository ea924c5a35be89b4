"""The part of the client that asks for figures, and for what could not be counted anywhere."""

from docaxis_client.calls import Calls, path_of
from docaxis_client.statistics import FeedbackFigures, Statistics, UnmatchedPage


class Counting(Calls):
    """Figures of the whole axis by level, or of the system's own organisations."""

    async def statistics(
        self,
        first: str,
        last: str,
        *,
        by: str = "level",
        organisation: str | None = None,
    ) -> Statistics:
        """Count documents sent and deliveries received, by days in Viet Nam (`2026-11-27`)."""
        query = {"from": first, "to": last, "by": by, "organisation": organisation}
        return await self._get(path_of("/statistics", **query), Statistics)

    async def feedback(
        self,
        first: str,
        last: str,
        *,
        by: str = "level",
        organisation: str | None = None,
    ) -> FeedbackFigures:
        """Count how completely recipients report, by months in Viet Nam (`2026-11`)."""
        query = {"from": first, "to": last, "by": by, "organisation": organisation}
        return await self._get(path_of("/statistics/feedback", **query), FeedbackFigures)

    async def unmatched_statuses(
        self,
        organisation: str | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> UnmatchedPage:
        """List what was reported for deliveries that the axis does not know (yet)."""
        path = path_of("/statuses/unmatched", organisation=organisation, limit=limit, cursor=cursor)
        return await self._get(path, UnmatchedPage)
