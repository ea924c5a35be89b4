"""Routes of administrators for what changes with time: mergers, onboarding, levels, validity.

They follow rules D1-D4 of `administration`. Here a repeat is harmless by state; a merger without a
date, which means another day tomorrow, takes an `Idempotency-Key`.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway import admin_models as models
from docaxis_gateway import rendering
from docaxis_gateway.admin_acts import KEYED, ONLY, body_of, done, known_system, moment_of
from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import AdministratorDep, Caller
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, PAGE, json_body, problems
from docaxis_gateway.organisation_scope import resolution
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_gateway.problems import field_error
from docaxis_gateway.response_models import FoundOrganisation, OrganisationPage
from docaxis_proto import registry_v1_pb2
from docaxis_runtime.registry_systems import CERTIFICATE, HMAC

router = APIRouter(prefix="/admin", tags=["administration"])

_FIELDS: Mapping[str, str] = MappingProxyType(
    {"/organisation_ids": "/organisations", "/into_organisation_id": "/into"}
)
"""Fields of the registry's call by those of the body."""


@router.get(
    "/organisations",
    responses={200: {"model": OrganisationPage}, **problems("read_stale", *PAGE, only=ONLY)},
)
async def find_organisations(
    caller: AdministratorDep,
    query: Annotated[str, Query(max_length=200, description="Words, with or without marks.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Organisations whose names or codes hold the words, or all of them."""
    reply = await caller.services.registry.ListOrganisations(
        registry_v1_pb2.ListOrganisationsRequest(query=query, limit=limit, cursor=cursor)
    )
    items = [rendering.organisation(each) for each in reply.organisations]
    return json_answer({**page(items, reply.next), "version": f"{reply.epoch}.{reply.version}"})


@router.get(
    "/organisations/{code}",
    responses={
        200: {"model": FoundOrganisation},
        **problems("unknown_organisation", "read_stale", only=ONLY),
    },
)
async def find_organisation(code: str, caller: AdministratorDep) -> Response:
    """One organisation, by its code or an older one; the successor of one that was merged."""
    found = await resolution(caller, code[:100])
    merged = found.HasField("merged_from")
    return json_answer(
        {
            **rendering.organisation(found.organisation),
            "merged_from": rendering.organisation(found.merged_from) if merged else None,
        }
    )


@router.post(
    "/organisations:merge",
    openapi_extra={**json_body(models.MergeOrganisations), **KEYED},
    responses={
        200: {"model": models.Changed},
        **problems(
            *BODY,
            "idempotency_key_invalid",
            "unknown_organisation",
            "organisation_merged",
            "read_stale",
            only=ONLY,
        ),
    },
)
async def merge_organisations(caller: AdministratorDep) -> Response:
    """Let organisations become part of another from a day on; there is no way back."""
    key = idempotency_key(caller, "admin/organisations:merge")
    asked = await body_of(caller, models.MergeOrganisations)
    *merged, into = await _own_ids(caller, [*asked.organisations, asked.into])
    request = registry_v1_pb2.MergeOrganisationsRequest(
        organisation_ids=merged,
        into_organisation_id=into,
        merged_on=asked.merged_on or "",
        idempotency_key=key,
        actor=caller.system_id,
    )
    try:
        reply = await caller.services.registry.MergeOrganisations(request)
    except DocaxisError as error:
        raise _in_the_bodys_words(error) from None
    return await done(caller, {"id": reply.id})


@router.put(
    "/systems/{system_id}/onboarding",
    openapi_extra=json_body(models.OnboardSystem),
    responses={
        200: {"model": models.Changed},
        **problems(
            *BODY, "unknown_system", "onboarding_step_invalid", "onboarding_incomplete", only=ONLY
        ),
    },
)
async def onboard_system(system_id: str, caller: AdministratorDep) -> Response:
    """Let a system go on to `testing` and `connected`, or shut it out: `suspended`."""
    asked = await body_of(caller, models.OnboardSystem)
    known_system(caller, system_id)
    reply = await caller.services.registry.OnboardSystem(
        registry_v1_pb2.OnboardSystemRequest(
            system_id=system_id, state=asked.state, actor=caller.system_id
        )
    )
    return await done(caller, {"id": reply.id})


@router.put(
    "/systems/{system_id}/security-level",
    openapi_extra=json_body(models.SetSecurityLevel),
    responses={200: {"model": models.Changed}, **problems(*BODY, "unknown_system", only=ONLY)},
)
async def set_security_level(system_id: str, caller: AdministratorDep) -> Response:
    """Say which information-security level was approved for a system, and when."""
    asked = await body_of(caller, models.SetSecurityLevel)
    known_system(caller, system_id)
    reply = await caller.services.registry.SetSecurityLevel(
        registry_v1_pb2.SetSecurityLevelRequest(
            system_id=system_id, level=asked.level, since=asked.since, actor=caller.system_id
        )
    )
    return await done(caller, {"id": reply.id})


@router.put(
    "/systems/{system_id}/credentials/{credential_id}",
    openapi_extra=json_body(models.DateCredential),
    responses={
        200: {"model": models.Changed},
        **problems(*BODY, "unknown_system", "credential_unknown", "credential_revoked", only=ONLY),
    },
)
async def date_credential(system_id: str, credential_id: str, caller: AdministratorDep) -> Response:
    """Say from when until when a credential counts; the registry is told it again with these."""
    asked = await body_of(caller, models.DateCredential)
    system = known_system(caller, system_id)
    kind = system.kinds.get(credential_id)
    if kind is None:
        raise DocaxisError("credential_unknown")
    request = registry_v1_pb2.AddCredentialRequest(
        system_id=system_id,
        actor=caller.system_id,
        not_before=moment_of(asked.not_before),
        not_after=moment_of(asked.not_after),
    )
    if kind == CERTIFICATE:
        request.kind, request.thumbprint = kind, credential_id
    elif kind == HMAC:
        request.kind, request.credential_id = kind, credential_id
    else:
        request.public_jwk = json.dumps(dict(system.credentials[credential_id]))
    reply = await caller.services.registry.AddCredential(request)
    return await done(caller, {"id": reply.id})


async def _own_ids(caller: Caller, codes: list[str]) -> list[str]:
    """The organisations that bear the codes, the last of which is `into`, merged or not.

    Raises `unknown_organisation` with each place.
    """
    request = registry_v1_pb2.ResolveCodesRequest(codes=codes)
    reply = await caller.services.registry.ResolveCodes(request)
    ids = []
    for place, each in enumerate(reply.resolutions):
        if not each.HasField("organisation"):
            pointer = "/into" if place == len(codes) - 1 else f"/organisations/{place}"
            suggested = ",".join(each.suggestions)
            raise field_error(
                pointer, "unknown_organisation", organisation=each.asked, suggestions=suggested
            )
        named = each.merged_from if each.HasField("merged_from") else each.organisation
        ids.append(named.organisation_id)
    return ids


def _in_the_bodys_words(error: DocaxisError) -> DocaxisError:
    """The registry's refusal with pointers to fields of the body."""
    fields = []
    for each in error.fields:
        pointer = each.pointer
        for theirs, ours in _FIELDS.items():
            if pointer.startswith(theirs):
                pointer = ours + pointer.removeprefix(theirs)
        params = {**each.params, "field": _name(pointer)} if "field" in each.params else each.params
        fields.append(replace(each, pointer=pointer, params=params))
    params = dict(error.params)
    if "field" in params and fields:
        params["field"] = _name(fields[0].pointer)
    return DocaxisError(error.code, params, fields=tuple(fields), retry_after_s=error.retry_after_s)


def _name(pointer: str) -> str:
    return pointer.partition("/")[2].partition("/")[0]
