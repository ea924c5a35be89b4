"""Recipient groups: lists of organisations that a sender writes to again and again.

Rules (tests carry their numbers):

- R1 A group belongs to an organisation; systems that serve it see and change it, others find none.
- R2 At submit, groups are expanded at the door, and their members stand in the document from then
  on. A repeat of the submit is answered as the first, whatever became of the groups meanwhile.
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_gateway import rendering
from docaxis_gateway.answers import PREFIX, json_answer
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.bodies import read_json
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, IDEMPOTENCY_KEY, json_body, problems
from docaxis_gateway.organisation_scope import only_organisation, served_organisations
from docaxis_gateway.problems import fields_error
from docaxis_gateway.request_models import SetRecipientGroup
from docaxis_gateway.response_models import RecipientGroup, RecipientGroupList
from docaxis_proto import registry_v1_pb2

router = APIRouter(tags=["recipient groups"])

_SET_CODES = (
    *BODY,
    "idempotency_key_invalid",
    "unknown_organisation",
    "organisation_not_served",
    "read_stale",
)


@router.post(
    "/recipient-groups",
    status_code=201,
    openapi_extra={**json_body(SetRecipientGroup), "parameters": [IDEMPOTENCY_KEY]},
    responses={201: {"model": RecipientGroup}, **problems(*_SET_CODES)},
)
async def make_recipient_group(caller: CallerDep) -> Response:
    """Make a group; members are told by code or alias."""
    group = await _set(caller, "", "recipient-groups")
    location = {"Location": f"{PREFIX}/recipient-groups/{group.group_id}"}
    return json_answer(rendering.recipient_group(group), 201, location)


@router.get(
    "/recipient-groups",
    responses={
        200: {"model": RecipientGroupList},
        **problems("unknown_organisation", "organisation_not_served", "read_stale"),
    },
)
async def list_recipient_groups(
    caller: CallerDep, organisation: Annotated[str | None, Query(max_length=35)] = None
) -> Response:
    """The groups of the organisation, or of all that the system serves."""
    owners = await served_organisations(caller, organisation)
    request = registry_v1_pb2.ListRecipientGroupsRequest(owner_organisation_ids=owners)
    reply = await caller.services.registry.ListRecipientGroups(request)
    return json_answer({"items": [rendering.recipient_group(each) for each in reply.groups]})


@router.get(
    "/recipient-groups/{group_id}",
    responses={
        200: {"model": RecipientGroup},
        **problems("recipient_group_unknown", "read_stale"),
    },
)
async def get_recipient_group(group_id: str, caller: CallerDep) -> Response:
    """One group."""
    return json_answer(rendering.recipient_group(await _own(caller, group_id)))


@router.put(
    "/recipient-groups/{group_id}",
    openapi_extra={**json_body(SetRecipientGroup), "parameters": [IDEMPOTENCY_KEY]},
    responses={
        200: {"model": RecipientGroup},
        **problems("recipient_group_unknown", *_SET_CODES),
    },
)
async def replace_recipient_group(group_id: str, caller: CallerDep) -> Response:
    """Replace a group's name and members; its owner stays."""
    await _own(caller, group_id)
    group = await _set(caller, group_id, f"recipient-groups/{group_id}")
    return json_answer(rendering.recipient_group(group))


@router.delete(
    "/recipient-groups/{group_id}",
    status_code=204,
    responses=problems("recipient_group_unknown", "idempotency_key_invalid", "read_stale"),
)
async def remove_recipient_group(group_id: str, caller: CallerDep) -> Response:
    """Remove a group; documents that were sent to it keep their recipients."""
    await _own(caller, group_id)
    request = registry_v1_pb2.RemoveRecipientGroupRequest(
        group_id=group_id,
        idempotency_key=idempotency_key(caller, f"recipient-groups/{group_id}"),
        actor=caller.system_id,
    )
    await caller.services.registry.RemoveRecipientGroup(request)
    return Response(status_code=204)


async def members_of(caller: Caller, group_ids: Sequence[str]) -> list[str]:
    """Present codes of all members of these groups, each once (R2).

    Raises `DocaxisError` that names each group that the caller does not have.
    """
    if not group_ids:
        return []
    found = await _groups(caller, group_ids)
    problems_ = [
        FieldProblem(f"/recipient_groups/{place}", "recipient_group_unknown")
        for place, each in enumerate(group_ids)
        if each not in found
    ]
    if problems_:
        raise fields_error(problems_)
    codes = (member.code for each in group_ids for member in found[each].members)
    return list(dict.fromkeys(codes))


async def _set(caller: Caller, group_id: str, route: str) -> registry_v1_pb2.RecipientGroup:
    key = idempotency_key(caller, route)
    limit = caller.gateway.settings.max_json_bytes
    asked = await read_json(caller.request, SetRecipientGroup, limit)
    request = registry_v1_pb2.SetRecipientGroupRequest(
        group_id=group_id,
        owner_organisation_id=await only_organisation(caller, asked.organisation),
        name=asked.name,
        member_codes=asked.members,
        idempotency_key=key,
        actor=caller.system_id,
    )
    return await caller.services.registry.SetRecipientGroup(request)


async def _own(caller: Caller, group_id: str) -> registry_v1_pb2.RecipientGroup:
    found = await _groups(caller, [group_id[:64]])
    if group_id not in found:
        raise DocaxisError("recipient_group_unknown")
    return found[group_id]


async def _groups(
    caller: Caller, group_ids: Sequence[str]
) -> dict[str, registry_v1_pb2.RecipientGroup]:
    """Those of these groups that a served organisation owns (R1)."""
    request = registry_v1_pb2.ListRecipientGroupsRequest(group_ids=group_ids)
    reply = await caller.services.registry.ListRecipientGroups(request)
    return {
        each.group_id: each
        for each in reply.groups
        if each.owner_organisation_id in caller.system.organisations
    }
