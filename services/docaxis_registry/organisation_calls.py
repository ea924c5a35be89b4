"""The registry's calls about organisations."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from docaxis_eventsourcing.cursors import Number, decode_cursor, encode_cursor, page_limit
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_registry import queries, rendering
from docaxis_registry.asking import Asking, fault, limited
from docaxis_registry.codec import CODEC
from docaxis_registry.domain import OrganisationState, messages
from docaxis_registry.domain.organisations import first_id
from docaxis_registry.suggestions import suggest

MOST_ENTRIES = 500
MOST_CODES = 500
MOST_SUGGESTED = 20
"""Unknown codes of one call that get suggestions."""


class OrganisationCalls(Asking):
    """Raises `DocaxisError`."""

    async def RegisterOrganisations(
        self, request: rpc.RegisterOrganisationsRequest, context: Any
    ) -> rpc.RegisterOrganisationsReply:
        """An entry without id means the organisation whose code it names, or a new one."""
        if not request.entries:
            raise fault("field_required", "entries")
        limited("entries", request.entries, MOST_ENTRIES)
        known = await queries.present_ids(self._directory, [each.code for each in request.entries])
        command = messages.RegisterOrganisations(
            tuple(_entry(each, known) for each in request.entries)
        )
        method = "RegisterOrganisations"
        if request.bulk:
            answer = await self._decided_in_bulk(method, command, request, context)
        else:
            answer = await self._decided(method, command, request)
        results = [
            rpc.OrganisationResult(
                code=each.key,
                organisation_id=each.organisation_id,
                result=each.result,
                pointer=each.pointer,
            )
            for each in answer.entries
        ]
        return rpc.RegisterOrganisationsReply(results=results)

    async def ResolveCodes(
        self, request: rpc.ResolveCodesRequest, context: Any
    ) -> rpc.ResolveCodesReply:
        """Codes and aliases as they are valid today; what is not found has suggestions.

        What was merged is resolved to the organisation that it became.
        """
        limited("codes", request.codes, MOST_CODES)
        limited("organisation_ids", request.organisation_ids, MOST_CODES)
        today = self._today()
        asked, ids = request.codes, request.organisation_ids
        by_code = await queries.resolve_codes(self._directory, asked, today)
        by_id = await queries.find_organisations(self._directory, ids)
        if set(asked) - by_code.keys() or set(ids) - by_id.keys():
            await self._pass_end()
            by_code = await queries.resolve_codes(self._directory, asked, today)
            by_id = await queries.find_organisations(self._directory, ids)
        unknown = list(dict.fromkeys(code for code in asked if code not in by_code))
        suggestions = {
            code: await suggest(self._directory, code, today) for code in unknown[:MOST_SUGGESTED]
        }
        meant = await queries.present(self._directory, by_code.values(), today)
        resolutions = [
            rendering.resolution(
                code,
                meant[by_code[code].organisation_id] if code in by_code else None,
                today,
                suggestions.get(code, ()),
            )
            for code in asked
        ]
        # By its id an organisation is what it is, merged or not: ids stand in history.
        itself = await queries.present(self._directory, by_id.values(), today)
        resolutions += [
            rpc.Resolution(
                asked=each,
                organisation=rendering.organisation(itself[each], today)
                if each in itself
                else None,
            )
            for each in ids
        ]
        return rpc.ResolveCodesReply(resolutions=resolutions)

    async def ListOrganisations(
        self, request: rpc.ListOrganisationsRequest, context: Any
    ) -> rpc.ListOrganisationsReply:
        """A page may be short although there is more behind it: `next` tells."""
        after = decode_cursor(request.cursor, self._epoch, tuple[str, str], None)
        limit = page_limit(request.limit)
        version = await queries.directory_version(self._directory, self._store)
        page = await queries.list_organisations(self._directory, request.query, after, limit)
        if not page.organisations and after is None:
            await self._pass_end()
            page = await queries.list_organisations(self._directory, request.query, after, limit)
        return rpc.ListOrganisationsReply(
            organisations=await self._rendered(page.organisations),
            next=encode_cursor(self._epoch, page.after) if page.after else "",
            version=version,
            epoch=self._epoch,
        )

    async def ChangedOrganisations(
        self, request: rpc.ChangedOrganisationsRequest, context: Any
    ) -> rpc.ChangedOrganisationsReply:
        """By version, so that a page never skips what changes meanwhile."""
        after = decode_cursor(request.cursor, self._epoch, tuple[Number, str], None)
        since = request.since if request.since_epoch == self._epoch else 0
        page = await queries.changed_organisations(
            self._directory, self._store, since, after, page_limit(request.limit)
        )
        return rpc.ChangedOrganisationsReply(
            organisations=await self._rendered(page.organisations),
            next=encode_cursor(self._epoch, page.after) if page.after else "",
            version=page.version,
            epoch=self._epoch,
        )

    async def LockOrganisation(
        self, request: rpc.LockOrganisationRequest, context: Any
    ) -> rpc.ChangeReply:
        """Lock or unlock."""
        command = messages.LockOrganisation(request.organisation_id, request.locked)
        await self._decided("LockOrganisation", command, request)
        return rpc.ChangeReply(id=request.organisation_id)

    async def SetSignaturePolicy(
        self, request: rpc.SetSignaturePolicyRequest, context: Any
    ) -> rpc.ChangeReply:
        """Of one document type, or the default."""
        command = messages.SetSignaturePolicy(
            request.organisation_id, request.document_type, request.policy
        )
        await self._decided("SetSignaturePolicy", command, request)
        return rpc.ChangeReply(id=request.organisation_id)

    async def MergeOrganisations(
        self, request: rpc.MergeOrganisationsRequest, context: Any
    ) -> rpc.ChangeReply:
        """For ever: there is no way back yet."""
        command = messages.MergeOrganisations(
            tuple(request.organisation_ids), request.into_organisation_id, request.merged_on
        )
        await self._decided("MergeOrganisations", command, request)
        return rpc.ChangeReply(id=request.into_organisation_id)

    async def _rendered(self, states: Iterable[OrganisationState]) -> list[rpc.Organisation]:
        today = self._today()
        meant = await queries.present(self._directory, states, today)
        return [rendering.organisation(each, today) for each in meant.values()]


def _entry(entry: Any, known: dict[str, str]) -> messages.OrganisationEntry:
    """An entry with its organisation's id: as told, of the code's holder, or a new one's."""
    told: messages.OrganisationEntry = CODEC.from_message(entry)
    if told.organisation_id:
        return told
    return replace(told, organisation_id=known.get(told.code) or first_id(told.code))
