"""Whether the process lives, and whether it is ready; public, for load balancers."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from docaxis_gateway.answers import json_answer
from docaxis_gateway.gateway import gateway_of
from docaxis_gateway.response_models import HealthState
from docaxis_runtime.health import Health

router = APIRouter(tags=["health"])

LIVE = "/health/live"
READY = "/health/ready"


@router.get(LIVE, responses={200: {"model": HealthState}})
async def get_live(request: Request) -> Response:
    """The process answers; whoever gets no answer may restart it."""
    return live_answer()


@router.get(READY, responses={200: {"model": HealthState}, 503: {"model": HealthState}})
async def get_ready(request: Request) -> Response:
    """Whether every part is ready; 503 with the reasons where not."""
    return ready_answer(gateway_of(request).health)


def live_answer() -> Response:
    """What `/health/live` always answers."""
    return json_answer({"status": "ready", "parts": {"process": "ready"}})


def ready_answer(health: Health) -> Response:
    """What `/health/ready` answers as things are."""
    state = "ready" if health.ready else "not_ready"
    body = {"status": state, "parts": dict(health.words())}
    return json_answer(body, 200 if health.ready else 503)
