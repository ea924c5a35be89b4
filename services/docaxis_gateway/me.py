"""`GET /me`: who the token stands for; `GET /keys`: the keys that receipts are checked with."""

from email.utils import parsedate_to_datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from docaxis_gateway.answers import json_answer, moment
from docaxis_gateway.authentication import AnybodyDep, Caller
from docaxis_gateway.gateway import gateway_of
from docaxis_gateway.openapi import KEY_SET_ANSWER, KEY_SET_MEDIA_TYPE, problems
from docaxis_gateway.organisation_scope import names_of
from docaxis_gateway.response_models import Me
from docaxis_proto import signature_v1_pb2

router = APIRouter(tags=["access"])

_KEYS_MAX_AGE_S = 300


_SKEW_S = 30
"""From here on a clock is wrong: assertions get no more leeway."""


@router.get("/me", responses={200: {"model": Me}, **problems(only="")})
async def get_me(caller: AnybodyDep) -> Response:
    """The caller, its credential, and the organisations that it may act for.

    `clock_skew_s` is the request's `Date` less the axis's time; null where the request has none.
    `warnings` are codes of what will be in the way: `clock_skewed`, `no_organisations`.
    """
    now_ms = caller.gateway.now_ms()
    skew = _skew(caller.request.headers.get("date", ""), now_ms)
    settings = caller.gateway.settings
    ids = list(caller.organisation_ids)
    organisations = await names_of(caller, ids)
    return json_answer(
        {
            "system_id": caller.system_id,
            "name": caller.system.name,
            "connection": caller.system.connection,
            "organisations": [
                {"id": each, "code": organisations[each].code, "name": organisations[each].name}
                for each in ids
                if each in organisations
            ],
            "role": "administrator" if caller.system.is_administrator else "system",
            "credential": {
                "id": caller.credential_id,
                "kind": caller.identity.kind,
                "until": moment(caller.identity.until * 1000),
                "not_after": moment(_not_after(caller)),
            },
            "limits": {
                "requests_per_s": settings.requests_per_s or None,
                "burst": settings.requests_burst,
                "in_flight": settings.max_requests_per_system,
            },
            "server_time": moment(now_ms),
            "clock_skew_s": skew,
            "warnings": _warnings(caller, skew),
        }
    )


def _not_after(caller: Caller) -> int:
    """End of the credential itself, in Unix ms; 0 where it has none."""
    return caller.system.validity.get(caller.credential_id, (0, 0))[1]


def _skew(date: str, now_ms: int) -> float | None:
    """The header has whole seconds (RFC 9110, section 5.6.7): half of one is in the middle."""
    try:
        told = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return round(told + 0.5 - now_ms / 1000, 1)


def _warnings(caller: Caller, skew: float | None) -> list[str]:
    found = []
    if skew is not None and abs(skew) > _SKEW_S:
        found.append("clock_skewed")
    if not caller.organisation_ids and not caller.system.is_administrator:
        found.append("no_organisations")
    return found


@router.get(
    "/keys",
    response_class=Response,
    responses={200: KEY_SET_ANSWER, **problems(public=True)},
)
async def get_keys(request: Request) -> Response:
    """The published keys (RFC 7517), newest first; keys that signed a receipt stay."""
    signature = gateway_of(request).services.signature
    reply = await signature.GetKeySet(signature_v1_pb2.GetKeySetRequest())
    age = {"Cache-Control": f"public, max-age={_KEYS_MAX_AGE_S}"}
    return Response(reply.jwk_set, media_type=KEY_SET_MEDIA_TYPE, headers=age)
