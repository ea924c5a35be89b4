"""The catalogue of organisations: search, and look-up by code or alias."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from docaxis_gateway import rendering
from docaxis_gateway.answers import json_answer
from docaxis_gateway.authentication import CallerDep
from docaxis_gateway.openapi import PAGE, problems
from docaxis_gateway.organisation_scope import resolve
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_gateway.response_models import Organisation, OrganisationPage
from docaxis_proto import registry_v1_pb2

router = APIRouter(tags=["organisations"])


@router.get(
    "/organisations", responses={200: {"model": OrganisationPage}, **problems("read_stale", *PAGE)}
)
async def list_organisations(
    caller: CallerDep,
    query: Annotated[str, Query(max_length=200, description="Words, with or without marks.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Organisations whose names or codes hold the words; all of them without words."""
    request = registry_v1_pb2.ListOrganisationsRequest(query=query, limit=limit, cursor=cursor)
    reply = await caller.services.registry.ListOrganisations(request)
    items = [rendering.organisation(each) for each in reply.organisations]
    return json_answer(page(items, reply.next))


@router.get(
    "/organisations/{code}",
    responses={200: {"model": Organisation}, **problems("unknown_organisation", "read_stale")},
)
async def get_organisation(code: str, caller: CallerDep) -> Response:
    """One organisation, by its code or an older one; unknown ones come with suggestions."""
    return json_answer(rendering.organisation(await resolve(caller, code[:100])))
