"""Each call of the registry has its way for people: a route, and an act of the client, or a reason.

Read off the descriptor and the running app. Whoever adds a call finds here what it lacks.
"""

from fastapi import FastAPI

from docaxis_client.accounts import Accounts
from docaxis_client.administration import Administration
from docaxis_gateway.app import make_app
from docaxis_gateway.openapi import document_openapi
from docaxis_proto import registry_v1_pb2
from tests.unit.docaxis_gateway.conftest import World

PREFIX = "/api/v1"
WITH_ROUTES: dict[str, tuple[tuple[str, str], ...]] = {
    "RegisterOrganisations": (("POST /admin/organisations", "register_organisations"),),
    "ResolveCodes": (("GET /admin/organisations/{code}", "organisation"),),
    "ListOrganisations": (("GET /admin/organisations", "organisations"),),
    "LockOrganisation": (
        ("POST /admin/organisations/{code}:lock", "lock_organisation"),
        ("POST /admin/organisations/{code}:unlock", "lock_organisation"),
    ),
    "SetSignaturePolicy": (
        ("PUT /admin/organisations/{code}/signature-policy", "set_signature_policy"),
    ),
    "MergeOrganisations": (("POST /admin/organisations:merge", "merge_organisations"),),
    "RegisterSystem": (("POST /admin/systems", "register_system"),),
    "SetServedOrganisations": (("PUT /admin/systems/{system_id}/organisations", "serve"),),
    "AddCredential": (
        ("POST /admin/systems/{system_id}/credentials", "add_credential"),
        ("PUT /admin/systems/{system_id}/credentials/{credential_id}", "date_credential"),
    ),
    "RevokeCredential": (
        ("DELETE /admin/systems/{system_id}/credentials/{credential_id}", "revoke_credential"),
    ),
    "LockSystem": (
        ("POST /admin/systems/{system_id}:lock", "lock_system"),
        ("POST /admin/systems/{system_id}:unlock", "lock_system"),
    ),
    "OnboardSystem": (("PUT /admin/systems/{system_id}/onboarding", "onboard_system"),),
    "SetSecurityLevel": (("PUT /admin/systems/{system_id}/security-level", "set_security_level"),),
    "RegisterAccount": (("POST /admin/accounts", "register_account"),),
    "ListAccounts": (
        ("GET /admin/accounts", "accounts"),
        ("GET /admin/accounts/{account_id}", "account"),
    ),
    "FindAccount": (("POST /admin/accounts:find", "find_account"),),
    "SetPerson": (("PUT /admin/accounts/{account_id}/person", "set_person"),),
    "LockAccount": (
        ("POST /admin/accounts/{account_id}:lock", "lock_account"),
        ("POST /admin/accounts/{account_id}:unlock", "lock_account"),
    ),
    "GrantRole": (("POST /admin/accounts/{account_id}/roles", "grant_role"),),
    "EndRole": (("POST /admin/accounts/{account_id}/roles:end", "end_role"),),
    "EraseAccount": (("POST /admin/accounts/{account_id}:erase", "erase_account"),),
    "SnapshotSystems": (
        ("GET /admin/systems", "systems"),
        ("GET /admin/systems/{system_id}", "system"),
    ),
}
"""Calls that administrators make; `SnapshotSystems` through the gateway's directory."""

WITHOUT: dict[str, str] = {
    "NoteSystemsSeen": "the gateway's own, of what it saw",
    "ChangedOrganisations": "for copies of the catalogue, which systems keep: GET /organisations",
    "SetRecipientGroup": "the groups are their owner's: POST and PUT /recipient-groups",
    "RemoveRecipientGroup": "the same: DELETE /recipient-groups/{group_id}",
    "ListRecipientGroups": "the same: GET /recipient-groups",
}
"""Calls that no administrator makes, and why."""


def _served(app: FastAPI) -> set[str]:
    return {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, operations in document_openapi(app)["paths"].items()
        for method in operations
    }


async def test_every_call_of_the_registry_has_a_route_or_a_reason(world: World) -> None:
    service = registry_v1_pb2.DESCRIPTOR.services_by_name["Registry"]
    calls = {each.name for each in service.methods}
    assert calls == WITH_ROUTES.keys() | WITHOUT.keys()
    assert not WITH_ROUTES.keys() & WITHOUT.keys()
    served = _served(make_app(world.gateway))
    named = {route for routes in WITH_ROUTES.values() for route, _ in routes}
    assert named == {each for each in served if " /admin/" in each}


def test_every_route_of_administrators_is_an_act_of_the_client() -> None:
    acts = {act for routes in WITH_ROUTES.values() for _, act in routes}
    public = {
        name
        for each in (Administration, Accounts)
        for name in vars(each)
        if not name.startswith("_")
    }
    assert acts == public
