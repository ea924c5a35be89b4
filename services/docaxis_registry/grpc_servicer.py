"""The registry's RPCs: protobuf <-> commands and queries, nothing else."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from docaxis_eventsourcing.cursors import decode_cursor, encode_cursor, page_limit
from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_eventsourcing.moments import day_in_vietnam
from docaxis_eventsourcing.outcomes import answer_of
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_proto import registry_v1_pb2_grpc as rpc_grpc
from docaxis_registry import views
from docaxis_registry.codec import CODEC
from docaxis_registry.credentials import read_credential
from docaxis_registry.domain import OrganisationState, SystemState, messages
from docaxis_registry.domain.organisations import first_id
from docaxis_registry.settings import RegistrySettings
from docaxis_registry.suggestions import suggest

MOST_ENTRIES = 500
MOST_CODES = 500
MOST_SUGGESTED = 20
"""Unknown codes of one call that get suggestions."""


class RegistryServicer(rpc_grpc.RegistryServicer):
    """Raises `DocaxisError`; who may call what is decided before it is called."""

    def __init__(
        self,
        door: FrontDoor,
        directory: ViewReader,
        store: ReadStore,
        clock: Callable[[], int],
        epoch: int,
        settings: RegistrySettings,
    ) -> None:
        """`clock` tells today's codes from ended ones in queries; decisions take log time."""
        self._door = door
        self._directory = directory
        self._store = store
        self._clock = clock
        self._epoch = epoch
        self._settings = settings

    async def RegisterOrganisations(
        self, request: rpc.RegisterOrganisationsRequest, context: Any
    ) -> rpc.RegisterOrganisationsReply:
        """An entry without id means the organisation whose code it names, or a new one."""
        if not request.entries:
            raise _fault("field_required", "entries")
        _limit("entries", request.entries, MOST_ENTRIES)
        known = await views.present_ids(self._directory, [each.code for each in request.entries])
        entries = tuple(_entry(each, known) for each in request.entries)
        answer = await self._decided(
            "RegisterOrganisations", messages.RegisterOrganisations(entries), request
        )
        results = [
            rpc.OrganisationResult(
                code=each.key, organisation_id=each.organisation_id, result=each.result
            )
            for each in answer.entries
        ]
        return rpc.RegisterOrganisationsReply(results=results)

    async def ResolveCodes(
        self, request: rpc.ResolveCodesRequest, context: Any
    ) -> rpc.ResolveCodesReply:
        """Codes and aliases as they are valid today; what is not found has suggestions."""
        _limit("codes", request.codes, MOST_CODES)
        _limit("organisation_ids", request.organisation_ids, MOST_CODES)
        today = day_in_vietnam(self._clock())
        asked, ids = request.codes, request.organisation_ids
        by_code = await views.resolve_codes(self._directory, asked, today)
        by_id = await views.find_organisations(self._directory, ids)
        if set(asked) - by_code.keys() or set(ids) - by_id.keys():
            await self._pass_end()
            by_code = await views.resolve_codes(self._directory, asked, today)
            by_id = await views.find_organisations(self._directory, ids)
        unknown = list(dict.fromkeys(code for code in asked if code not in by_code))
        suggestions = {
            code: await suggest(self._directory, code, today) for code in unknown[:MOST_SUGGESTED]
        }
        resolutions = [
            _resolution(code, by_code.get(code), suggestions.get(code, ())) for code in asked
        ]
        resolutions += [_resolution(each, by_id.get(each)) for each in ids]
        return rpc.ResolveCodesReply(resolutions=resolutions)

    async def ListOrganisations(
        self, request: rpc.ListOrganisationsRequest, context: Any
    ) -> rpc.ListOrganisationsReply:
        """A page may be short although there is more behind it: `next` tells."""
        after = decode_cursor(request.cursor, self._epoch, tuple[str, str], None)
        limit = page_limit(request.limit)
        page = await views.list_organisations(self._directory, request.query, after, limit)
        if not page.organisations and after is None:
            await self._pass_end()
            page = await views.list_organisations(self._directory, request.query, after, limit)
        return rpc.ListOrganisationsReply(
            organisations=[_organisation(each) for each in page.organisations],
            next=encode_cursor(self._epoch, page.after) if page.after else "",
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

    async def RegisterSystem(
        self, request: rpc.RegisterSystemRequest, context: Any
    ) -> rpc.RegisterSystemReply:
        """The id is computed from the idempotency key where one is given."""
        key = request.idempotency_key
        command = messages.RegisterSystem(
            derived_id("system", key) if key else new_id(),
            request.name,
            request.connection,
            tuple(request.organisation_ids),
        )
        await self._decided("RegisterSystem", command, request)
        return rpc.RegisterSystemReply(system_id=command.system_id)

    async def SetServedOrganisations(
        self, request: rpc.SetServedOrganisationsRequest, context: Any
    ) -> rpc.ChangeReply:
        """Replaces all that it served."""
        command = messages.SetServedOrganisations(
            request.system_id, tuple(request.organisation_ids)
        )
        await self._decided("SetServedOrganisations", command, request)
        return rpc.ChangeReply(id=request.system_id)

    async def AddCredential(
        self, request: rpc.AddCredentialRequest, context: Any
    ) -> rpc.ChangeReply:
        """Answers the credential's id."""
        credential_id, public_jwk = read_credential(request)
        command = messages.AddCredential(request.system_id, credential_id, public_jwk, request.kind)
        await self._decided("AddCredential", command, request)
        return rpc.ChangeReply(id=credential_id)

    async def RevokeCredential(
        self, request: rpc.RevokeCredentialRequest, context: Any
    ) -> rpc.ChangeReply:
        """For ever."""
        command = messages.RevokeCredential(request.system_id, request.credential_id)
        await self._decided("RevokeCredential", command, request)
        return rpc.ChangeReply(id=request.credential_id)

    async def LockSystem(self, request: rpc.LockSystemRequest, context: Any) -> rpc.ChangeReply:
        """Lock or unlock."""
        command = messages.LockSystem(request.system_id, request.locked)
        await self._decided("LockSystem", command, request)
        return rpc.ChangeReply(id=request.system_id)

    async def SnapshotSystems(
        self, request: rpc.SnapshotSystemsRequest, context: Any
    ) -> rpc.SnapshotSystemsReply:
        """Tailing the events from (version, place) on misses nothing."""
        snapshot = await views.snapshot_systems(self._directory, self._store)
        return rpc.SnapshotSystemsReply(
            systems=[_system(each, snapshot) for each in snapshot.systems],
            version=snapshot.position.version,
            place=snapshot.position.place,
        )

    async def _decided(self, method: str, command: messages.Command, request: Any) -> Any:
        """The decision's answer, once queries show it (unless the view is far behind).

        The key is scoped to the method; where it is absent, nothing is a repeat.
        """
        key = request.idempotency_key
        outcome = await self._door.ask_decided(
            command,
            command_id=derived_id("registry", method, key) if key else new_id(),
            partition=views.PARTITION,
            actor=request.actor,
        )
        answer = answer_of(outcome, CODEC)
        with suppress(DocaxisError):
            await self._directory.pass_version(
                views.PARTITION, outcome.last_version, self._settings.view_deadline_s
            )
        return answer

    async def _pass_end(self) -> None:
        await self._directory.pass_end(views.PARTITION, self._settings.view_deadline_s)


def _entry(entry: Any, known: dict[str, str]) -> messages.OrganisationEntry:
    """An entry with its organisation's id: as told, of the code's holder, or a new one's."""
    told: messages.OrganisationEntry = CODEC.from_message(entry)
    if told.organisation_id:
        return told
    return replace(told, organisation_id=known.get(told.code) or first_id(told.code))


def _resolution(
    asked: str, organisation: OrganisationState | None, suggestions: Sequence[str] = ()
) -> rpc.Resolution:
    found = _organisation(organisation) if organisation else None
    return rpc.Resolution(asked=asked, organisation=found, suggestions=suggestions)


def _organisation(state: OrganisationState) -> rpc.Organisation:
    return rpc.Organisation(
        organisation_id=state.organisation_id,
        code=state.code,
        name=state.name,
        level=state.level,
        kind=state.kind,
        parent_code=state.parent_code,
        aliases=[CODEC.to_message(alias) for alias in state.aliases],
        locked=state.locked,
        signature_policies=state.policies,
    )


def _system(state: SystemState, snapshot: views.SystemsSnapshot) -> rpc.System:
    return rpc.System(
        system_id=state.system_id,
        name=state.name,
        connection=state.connection,
        organisation_ids=state.organisation_ids,
        credentials=[
            rpc.Credential(credential_id=each, public_jwk=jwk, kind=state.kinds.get(each, ""))
            for each, jwk in state.credentials.items()
        ],
        locked=state.locked,
        organisation_codes=[snapshot.codes.get(each, "") for each in state.organisation_ids],
    )


def _limit(field: str, items: Sequence[Any], most: int) -> None:
    if len(items) > most:
        raise _fault("too_many_items", field, limit=str(most))


def _fault(code: str, field: str, **params: str) -> DocaxisError:
    told = {"field": field, **params}
    return DocaxisError(code, told, fields=(FieldProblem(f"/{field}", code, told),))
