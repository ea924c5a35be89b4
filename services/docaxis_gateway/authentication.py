"""From an access token to the system that calls, as the registry knows it now.

Rules (tests carry their numbers):

- G1 No token, or another scheme: `unauthenticated`; a token that is not ours, forged or expired has
  the code that `docaxis_trust` gives it.
- G2 Locks and credentials are asked on each call, of a directory that is fresh (L29); where it is
  not, nobody gets in (`unavailable`).
- G3 A system that is not known is looked for once more after catching up with the registry: it may
  have been registered a moment ago.
- G4 An answer that was waited for is given to who may have it then: the system is not locked, its
  credential not revoked, and it still serves all for which it asked.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_gateway.edge import SYSTEM
from docaxis_gateway.gateway import Gateway, Services, gateway_of
from docaxis_gateway.problems import fields_error, language_of
from docaxis_runtime.call_context import name_actor
from docaxis_runtime.registry_directory import SystemDirectory
from docaxis_runtime.registry_systems import KnownSystem
from docaxis_trust.access_tokens import AccessClaims, TokenInvalid

_LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """The system that makes a request."""

    gateway: Gateway
    system: KnownSystem
    request: Request
    credential_id: str

    @property
    def system_id(self) -> str:
        """Id of the system."""
        return self.system.system_id

    @property
    def organisation_ids(self) -> tuple[str, ...]:
        """Ids of the organisations that it serves."""
        return self.system.organisation_ids

    @property
    def services(self) -> Services:
        """The services' clients."""
        return self.gateway.services

    @property
    def language(self) -> str:
        """The language to answer in."""
        return language_of(self.request)

    async def require_still_allowed(self) -> None:
        """Ask again, after a wait (G4). Raises as the door does, or `organisation_not_served`."""
        system = await _system_with(self.gateway, self.system_id, self.credential_id)
        for organisation_id in self.system.organisation_ids:
            if organisation_id not in system.organisations:
                code = self.gateway.directory.code_of(organisation_id) or organisation_id
                raise DocaxisError("organisation_not_served", {"organisation": code})


class _BearerToken(SecurityBase):
    """The dependency of every route that is not public; OpenAPI knows it as `accessToken`."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel(
            bearerFormat="JWT", description="The access token of `POST /api/v1/token`."
        )
        self.scheme_name = "accessToken"

    async def __call__(self, request: Request) -> Caller:
        gateway = gateway_of(request)
        claims = _verified(gateway, request.headers.get("authorization", ""))
        system = await _system_with(gateway, claims.system_id, claims.credential_id)
        gateway.in_flight.enter_for(system.system_id)
        request.scope[SYSTEM] = system.system_id
        name_actor(system.system_id)
        gateway.seen_systems.note(
            system.system_id, gateway.now_ms(), gateway.services.registry, gateway.background.spawn
        )
        _refuse_unknown_parameters(request)
        return Caller(gateway, system, request, claims.credential_id)


CallerDep = Annotated[Caller, Depends(_BearerToken())]
"""A parameter of this type makes a route ask for an access token."""


async def known_system(directory: SystemDirectory, system_id: str) -> KnownSystem:
    """A system that may act (G2, G3). Raises `system_unknown`, `system_locked`, `unavailable`."""
    directory.require_fresh()
    system = directory.system(system_id)
    if system is None:
        await directory.catch_up()
        system = directory.system(system_id)
    if system is None:
        raise DocaxisError("system_unknown")
    if system.locked:
        raise DocaxisError("system_suspended" if system.suspended else "system_locked")
    return system


async def _system_with(gateway: Gateway, system_id: str, credential_id: str) -> KnownSystem:
    """A system that may act, by a credential that is still its own and within its dates."""
    system = await known_system(gateway.directory, system_id)
    if credential_id not in system.credentials:
        raise DocaxisError("credential_revoked")
    if not system.counts(credential_id, gateway.now_ms()):
        raise DocaxisError("credential_expired")
    return system


def _verified(gateway: Gateway, authorization: str) -> AccessClaims:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise DocaxisError("unauthenticated")
    if len(token) > _LONGEST_TOKEN:
        raise DocaxisError("token_malformed")
    try:
        return gateway.tokens.verify(token, gateway.now_ms() // 1000)
    except TokenInvalid as error:
        raise DocaxisError(error.code) from None


def _refuse_unknown_parameters(request: Request) -> None:
    if not request.scope["query_string"]:
        return
    route = request.scope["route"]
    known = {each.alias for each in route.dependant.query_params}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise fields_error([FieldProblem(f"/{each[:100]}", "unknown_field") for each in unknown])
