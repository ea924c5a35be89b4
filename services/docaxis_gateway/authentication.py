"""A route's caller: the system or administrator that makes a request.

Who it is, `identity` finds out (G1-G3, G5-G7). Rules (tests carry their numbers):

- G4 An answer that was waited for is given to who may have it then: the system is not locked, its
  credential not revoked, and it still serves all for which it asked.
- G8 An administrator calls the addresses of administrators and `/me`, a system all others: else
  `administrators_only`, `systems_only`.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_gateway.edge import BODY, REQUESTER, SYSTEM
from docaxis_gateway.gateway import Gateway, Services, gateway_of
from docaxis_gateway.http_protocol import CERTIFICATE
from docaxis_gateway.identity import Identity, Shown, identify, system_with
from docaxis_gateway.problems import fields_error, language_of
from docaxis_runtime.call_context import name_actor
from docaxis_runtime.registry_systems import KnownSystem
from docaxis_trust.message_signatures import SignedRequest


@dataclass(frozen=True, slots=True)
class Caller:
    """The system that makes a request."""

    gateway: Gateway
    system: KnownSystem
    request: Request
    credential_id: str
    identity: Identity

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
        system = await system_with(self.gateway, self.system_id, self.credential_id)
        for organisation_id in self.system.organisation_ids:
            if organisation_id not in system.organisations:
                code = self.gateway.directory.code_of(organisation_id) or organisation_id
                raise DocaxisError("organisation_not_served", {"organisation": code})


class Authentication(SecurityBase):
    """The dependency of every route that is not public; OpenAPI knows it as `accessToken`."""

    def __init__(self, administrators: Set[bool]) -> None:
        self._administrators = administrators
        self.model = HTTPBearerModel(
            bearerFormat="JWT", description="The access token of `POST /api/v1/token`."
        )
        self.scheme_name = "accessToken"

    async def __call__(self, request: Request) -> Caller:
        """Who makes the request, counted in; raises `DocaxisError`."""
        gateway = gateway_of(request)
        identity = await identify(gateway, shown_by(request))
        system = identity.system
        request.scope[REQUESTER] = system.system_id
        gateway.rates.take(system.system_id)
        if system.is_administrator not in self._administrators:
            raise DocaxisError("systems_only" if system.is_administrator else "administrators_only")
        gateway.in_flight.enter_for(system.system_id)
        request.scope[SYSTEM] = system.system_id
        name_actor(system.system_id)
        gateway.seen_systems.note(
            system.system_id, gateway.now_ms(), gateway.services.registry, gateway.background.spawn
        )
        _refuse_unknown_parameters(request)
        return Caller(gateway, system, request, identity.credential_id, identity)


CallerDep = Annotated[Caller, Depends(Authentication({False}))]
"""A parameter of this type makes a route ask for a system's credentials."""
AdministratorDep = Annotated[Caller, Depends(Authentication({True}))]
"""The same for an administrator's."""
AnybodyDep = Annotated[Caller, Depends(Authentication({False, True}))]
"""The same for either's."""


def shown_by(request: Request) -> Shown:
    """What a request shows of its maker."""
    headers, client = request.headers, request.client
    signed = None
    if "signature-input" in headers or "signature" in headers:
        signed = _signed(request)
    body = request.scope.get(BODY)
    return Shown(
        authorization=headers.get("authorization", ""),
        certificate=request.scope.get(CERTIFICATE, b""),
        client_cert=headers.get("client-cert", ""),
        peer=client.host if client is not None else "",
        signed=signed,
        expect_body=body.expect if body is not None else None,
    )


def _signed(request: Request) -> SignedRequest:
    scope = request.scope
    lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    return SignedRequest(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        lines,
        has_body=BODY in scope,
    )


def _refuse_unknown_parameters(request: Request) -> None:
    if not request.scope["query_string"]:
        return
    route = request.scope["route"]
    known = {each.alias for each in route.dependant.query_params}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise fields_error([FieldProblem(f"/{each[:100]}", "unknown_field") for each in unknown])
