"""The registry's calls about systems and their credentials."""

from typing import Any

from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_registry import queries, rendering
from docaxis_registry.asking import Asking
from docaxis_registry.credentials import read_credential
from docaxis_registry.domain import messages


class SystemCalls(Asking):
    """Raises `DocaxisError`."""

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
        command = messages.AddCredential(
            request.system_id,
            credential_id,
            public_jwk,
            not_before=request.not_before,
            not_after=request.not_after,
            kind=request.kind,
        )
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

    async def OnboardSystem(
        self, request: rpc.OnboardSystemRequest, context: Any
    ) -> rpc.ChangeReply:
        """To `testing` or `connected`, or shut it out with `suspended`."""
        command = messages.OnboardSystem(request.system_id, request.state)
        await self._decided("OnboardSystem", command, request)
        return rpc.ChangeReply(id=request.system_id)

    async def SetSecurityLevel(
        self, request: rpc.SetSecurityLevelRequest, context: Any
    ) -> rpc.ChangeReply:
        """Its information-security level, with the date of approval."""
        command = messages.SetSecurityLevel(request.system_id, request.level, request.since)
        await self._decided("SetSecurityLevel", command, request)
        return rpc.ChangeReply(id=request.system_id)

    async def NoteSystemsSeen(
        self, request: rpc.NoteSystemsSeenRequest, context: Any
    ) -> rpc.ChangeReply:
        """What a gateway saw; systems that nobody knows are passed over."""
        if request.system_ids:
            command = messages.NoteSystemsSeen(tuple(request.system_ids))
            await self._decided("NoteSystemsSeen", command, request)
        return rpc.ChangeReply()

    async def SnapshotSystems(
        self, request: rpc.SnapshotSystemsRequest, context: Any
    ) -> rpc.SnapshotSystemsReply:
        """Tailing the events from (version, place) on misses nothing."""
        snapshot = await queries.snapshot_systems(self._directory, self._store)
        return rpc.SnapshotSystemsReply(
            systems=[rendering.system(each, snapshot) for each in snapshot.systems],
            version=snapshot.position.version,
            place=snapshot.position.place,
        )
