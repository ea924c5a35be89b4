"""For which organisations a request acts: all that the system serves, or the one that it names."""

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_gateway.authentication import Caller
from docaxis_proto import registry_v1_pb2

_POINTER = "/organisation"


async def served_organisations(caller: Caller, code: str | None) -> tuple[str, ...]:
    """Ids of all served organisations, or of the one with that code (or alias).

    Raises `unknown_organisation` and `organisation_not_served`.
    """
    if code is None:
        return caller.organisation_ids
    return (await served_organisation(caller, code),)


async def served_organisation(caller: Caller, code: str, pointer: str = _POINTER) -> str:
    """Id of a served organisation by its code or alias. Raises as `served_organisations`."""
    known = caller.gateway.directory.served_organisation(caller.system_id, code)
    if known is not None:
        return known
    organisation = await resolve(caller, code, pointer)
    if organisation.organisation_id not in caller.system.organisations:
        raise DocaxisError(
            "organisation_not_served",
            {"organisation": code},
            fields=(FieldProblem(pointer, "organisation_not_served", {"organisation": code}),),
        )
    return organisation.organisation_id


async def only_organisation(caller: Caller, code: str | None) -> str:
    """Id of the named organisation, or of the only one that the system serves.

    Raises `field_required` where several are served and none is named.
    """
    if code is not None:
        return await served_organisation(caller, code)
    if len(caller.organisation_ids) == 1:
        return caller.organisation_ids[0]
    params = {"field": "organisation"}
    raise DocaxisError(
        "field_required", params, fields=(FieldProblem(_POINTER, "field_required", params),)
    )


async def resolve(
    caller: Caller, code: str, pointer: str | None = None
) -> registry_v1_pb2.Organisation:
    """The organisation with that code or alias, or its successor. Raises `unknown_organisation`."""
    return (await resolution(caller, code, pointer)).organisation


async def resolution(
    caller: Caller, code: str, pointer: str | None = None
) -> registry_v1_pb2.Resolution:
    """What a code means, and what it was before mergers. Raises `unknown_organisation`."""
    request = registry_v1_pb2.ResolveCodesRequest(codes=[code])
    reply = await caller.services.registry.ResolveCodes(request)
    for found in reply.resolutions:
        if found.HasField("organisation"):
            return found
    suggestions = tuple(each for one in reply.resolutions for each in one.suggestions)
    params = {"organisation": code}
    fields = () if pointer is None else (FieldProblem(pointer, "unknown_organisation", params),)
    raise DocaxisError("unknown_organisation", params, fields=fields, suggestions=suggestions)


async def names_of(caller: Caller, ids: list[str]) -> dict[str, registry_v1_pb2.Organisation]:
    """Organisations by their ids; those that the registry does not know are left out."""
    found: dict[str, registry_v1_pb2.Organisation] = {}
    for start in range(0, len(ids), 500):
        request = registry_v1_pb2.ResolveCodesRequest(organisation_ids=ids[start : start + 500])
        reply = await caller.services.registry.ResolveCodes(request)
        for each in reply.resolutions:
            if each.HasField("organisation"):
                found[each.organisation.organisation_id] = each.organisation
    return found
