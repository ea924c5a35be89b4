"""The registry in memory, as `fake_services`; names and times that all of them share."""

from collections.abc import Iterable
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_proto import registry_events_v1_pb2 as registry_events
from docaxis_proto import registry_v1_pb2 as registry

NOW_MS = 1_795_000_000_123


def organisation_id(code: str) -> str:
    return derived_id("organisation", code)


class FakeRegistry:
    """Organisations by code; systems as the test set them up. Only what a gateway asks."""

    def __init__(self) -> None:
        self.organisations: dict[str, registry.Organisation] = {}
        self.seen: list[str] = []
        self.systems: list[registry.System] = []
        self.version = 0
        self.place = 0

    def add(self, code: str, name: str, aliases: Iterable[str] = ()) -> None:
        self.organisations[code] = registry.Organisation(
            organisation_id=organisation_id(code),
            code=code,
            name=name,
            level=1,
            aliases=[registry_events.Alias(code=each, valid_from="2019-01-01") for each in aliases],
        )

    async def SnapshotSystems(self, request: Any, context: Any) -> registry.SnapshotSystemsReply:
        return registry.SnapshotSystemsReply(
            systems=self.systems, version=self.version, place=self.place
        )

    async def ResolveCodes(self, request: Any, context: Any) -> registry.ResolveCodesReply:
        found = []
        for asked in (*request.codes, *request.organisation_ids):
            organisation = self.find(asked)
            suggestions = [] if organisation else sorted(self.organisations)[:1]
            found.append(
                registry.Resolution(asked=asked, organisation=organisation, suggestions=suggestions)
            )
        return registry.ResolveCodesReply(resolutions=found)

    async def NoteSystemsSeen(self, request: Any, context: Any) -> registry.ChangeReply:
        self.seen.extend(request.system_ids)
        return registry.ChangeReply()

    async def ListRecipientGroups(self, request: Any, context: Any) -> Any:
        return registry.ListRecipientGroupsReply()

    async def ChangedOrganisations(self, request: Any, context: Any) -> Any:
        return registry.ChangedOrganisationsReply()

    async def SetRecipientGroup(self, request: Any, context: Any) -> Any:
        raise DocaxisError("recipient_group_unknown")

    RemoveRecipientGroup = SetRecipientGroup

    async def ListOrganisations(self, request: Any, context: Any) -> Any:
        if request.cursor not in ("", "2"):
            raise DocaxisError("cursor_invalid")
        matching = [
            each
            for each in self.organisations.values()
            if request.query.casefold() in each.name.casefold()
        ]
        start = int(request.cursor or 0)
        page = matching[start : start + request.limit]
        more = len(matching) > start + request.limit
        return registry.ListOrganisationsReply(organisations=page, next="2" if more else "")

    def find(self, asked: str) -> registry.Organisation | None:
        for each in self.organisations.values():
            if asked in (each.code, each.organisation_id, *(one.code for one in each.aliases)):
                return each
        return None
