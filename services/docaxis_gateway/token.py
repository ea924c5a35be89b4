"""`POST /token`: an access token for an assertion signed with the system's key (RFC 7523)."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.answers import PREFIX, json_answer
from docaxis_gateway.bodies import read_form
from docaxis_gateway.edge import REQUESTER
from docaxis_gateway.gateway import Gateway, gateway_of
from docaxis_gateway.identity import known_system
from docaxis_gateway.openapi import TOKEN_BODY, problems
from docaxis_gateway.problems import field_error, language_of, problem_response
from docaxis_gateway.response_models import AccessToken
from docaxis_runtime.error_table import row_of
from docaxis_trust.assertions import (
    Assertion,
    AssertionInvalid,
    peek_issuer,
    verify_assertion,
)
from docaxis_trust.compact_jws import take_apart

router = APIRouter(tags=["access"])

GRANT_TYPE = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_LEEWAY_S = 30
_LONGEST_LIFETIME_S = 300
_LONGEST_ASSERTION = 8192


@router.post(
    "/token",
    openapi_extra=TOKEN_BODY,
    responses={
        200: {"model": AccessToken},
        **problems(
            "malformed_form",
            "unsupported_media_type",
            "body_too_large",
            "field_required",
            "grant_type_unsupported",
            "assertion_malformed",
            "assertion_unknown_key",
            "assertion_bad_signature",
            "assertion_expired",
            "assertion_not_yet_valid",
            "assertion_lifetime_too_long",
            "assertion_wrong_audience",
            "assertion_replayed",
            "system_unknown",
            "system_locked",
            "system_suspended",
            "credential_expired",
            "rate_limited",
            "request_timed_out",
            public=True,
        ),
    },
)
async def issue_token(request: Request) -> Response:
    """Exchange an assertion for an access token."""
    gateway = gateway_of(request)
    try:
        token, expires_in = await _exchange(gateway, request)
    except DocaxisError as error:
        # The problem carries OAuth's own code too, for clients that know nothing else.
        return problem_response(error, language_of(request), {"error": _oauth_error(error.code)})
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": expires_in}
    return json_answer(answer)


async def _exchange(gateway: Gateway, request: Request) -> tuple[str, int]:
    token = await _read_assertion(request)
    now = gateway.now_ms() // 1000
    try:
        system = await known_system(gateway.directory, peek_issuer(token))
        assertion = _verify(gateway, token, system.credentials, now)
    except AssertionInvalid as error:
        raise DocaxisError(error.code) from None
    if assertion.expires_at > now + _LONGEST_LIFETIME_S + _LEEWAY_S:
        raise DocaxisError("assertion_lifetime_too_long")
    until = assertion.expires_at + _LEEWAY_S
    if not gateway.seen_assertions.first_use(system.system_id, assertion.jti, until, now):
        raise DocaxisError("assertion_replayed")
    request.scope[REQUESTER] = system.system_id
    gateway.rates.take(system.system_id)
    credential_id = str(take_apart(token).header["kid"])
    if not system.counts(credential_id, gateway.now_ms()):
        raise DocaxisError("credential_expired")
    return gateway.tokens.issue(system.system_id, credential_id, now)


def _verify(
    gateway: Gateway, token: str, keys: Mapping[str, Mapping[str, Any]], now: int
) -> Assertion:
    """Check an assertion; its audience is the axis by name, or the address of this endpoint."""
    settings = gateway.settings
    try:
        return verify_assertion(token, keys, settings.issuer, now, _LEEWAY_S)
    except AssertionInvalid as error:
        if error.code != "assertion_wrong_audience" or not settings.public_url:
            raise
    endpoint = f"{settings.public_url.rstrip('/')}{PREFIX}/token"
    return verify_assertion(token, keys, endpoint, now, _LEEWAY_S)


async def _read_assertion(request: Request) -> str:
    form = await read_form(request)
    for name in ("grant_type", "client_assertion_type", "client_assertion"):
        if not form.get(name):
            raise field_error(f"/{name}", "field_required")
    if form["grant_type"] != GRANT_TYPE or form["client_assertion_type"] != ASSERTION_TYPE:
        raise DocaxisError("grant_type_unsupported")
    # Unlike in JSON bodies, unknown parameters are passed over (RFC 6749, section 3.2).
    if len(form["client_assertion"]) > _LONGEST_ASSERTION:
        raise DocaxisError("assertion_malformed")
    return form["client_assertion"]


def _oauth_error(code: str) -> str:
    if code == "grant_type_unsupported":
        return "unsupported_grant_type"
    if row_of(code).http in (401, 403):
        return "invalid_client"
    return "invalid_request" if row_of(code).http < 500 else "temporarily_unavailable"
