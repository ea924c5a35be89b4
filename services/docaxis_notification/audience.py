"""Who is told of a batch of events, gathered from the views for the reactions."""

from collections.abc import Sequence
from typing import Any

from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_notification.happenings import Happening, happenings
from docaxis_notification.reactions import Audience, Subscribers
from docaxis_notification.views import document_types, subscribers


class AudienceLookup:
    """Who is told of a batch of events; asked once for all of them.

    The first time it waits until the views have passed their ends: after a start, whoever had
    been told that a subscription stands must not miss what happened since.
    """

    def __init__(
        self, webhooks: ViewReader, systems: ViewReader, documents: ViewReader, partitions: int
    ) -> None:
        self._webhooks = webhooks
        self._systems = systems
        self._documents = documents
        self._partitions = partitions
        self._current = False

    async def __call__(self, events: Sequence[Any]) -> Sequence[Audience]:
        """One result an event. Raises `DocaxisError` `read_stale` while the views are behind."""
        told = [each for event in events for each in happenings(event)]
        if not self._current:
            for partition in range(self._partitions):
                await self._webhooks.pass_end(partition)
                await self._systems.pass_end(partition)
            self._current = True
        concerned = {each.organisation_id for each in told}
        found = await subscribers(self._webhooks, self._systems, concerned)
        wanted = {each.document_id for each in told if _asks_for_types(found, each)}
        types = await document_types(self._documents, wanted, self._partitions) if wanted else {}
        return [Audience(found, types)] * len(events)


def _asks_for_types(found: Subscribers, happening: Happening) -> bool:
    return any(each.document_types for each in found.get(happening.organisation_id, ()))
