"""What the routes of administrators have in common: bodies, ids, and how systems are told."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.moments import milliseconds
from docaxis_gateway.answers import json_answer, moment
from docaxis_gateway.authentication import Caller
from docaxis_gateway.bodies import ModelT, read_json
from docaxis_gateway.openapi import IDEMPOTENCY_KEY
from docaxis_gateway.organisation_scope import names_of
from docaxis_gateway.problems import field_error
from docaxis_proto import registry_v1_pb2
from docaxis_runtime.registry_systems import KnownSystem

ONLY = "administrators_only"
KEYED = {"parameters": [IDEMPOTENCY_KEY]}


async def body_of(caller: Caller, model: type[ModelT]) -> ModelT:
    """The body as its model. Raises as `read_json`."""
    return await read_json(caller.request, model, caller.gateway.settings.max_json_bytes)


async def done(
    caller: Caller, body: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """The answer to an act, once this door knows of it (D4)."""
    await seen(caller)
    return json_answer(body, status, headers)


async def seen(caller: Caller) -> None:
    """Rule D4; a registry that is away keeps nobody from the answer."""
    with suppress(DocaxisError):
        await caller.gateway.directory.catch_up()


def moment_of(text: str | None) -> int:
    """A date-time as Unix ms; 0 where there is none."""
    return milliseconds(text.upper()) if text else 0


def known_system(caller: Caller, system_id: str) -> KnownSystem:
    """A system by its id. Raises `unknown_system`."""
    system = caller.gateway.directory.system(system_id)
    if system is None:
        raise DocaxisError("unknown_system")
    return system


async def present_ids(caller: Caller, codes: list[str]) -> list[str]:
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


async def shown_systems(caller: Caller, systems: Sequence[KnownSystem]) -> list[dict[str, Any]]:
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
        "security_level": system.security_level or None,
        "security_level_since": system.security_level_since or None,
        "credentials": [_credential(system, each) for each in system.kinds],
    }


def _credential(system: KnownSystem, credential_id: str) -> dict[str, Any]:
    begins, ends = system.validity.get(credential_id, (0, 0))
    return {
        "id": credential_id,
        "kind": system.kinds[credential_id],
        "not_before": moment(begins),
        "not_after": moment(ends),
    }
