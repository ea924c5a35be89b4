"""The catalogue of organisations: search, changes, look-up by code or alias, reachability.

Rules (tests carry their numbers):

- O1 A page bears an ETag of the catalogue as a whole and the day (levels and mergers are dated);
  the same in If-None-Match is answered 304.
- O2 `since` a version tells what changed after it, in the order of the changes: what changes while
  it is paged comes behind. The version of another epoch of the log starts from the beginning.
- O3 The code of a merged organisation leads to its successor, and the answer says what it was.
- O4 An organisation is reachable where a connected system that is not shut out serves it.
"""

import re
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from docaxis_eventsourcing.moments import day_in_vietnam
from docaxis_gateway import rendering
from docaxis_gateway.answers import json_answer, moment
from docaxis_gateway.authentication import Caller, CallerDep
from docaxis_gateway.openapi import PAGE, problems
from docaxis_gateway.organisation_scope import resolution
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, page
from docaxis_gateway.problems import field_error
from docaxis_gateway.response_models import FoundOrganisation, OrganisationPage, Reachability
from docaxis_proto import registry_v1_pb2
from docaxis_runtime.registry_systems import CONNECTED

router = APIRouter(tags=["organisations"])

_VERSION = re.compile(r"(?:(?P<epoch>[0-9]{1,9})\.)?(?P<version>[0-9]{1,18})")


@router.get(
    "/organisations",
    responses={
        200: {"model": OrganisationPage},
        304: {"description": "Nothing has changed (ETag)."},
        **problems("read_stale", *PAGE),
    },
)
async def list_organisations(
    caller: CallerDep,
    query: Annotated[str, Query(max_length=200, description="Words, with or without marks.")] = "",
    since: Annotated[
        str,
        Query(max_length=40, description="`version` of an answer: what changed since; 0: all."),
    ] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Organisations whose names or codes hold the words, all of them, or what changed since."""
    registry = caller.services.registry
    reply: registry_v1_pb2.ListOrganisationsReply | registry_v1_pb2.ChangedOrganisationsReply
    if since:
        if query:
            raise field_error("/query", "field_invalid", expected="nothing beside since")
        changed = _changed_request(since, limit, cursor)
        reply = await registry.ChangedOrganisations(changed)
    else:
        listed = registry_v1_pb2.ListOrganisationsRequest(query=query, limit=limit, cursor=cursor)
        reply = await registry.ListOrganisations(listed)
    version = f"{reply.epoch}.{reply.version}"
    etag = f'"{version}.{day_in_vietnam(caller.gateway.now_ms())}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if _matches(caller.request, etag):
        return Response(status_code=304, headers=headers)
    items = [rendering.organisation(each) for each in reply.organisations]
    return json_answer({**page(items, reply.next), "version": version}, headers=headers)


@router.get(
    "/organisations/{code}",
    responses={200: {"model": FoundOrganisation}, **problems("unknown_organisation", "read_stale")},
)
async def get_organisation(code: str, caller: CallerDep) -> Response:
    """One organisation, by its code or an older one; unknown ones come with suggestions."""
    found = await resolution(caller, code[:100])
    merged = found.HasField("merged_from")
    return json_answer(
        {
            **rendering.organisation(found.organisation),
            "merged_from": rendering.organisation(found.merged_from) if merged else None,
        }
    )


@router.get(
    "/organisations/{code}/reachability",
    responses={200: {"model": Reachability}, **problems("unknown_organisation", "read_stale")},
)
async def get_reachability(code: str, caller: CallerDep) -> Response:
    """Whether what is sent to an organisation is fetched: by which systems, and when they called.

    `last_seen` is as exact as this replica's own memory, else within an hour.
    """
    organisation = (await resolution(caller, code[:100])).organisation
    return json_answer(_reachability(caller, organisation))


def _reachability(caller: Caller, organisation: registry_v1_pb2.Organisation) -> dict[str, object]:
    gateway = caller.gateway
    systems = [
        (each, max(each.last_seen, gateway.seen_systems.last(each.system_id)))
        for each in gateway.directory.systems_of(organisation.organisation_id)
        if not each.locked
    ]
    systems.sort(key=lambda each: each[1], reverse=True)
    return {
        "code": organisation.code,
        "organisation_id": organisation.organisation_id,
        "connected": any(each.onboarding == CONNECTED for each, _ in systems)
        and not organisation.locked,
        "last_seen": moment(max((seen for _, seen in systems), default=0)),
        "systems": [
            {
                "connection": each.connection,
                "onboarding": each.onboarding,
                "last_seen": moment(seen),
            }
            for each, seen in systems
        ],
        "max_file_bytes": gateway.settings.max_file_bytes,
    }


def _changed_request(
    since: str, limit: int, cursor: str
) -> registry_v1_pb2.ChangedOrganisationsRequest:
    told = _VERSION.fullmatch(since)
    if told is None:
        raise field_error("/since", "field_invalid", expected="the version of an answer, or 0")
    return registry_v1_pb2.ChangedOrganisationsRequest(
        since=int(told["version"]), since_epoch=int(told["epoch"] or 0), limit=limit, cursor=cursor
    )


def _matches(request: Request, etag: str) -> bool:
    told = request.headers.get("if-none-match", "").split(",")
    return any(each.strip().removeprefix("W/") in (etag, "*") for each in told)
