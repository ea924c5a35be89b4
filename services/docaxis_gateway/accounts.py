"""Routes of administrators about people's accounts, under `/admin/accounts`.

As the others of `administration` (rules D1-D4). Signing in comes with the console: an account is
who may do what, and proves nothing yet.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway import account_models as models
from docaxis_gateway.admin_models import Changed
from docaxis_gateway.answers import PREFIX, json_answer
from docaxis_gateway.authentication import AdministratorDep, Caller
from docaxis_gateway.bodies import ModelT, read_json
from docaxis_gateway.idempotency import idempotency_key
from docaxis_gateway.openapi import BODY, IDEMPOTENCY_KEY, PAGE, json_body, problems
from docaxis_gateway.organisation_scope import resolve
from docaxis_gateway.paging import DEFAULT_LIMIT, Cursor, Limit, OrganisationQuery, page
from docaxis_proto import registry_v1_pb2 as rpc

router = APIRouter(prefix="/admin/accounts", tags=["administration"])

_ONLY = "administrators_only"
_KEYED = {"parameters": [IDEMPOTENCY_KEY]}
_LONGEST_ID = 100
_UNKNOWN = ("account_unknown", "read_stale")
_CHANGE = (*_UNKNOWN, "account_erased")


@router.post(
    "",
    status_code=201,
    openapi_extra={**json_body(models.RegisterAccount), **_KEYED},
    responses={
        201: {"model": Changed},
        **problems(
            *BODY,
            "idempotency_key_invalid",
            "unknown_organisation",
            "organisation_merged",
            "login_taken",
            "storage_full",
            "read_stale",
            only=_ONLY,
        ),
    },
)
async def register_account(caller: AdministratorDep) -> Response:
    """Make a person's account; it has no role yet."""
    key = idempotency_key(caller, "admin/accounts")
    asked = await _body(caller, models.RegisterAccount)
    organisation = await resolve(caller, asked.organisation, "/organisation")
    reply = await caller.services.registry.RegisterAccount(
        rpc.RegisterAccountRequest(
            organisation_id=organisation.organisation_id,
            login=asked.login,
            person=_person(asked),
            idempotency_key=key,
            actor=caller.system_id,
        )
    )
    location = {"Location": f"{PREFIX}/admin/accounts/{reply.id}"}
    return json_answer({"id": reply.id}, 201, location)


@router.get(
    "",
    responses={
        200: {"model": models.AccountPage},
        **problems(*PAGE, "unknown_organisation", "read_stale", only=_ONLY),
    },
)
async def list_accounts(
    caller: AdministratorDep,
    organisation: OrganisationQuery = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Accounts of an organisation, or all; erased ones, too."""
    of = await resolve(caller, organisation, "/organisation") if organisation is not None else None
    reply = await caller.services.registry.ListAccounts(
        rpc.ListAccountsRequest(
            organisation_id=of.organisation_id if of else "", limit=limit, cursor=cursor
        )
    )
    return json_answer(page([_shown(each) for each in reply.accounts], reply.next))


@router.post(
    ":find",
    openapi_extra=json_body(models.FindAccount),
    responses={200: {"model": models.Account}, **problems(*BODY, *_UNKNOWN, only=_ONLY)},
)
async def find_account(caller: AdministratorDep) -> Response:
    """The account with a login name."""
    asked = await _body(caller, models.FindAccount)
    found = await caller.services.registry.FindAccount(rpc.FindAccountRequest(login=asked.login))
    return json_answer(_shown(found))


@router.get(
    "/{account_id}",
    responses={200: {"model": models.Account}, **problems(*_UNKNOWN, only=_ONLY)},
)
async def get_account(account_id: str, caller: AdministratorDep) -> Response:
    """One account with its roles: past, present and to come."""
    request = rpc.ListAccountsRequest(account_ids=[account_id[:_LONGEST_ID]])
    for found in (await caller.services.registry.ListAccounts(request)).accounts:
        return json_answer(_shown(found))
    raise DocaxisError("account_unknown")


@router.put(
    "/{account_id}/person",
    openapi_extra=json_body(models.SetPerson),
    responses={
        200: {"model": Changed},
        **problems(*BODY, *_CHANGE, "storage_full", only=_ONLY),
    },
)
async def set_person(account_id: str, caller: AdministratorDep) -> Response:
    """Replace a person's name and contact data."""
    asked = await _body(caller, models.SetPerson)
    reply = await caller.services.registry.SetPerson(
        rpc.SetPersonRequest(
            account_id=account_id[:_LONGEST_ID], person=_person(asked), actor=caller.system_id
        )
    )
    return json_answer({"id": reply.id})


_CHANGED: dict[int | str, dict[str, Any]] = {
    200: {"model": Changed},
    **problems(*_CHANGE, only=_ONLY),
}


@router.post("/{account_id}:lock", responses=_CHANGED)
async def lock_account(account_id: str, caller: AdministratorDep) -> Response:
    """Let none of its roles count."""
    return await _lock(caller, account_id, locked=True)


@router.post("/{account_id}:unlock", responses=_CHANGED)
async def unlock_account(account_id: str, caller: AdministratorDep) -> Response:
    """Let its roles count again."""
    return await _lock(caller, account_id, locked=False)


@router.post(
    "/{account_id}:erase",
    responses={200: {"model": Changed}, **problems(*_UNKNOWN, only=_ONLY)},
)
async def erase_account(account_id: str, caller: AdministratorDep) -> Response:
    """Make it void for ever, and destroy login, name and contact data; what it did stays."""
    reply = await caller.services.registry.EraseAccount(
        rpc.EraseAccountRequest(account_id=account_id[:_LONGEST_ID], actor=caller.system_id)
    )
    return json_answer({"id": reply.id})


@router.post(
    "/{account_id}/roles",
    openapi_extra={**json_body(models.GrantRole), **_KEYED},
    responses={
        200: {"model": Changed},
        **problems(
            *BODY,
            *_CHANGE,
            "idempotency_key_invalid",
            "unknown_organisation",
            "organisation_merged",
            "role_held",
            only=_ONLY,
        ),
    },
)
async def grant_role(account_id: str, caller: AdministratorDep) -> Response:
    """Give a role for an organisation within days; telling it again changes nothing."""
    key = idempotency_key(caller, f"admin/accounts/{account_id[:_LONGEST_ID]}/roles")
    asked = await _body(caller, models.GrantRole)
    reply = await caller.services.registry.GrantRole(
        rpc.GrantRoleRequest(
            account_id=account_id[:_LONGEST_ID],
            role=asked.role,
            organisation_id=await _id_of(caller, asked.organisation),
            valid_from=asked.valid_from or "",
            valid_until=asked.valid_until or "",
            idempotency_key=key,
            actor=caller.system_id,
        )
    )
    return json_answer({"id": reply.id})


@router.post(
    "/{account_id}/roles:end",
    openapi_extra={**json_body(models.EndRole), **_KEYED},
    responses={
        200: {"model": Changed},
        **problems(
            *BODY,
            *_CHANGE,
            "idempotency_key_invalid",
            "unknown_organisation",
            "role_not_held",
            only=_ONLY,
        ),
    },
)
async def end_role(account_id: str, caller: AdministratorDep) -> Response:
    """Set a role's last day; what was to begin later never begins."""
    key = idempotency_key(caller, f"admin/accounts/{account_id[:_LONGEST_ID]}/roles:end")
    asked = await _body(caller, models.EndRole)
    reply = await caller.services.registry.EndRole(
        rpc.EndRoleRequest(
            account_id=account_id[:_LONGEST_ID],
            role=asked.role,
            organisation_id=await _id_of(caller, asked.organisation),
            valid_until=asked.valid_until or "",
            idempotency_key=key,
            actor=caller.system_id,
        )
    )
    return json_answer({"id": reply.id})


async def _body(caller: Caller, model: type[ModelT]) -> ModelT:
    return await read_json(caller.request, model, caller.gateway.settings.max_json_bytes)


async def _lock(caller: Caller, account_id: str, *, locked: bool) -> Response:
    reply = await caller.services.registry.LockAccount(
        rpc.LockAccountRequest(
            account_id=account_id[:_LONGEST_ID], locked=locked, actor=caller.system_id
        )
    )
    return json_answer({"id": reply.id})


async def _id_of(caller: Caller, code: str | None) -> str:
    """Empty for the whole axis."""
    return (await resolve(caller, code, "/organisation")).organisation_id if code else ""


def _person(asked: models.SetPerson) -> rpc.Person:
    return rpc.Person(name=asked.name, email=asked.email or "", phone=asked.phone or "")


def _shown(account: rpc.Account) -> dict[str, Any]:
    person = account.person
    return {
        "id": account.account_id,
        "organisation": {"id": account.organisation_id, "code": account.organisation_code},
        "login": account.login or None,
        "person": {
            "name": person.name,
            "email": person.email or None,
            "phone": person.phone or None,
        }
        if account.HasField("person")
        else None,
        "state": account.state,
        "roles": [
            {
                "role": each.role,
                "organisation": {"id": each.organisation_id, "code": each.organisation_code}
                if each.organisation_id
                else None,
                "valid_from": each.valid_from,
                "valid_until": each.valid_until or None,
                "in_force": each.in_force,
            }
            for each in account.roles
        ],
    }
