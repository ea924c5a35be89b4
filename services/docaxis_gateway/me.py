"""`GET /me`: who the token stands for; `GET /keys`: the keys that receipts are checked with."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from docaxis_gateway.answers import json_answer, moment
from docaxis_gateway.authentication import CallerDep
from docaxis_gateway.gateway import gateway_of
from docaxis_gateway.openapi import problems
from docaxis_gateway.organisation_scope import names_of
from docaxis_gateway.response_models import KeySet, Me
from docaxis_proto import signature_v1_pb2

router = APIRouter(tags=["access"])

_KEYS_MAX_AGE_S = 300


@router.get("/me", responses={200: {"model": Me}, **problems()})
async def get_me(caller: CallerDep) -> Response:
    """The system, and the organisations that it may act for."""
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
            "server_time": moment(caller.gateway.now_ms()),
        }
    )


@router.get("/keys", responses={200: {"model": KeySet}, **problems(public=True)})
async def get_keys(request: Request) -> Response:
    """The published keys (RFC 7517), newest first; keys that signed a receipt stay."""
    signature = gateway_of(request).services.signature
    reply = await signature.GetKeySet(signature_v1_pb2.GetKeySetRequest())
    return Response(
        reply.jwk_set,
        media_type="application/jwk-set+json",
        headers={"Cache-Control": f"public, max-age={_KEYS_MAX_AGE_S}"},
    )
