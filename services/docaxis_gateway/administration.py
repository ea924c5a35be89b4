"""Routes of administrators, under `/admin`: each act is a command of the registry with its actor.

Rules (tests carry their numbers):

- D1 Only administrators get in (`authentication`, G8).
- D2 Each act is decided by the registry on the administrator's authority: its event's actor is the
  administrator's id.
- D3 An act is repeated without harm: by state, or by its `Idempotency-Key`.
- D4 What was answered is seen by the next call of the same door.
- D5 A secret is told in the answer to the call that made it, and never again.

What changes in the life of organisations, systems and credentials is in `administration_lifecycle`.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_eventsourcing.cursors import decode_cursor, encode_cursor
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway import admin_models as models
from docaxis_gateway.admin_acts import (
    KEYED,
    ONLY,
    body_of,
    done,
    known_system,
    moment_of,
    present_ids,
    seen,
    shown_systems,
)
from docaxis_gateway.answers import PREFIX, json_answer
from docaxis_gateway.authentication import AdministratorDep, Caller
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, PAGE, json_body, problems
from docaxis_gateway.organisation_scope import resolve
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_proto import registry_events_v1_pb2, registry_v1_pb2
from docaxis_runtime.error_table import row_of

router = APIRouter(prefix="/admin", tags=["administration"])


@router.post(
    "/organisations",
    openapi_extra={**json_body(models.RegisterOrganisations), **KEYED},
    responses={
        200: {"model": models.OrganisationOutcomes},
        **problems(*BODY, "idempotency_key_invalid", only=ONLY),
    },
)
async def register_organisations(caller: AdministratorDep) -> Response:
    """Register or change up to 500 organisations; each is answered for itself."""
    key = idempotency_key(caller, "admin/organisations")
    asked = await body_of(caller, models.RegisterOrganisations)
    reply = await caller.services.registry.RegisterOrganisations(
        registry_v1_pb2.RegisterOrganisationsRequest(
            entries=[_entry(each) for each in asked.organisations],
            idempotency_key=key,
            actor=caller.system_id,
        )
    )
    results = [
        {"code": each.code, "id": each.organisation_id, "result": each.result}
        for each in reply.results
    ]
    return await done(caller, {"results": results})


_LOCKING: dict[int | str, dict[str, Any]] = {
    200: {"model": models.Changed},
    **problems("unknown_organisation", "read_stale", only=ONLY),
}


@router.post("/organisations/{code}:lock", responses=_LOCKING)
async def lock_organisation(code: str, caller: AdministratorDep) -> Response:
    """Shut an organisation out: nothing goes to it or comes from it."""
    return await _lock_organisation(caller, code, locked=True)


@router.post("/organisations/{code}:unlock", responses=_LOCKING)
async def unlock_organisation(code: str, caller: AdministratorDep) -> Response:
    """Let an organisation in again."""
    return await _lock_organisation(caller, code, locked=False)


@router.put(
    "/organisations/{code}/signature-policy",
    openapi_extra=json_body(models.SetSignaturePolicy),
    responses={
        200: {"model": models.Changed},
        **problems(*BODY, "unknown_organisation", "read_stale", only=ONLY),
    },
)
async def set_signature_policy(code: str, caller: AdministratorDep) -> Response:
    """Say whether documents wait for their verdict (`required`) or not (`advisory`)."""
    asked = await body_of(caller, models.SetSignaturePolicy)
    organisation = await resolve(caller, code[:100])
    reply = await caller.services.registry.SetSignaturePolicy(
        registry_v1_pb2.SetSignaturePolicyRequest(
            organisation_id=organisation.organisation_id,
            document_type=asked.document_type or "",
            policy=asked.policy,
            actor=caller.system_id,
        )
    )
    return await done(caller, {"id": reply.id})


@router.post(
    "/systems",
    status_code=201,
    openapi_extra={**json_body(models.RegisterSystem), **KEYED},
    responses={
        201: {"model": models.Changed},
        **problems(
            *BODY, "idempotency_key_invalid", "unknown_organisation", "read_stale", only=ONLY
        ),
    },
)
async def register_system(caller: AdministratorDep) -> Response:
    """Register a system, or a further administrator; it gets in once it has a credential."""
    key = idempotency_key(caller, "admin/systems")
    asked = await body_of(caller, models.RegisterSystem)
    reply = await caller.services.registry.RegisterSystem(
        registry_v1_pb2.RegisterSystemRequest(
            name=asked.name,
            connection=asked.connection,
            organisation_ids=await present_ids(caller, asked.organisations),
            idempotency_key=key,
            actor=caller.system_id,
        )
    )
    location = {"Location": f"{PREFIX}/admin/systems/{reply.system_id}"}
    return await done(caller, {"id": reply.system_id}, 201, location)


@router.get(
    "/systems",
    responses={200: {"model": models.KnownSystemPage}, **problems(*PAGE, only=ONLY)},
)
async def list_systems(
    caller: AdministratorDep, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Response:
    """All systems and administrators, in the order of their ids."""
    after = decode_cursor(cursor, 0, str, "")
    found = [each for each in caller.gateway.directory.systems() if each.system_id > after]
    shown = sorted(found, key=lambda each: each.system_id)[:limit]
    following = encode_cursor(0, shown[-1].system_id) if len(found) > limit else ""
    return json_answer(page(await shown_systems(caller, shown), following))


@router.get(
    "/systems/{system_id}",
    responses={200: {"model": models.KnownSystem}, **problems("unknown_system", only=ONLY)},
)
async def get_system(system_id: str, caller: AdministratorDep) -> Response:
    """One system with its credentials' ids."""
    (shown,) = await shown_systems(caller, [known_system(caller, system_id)])
    return json_answer(shown)


_OF_SYSTEM: dict[int | str, dict[str, Any]] = {
    200: {"model": models.Changed},
    **problems("unknown_system", only=ONLY),
}


@router.put(
    "/systems/{system_id}/organisations",
    openapi_extra=json_body(models.ServeOrganisations),
    responses={
        200: {"model": models.Changed},
        **problems(*BODY, "unknown_system", "unknown_organisation", "read_stale", only=ONLY),
    },
)
async def serve_organisations(system_id: str, caller: AdministratorDep) -> Response:
    """Replace the organisations that a system serves."""
    asked = await body_of(caller, models.ServeOrganisations)
    known_system(caller, system_id)
    reply = await caller.services.registry.SetServedOrganisations(
        registry_v1_pb2.SetServedOrganisationsRequest(
            system_id=system_id,
            organisation_ids=await present_ids(caller, asked.organisations),
            actor=caller.system_id,
        )
    )
    return await done(caller, {"id": reply.id})


@router.post("/systems/{system_id}:lock", responses=_OF_SYSTEM)
async def lock_system(system_id: str, caller: AdministratorDep) -> Response:
    """Shut a system out, everywhere within 5 s."""
    return await _lock_system(caller, system_id, locked=True)


@router.post("/systems/{system_id}:unlock", responses=_OF_SYSTEM)
async def unlock_system(system_id: str, caller: AdministratorDep) -> Response:
    """Let a system in again."""
    return await _lock_system(caller, system_id, locked=False)


@router.post(
    "/systems/{system_id}/credentials",
    status_code=201,
    openapi_extra={**json_body(models.AddCredential), **KEYED},
    responses={
        201: {"model": models.NewCredential},
        **problems(
            *BODY,
            "idempotency_key_invalid",
            "unknown_system",
            "storage_full",
            only=ONLY,
        ),
    },
)
async def add_credential(system_id: str, caller: AdministratorDep) -> Response:
    """Give a system a further way to prove itself; those that it has stay, so keys can overlap."""
    key = idempotency_key(caller, f"admin/systems/{system_id[:100]}/credentials")
    asked = await body_of(caller, models.AddCredential)
    known_system(caller, system_id)
    request = registry_v1_pb2.AddCredentialRequest(
        system_id=system_id,
        idempotency_key=key,
        actor=caller.system_id,
        not_before=moment_of(asked.not_before),
        not_after=moment_of(asked.not_after),
    )
    secret: str | None = None
    if asked.public_jwk is not None:
        request.public_jwk = asked.public_jwk.model_dump_json(exclude_none=True)
    else:
        request.kind = asked.kind
        request.thumbprint = asked.thumbprint or ""
    if asked.kind == "hmac":
        # First the secret, then the credential: one that is known can be used.
        request.credential_id = key
        secret = await caller.gateway.credential_secrets.make(key)
    try:
        reply = await caller.services.registry.AddCredential(request)
    except DocaxisError as error:
        if secret is not None and not row_of(error.code).retryable:
            await caller.gateway.credential_secrets.remove(key)
        raise
    body = {"id": reply.id, "kind": asked.kind, "secret": secret}
    return await done(caller, body, 201)


@router.delete(
    "/systems/{system_id}/credentials/{credential_id}",
    status_code=204,
    responses=problems("unknown_system", "credential_unknown", "storage_full", only=ONLY),
)
async def revoke_credential(
    system_id: str, credential_id: str, caller: AdministratorDep
) -> Response:
    """Take a credential back, for ever; tokens that were got with it end, too."""
    known_system(caller, system_id)
    await caller.services.registry.RevokeCredential(
        registry_v1_pb2.RevokeCredentialRequest(
            system_id=system_id, credential_id=credential_id[:100], actor=caller.system_id
        )
    )
    await caller.gateway.credential_secrets.remove(credential_id)
    await seen(caller)
    return Response(status_code=204)


async def _lock_organisation(caller: Caller, code: str, *, locked: bool) -> Response:
    organisation = await resolve(caller, code[:100])
    reply = await caller.services.registry.LockOrganisation(
        registry_v1_pb2.LockOrganisationRequest(
            organisation_id=organisation.organisation_id, locked=locked, actor=caller.system_id
        )
    )
    return await done(caller, {"id": reply.id})


async def _lock_system(caller: Caller, system_id: str, *, locked: bool) -> Response:
    known_system(caller, system_id)
    reply = await caller.services.registry.LockSystem(
        registry_v1_pb2.LockSystemRequest(
            system_id=system_id, locked=locked, actor=caller.system_id
        )
    )
    return await done(caller, {"id": reply.id})


def _entry(each: models.OrganisationEntry) -> registry_events_v1_pb2.OrganisationEntry:
    return registry_events_v1_pb2.OrganisationEntry(
        organisation_id=each.id or "",
        code=each.code,
        name=each.name,
        level=each.level,
        level_since=each.level_since or "",
        kind=each.kind,
        parent_code=each.parent or "",
        aliases=[
            registry_events_v1_pb2.Alias(
                code=alias.code,
                valid_from=alias.valid_from or "",
                valid_until=alias.valid_until or "",
            )
            for alias in each.aliases
        ],
    )
