"""Routes of administrators, under `/admin`: each act is a command of the registry with its actor.

Rules (tests carry their numbers):

- D1 Only administrators get in (`authentication`, G8).
- D2 Each act is decided by the registry on the administrator's authority: its event's actor is the
  administrator's id.
- D3 An act is repeated without harm: by state, or by its `Idempotency-Key`.
- D4 What was answered is seen by the next call of the same door.
- D5 A secret is told in the answer to the call that made it, and never again.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_eventsourcing.cursors import decode_cursor, encode_cursor
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway import admin_models as models
from docaxis_gateway.answers import PREFIX, json_answer
from docaxis_gateway.authentication import AdministratorDep, Caller
from docaxis_gateway.bodies import ModelT, read_json
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, IDEMPOTENCY_KEY, PAGE, json_body, problems
from docaxis_gateway.organisation_scope import names_of, resolve
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_gateway.problems import field_error
from docaxis_proto import registry_events_v1_pb2, registry_v1_pb2
from docaxis_runtime.error_table import row_of
from docaxis_runtime.registry_systems import KnownSystem

router = APIRouter(prefix="/admin", tags=["administration"])

_ONLY = "administrators_only"
_KEYED = {"parameters": [IDEMPOTENCY_KEY]}


@router.post(
    "/organisations",
    openapi_extra={**json_body(models.RegisterOrganisations), **_KEYED},
    responses={
        200: {"model": models.OrganisationOutcomes},
        **problems(*BODY, "idempotency_key_invalid", only=_ONLY),
    },
)
async def register_organisations(caller: AdministratorDep) -> Response:
    """Register or change up to 500 organisations; each is answered for itself."""
    key = idempotency_key(caller, "admin/organisations")
    asked = await _body(caller, models.RegisterOrganisations)
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
    return await _done(caller, {"results": results})


_LOCKING: dict[int | str, dict[str, Any]] = {
    200: {"model": models.Changed},
    **problems("unknown_organisation", "read_stale", only=_ONLY),
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
        **problems(*BODY, "unknown_organisation", "read_stale", only=_ONLY),
    },
)
async def set_signature_policy(code: str, caller: AdministratorDep) -> Response:
    """Say whether documents wait for their verdict (`required`) or not (`advisory`)."""
    asked = await _body(caller, models.SetSignaturePolicy)
    organisation = await resolve(caller, code[:100])
    reply = await caller.services.registry.SetSignaturePolicy(
        registry_v1_pb2.SetSignaturePolicyRequest(
            organisation_id=organisation.organisation_id,
            document_type=asked.document_type or "",
            policy=asked.policy,
            actor=caller.system_id,
        )
    )
    return await _done(caller, {"id": reply.id})


@router.post(
    "/systems",
    status_code=201,
    openapi_extra={**json_body(models.RegisterSystem), **_KEYED},
    responses={
        201: {"model": models.Changed},
        **problems(
            *BODY, "idempotency_key_invalid", "unknown_organisation", "read_stale", only=_ONLY
        ),
    },
)
async def register_system(caller: AdministratorDep) -> Response:
    """Register a system, or a further administrator; it gets in once it has a credential."""
    key = idempotency_key(caller, "admin/systems")
    asked = await _body(caller, models.RegisterSystem)
    reply = await caller.services.registry.RegisterSystem(
        registry_v1_pb2.RegisterSystemRequest(
            name=asked.name,
            connection=asked.connection,
            organisation_ids=await _ids(caller, asked.organisations),
            idempotency_key=key,
            actor=caller.system_id,
        )
    )
    location = {"Location": f"{PREFIX}/admin/systems/{reply.system_id}"}
    return await _done(caller, {"id": reply.system_id}, 201, location)


@router.get(
    "/systems",
    responses={200: {"model": models.KnownSystemPage}, **problems(*PAGE, only=_ONLY)},
)
async def list_systems(
    caller: AdministratorDep, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> Response:
    """All systems and administrators, in the order of their ids."""
    after = decode_cursor(cursor, 0, str, "")
    found = [each for each in caller.gateway.directory.systems() if each.system_id > after]
    shown = sorted(found, key=lambda each: each.system_id)[:limit]
    following = encode_cursor(0, shown[-1].system_id) if len(found) > limit else ""
    return json_answer(page(await _all_shown(caller, shown), following))


@router.get(
    "/systems/{system_id}",
    responses={200: {"model": models.KnownSystem}, **problems("unknown_system", only=_ONLY)},
)
async def get_system(system_id: str, caller: AdministratorDep) -> Response:
    """One system with its credentials' ids."""
    (shown,) = await _all_shown(caller, [_known(caller, system_id)])
    return json_answer(shown)


_OF_SYSTEM: dict[int | str, dict[str, Any]] = {
    200: {"model": models.Changed},
    **problems("unknown_system", only=_ONLY),
}


@router.put(
    "/systems/{system_id}/organisations",
    openapi_extra=json_body(models.ServeOrganisations),
    responses={
        200: {"model": models.Changed},
        **problems(*BODY, "unknown_system", "unknown_organisation", "read_stale", only=_ONLY),
    },
)
async def serve_organisations(system_id: str, caller: AdministratorDep) -> Response:
    """Replace the organisations that a system serves."""
    asked = await _body(caller, models.ServeOrganisations)
    _known(caller, system_id)
    reply = await caller.services.registry.SetServedOrganisations(
        registry_v1_pb2.SetServedOrganisationsRequest(
            system_id=system_id,
            organisation_ids=await _ids(caller, asked.organisations),
            actor=caller.system_id,
        )
    )
    return await _done(caller, {"id": reply.id})


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
    openapi_extra={**json_body(models.AddCredential), **_KEYED},
    responses={
        201: {"model": models.NewCredential},
        **problems(
            *BODY,
            "idempotency_key_invalid",
            "unknown_system",
            "storage_full",
            only=_ONLY,
        ),
    },
)
async def add_credential(system_id: str, caller: AdministratorDep) -> Response:
    """Give a system a further way to prove itself; those that it has stay, so keys can overlap."""
    key = idempotency_key(caller, f"admin/systems/{system_id[:100]}/credentials")
    asked = await _body(caller, models.AddCredential)
    _known(caller, system_id)
    request = registry_v1_pb2.AddCredentialRequest(
        system_id=system_id, idempotency_key=key, actor=caller.system_id
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
    return await _done(caller, body, 201)


@router.delete(
    "/systems/{system_id}/credentials/{credential_id}",
    status_code=204,
    responses=problems("unknown_system", "credential_unknown", "storage_full", only=_ONLY),
)
async def revoke_credential(
    system_id: str, credential_id: str, caller: AdministratorDep
) -> Response:
    """Take a credential back, for ever; tokens that were got with it end, too."""
    _known(caller, system_id)
    await caller.services.registry.RevokeCredential(
        registry_v1_pb2.RevokeCredentialRequest(
            system_id=system_id, credential_id=credential_id[:100], actor=caller.system_id
        )
    )
    await caller.gateway.credential_secrets.remove(credential_id)
    await _seen(caller)
    return Response(status_code=204)


async def _body(caller: Caller, model: type[ModelT]) -> ModelT:
    return await read_json(caller.request, model, caller.gateway.settings.max_json_bytes)


async def _done(
    caller: Caller, body: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    await _seen(caller)
    return json_answer(body, status, headers)


async def _seen(caller: Caller) -> None:
    """Rule D4; a registry that is away keeps nobody from the answer."""
    with suppress(DocaxisError):
        await caller.gateway.directory.catch_up()


async def _lock_organisation(caller: Caller, code: str, *, locked: bool) -> Response:
    organisation = await resolve(caller, code[:100])
    reply = await caller.services.registry.LockOrganisation(
        registry_v1_pb2.LockOrganisationRequest(
            organisation_id=organisation.organisation_id, locked=locked, actor=caller.system_id
        )
    )
    return await _done(caller, {"id": reply.id})


async def _lock_system(caller: Caller, system_id: str, *, locked: bool) -> Response:
    _known(caller, system_id)
    reply = await caller.services.registry.LockSystem(
        registry_v1_pb2.LockSystemRequest(
            system_id=system_id, locked=locked, actor=caller.system_id
        )
    )
    return await _done(caller, {"id": reply.id})


def _known(caller: Caller, system_id: str) -> KnownSystem:
    system = caller.gateway.directory.system(system_id)
    if system is None:
        raise DocaxisError("unknown_system")
    return system


async def _ids(caller: Caller, codes: list[str]) -> list[str]:
    """Ids of organisations by code or alias; raises `unknown_organisation` with each place."""
    if not codes:
        return []
    request = registry_v1_pb2.ResolveCodesRequest(codes=codes)
    reply = await caller.services.registry.ResolveCodes(request)
    ids: list[str] = []
    for place, each in enumerate(reply.resolutions):
        pointer = f"/organisations/{place}"
        if not each.HasField("organisation"):
            suggested = ",".join(each.suggestions)
            raise field_error(
                pointer, "unknown_organisation", organisation=each.asked, suggestions=suggested
            )
        if each.organisation.organisation_id in ids:
            raise field_error(pointer, "field_invalid", expected="each organisation once")
        ids.append(each.organisation.organisation_id)
    return ids


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


async def _all_shown(caller: Caller, systems: Sequence[KnownSystem]) -> list[dict[str, Any]]:
    """Systems as they are told; the directory knows most codes, the registry all."""
    code_of = caller.gateway.directory.code_of
    served = dict.fromkeys(each for system in systems for each in system.organisation_ids)
    untold = await names_of(caller, [each for each in served if code_of(each) is None])
    codes = {each: code_of(each) or None for each in served}
    codes |= {each: organisation.code for each, organisation in untold.items()}
    return [_shown(each, codes) for each in systems]


def _shown(system: KnownSystem, codes: Mapping[str, str | None]) -> dict[str, Any]:
    return {
        "id": system.system_id,
        "name": system.name,
        "connection": system.connection,
        "locked": system.is_locked,
        "onboarding": system.onboarding,
        "organisations": [
            {"id": each, "code": codes.get(each)} for each in system.organisation_ids
        ],
        "credentials": [{"id": each, "kind": kind} for each, kind in system.kinds.items()],
    }
