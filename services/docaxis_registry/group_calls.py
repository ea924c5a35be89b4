"""The registry's calls about recipient groups."""

from collections.abc import Sequence
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_registry import queries, rendering
from docaxis_registry.asking import Asking, limited
from docaxis_registry.domain import RecipientGroupState, messages
from docaxis_registry.domain.groups import MOST_MEMBERS
from docaxis_registry.suggestions import suggest

_MOST_ASKED = 500


class GroupCalls(Asking):
    """Raises `DocaxisError`."""

    async def SetRecipientGroup(
        self, request: rpc.SetRecipientGroupRequest, context: Any
    ) -> rpc.RecipientGroup:
        """Members are told by codes as they are valid today; a merged one's successor is meant."""
        limited("members", request.member_codes, MOST_MEMBERS)
        members = await self._members(request.member_codes)
        key = request.idempotency_key
        owner = request.owner_organisation_id
        group_id = request.group_id or (derived_id("group", owner, key) if key else new_id())
        command = messages.SetRecipientGroup(group_id, owner, request.name, members)
        await self._decided("SetRecipientGroup", command, request)
        state = RecipientGroupState(group_id, owner, request.name, members)
        return (await self._shown_groups([state]))[0]

    async def RemoveRecipientGroup(
        self, request: rpc.RemoveRecipientGroupRequest, context: Any
    ) -> rpc.ChangeReply:
        """Documents that were sent to it keep their recipients."""
        command = messages.RemoveRecipientGroup(request.group_id)
        await self._decided("RemoveRecipientGroup", command, request)
        return rpc.ChangeReply(id=request.group_id)

    async def ListRecipientGroups(
        self, request: rpc.ListRecipientGroupsRequest, context: Any
    ) -> rpc.ListRecipientGroupsReply:
        """Those that exist, in the order asked; unknown ones are left out."""
        limited("group_ids", request.group_ids, _MOST_ASKED)
        if not request.group_ids:
            owners = dict.fromkeys(request.owner_organisation_ids)
            groups = await queries.groups_of(self._directory, owners)
            return rpc.ListRecipientGroupsReply(groups=await self._shown_groups(groups))
        found = await queries.find_groups(self._directory, request.group_ids)
        if set(request.group_ids) - found.keys():
            await self._pass_end()
            found = await queries.find_groups(self._directory, request.group_ids)
        groups = [found[each] for each in dict.fromkeys(request.group_ids) if each in found]
        return rpc.ListRecipientGroupsReply(groups=await self._shown_groups(groups))

    async def _members(self, codes: Sequence[str]) -> tuple[str, ...]:
        today = self._today()
        found = await queries.resolve_codes(self._directory, codes, today)
        if set(codes) - found.keys():
            await self._pass_end()
            found = await queries.resolve_codes(self._directory, codes, today)
        for place, code in enumerate(codes):
            if code not in found:
                suggestions = await suggest(self._directory, code, today)
                params = {"organisation": code}
                problem = FieldProblem(f"/members/{place}", "unknown_organisation", params)
                raise DocaxisError(
                    "unknown_organisation", params, fields=(problem,), suggestions=suggestions
                )
        meant = await queries.present(self._directory, found.values(), today)
        ids = (meant[found[code].organisation_id].organisation.organisation_id for code in codes)
        return tuple(dict.fromkeys(ids))

    async def _shown_groups(
        self, groups: Sequence[RecipientGroupState]
    ) -> list[rpc.RecipientGroup]:
        named = {
            each for group in groups for each in (group.owner_organisation_id, *group.member_ids)
        }
        organisations = await queries.find_organisations(self._directory, sorted(named))
        today = self._today()
        meant = await queries.present(self._directory, organisations.values(), today)
        return [rendering.group(each, meant, today) for each in groups]
