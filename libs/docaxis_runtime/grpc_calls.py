"""How a servicer's method is run, the same behind a real server and in an in-process twin."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_runtime.call_context import CallContext, to_metadata
from docaxis_runtime.grpc_errors import public_error
from docaxis_runtime.telemetry import serving_call

DEFAULT_TIMEOUT_S = 10.0
"""Deadline of a call whose caller names none."""

LONGEST_TIMEOUT_S = 75.0
"""No call runs longer, whatever its caller asks (a long-poll waits at most 50 s)."""

RequestT = TypeVar("RequestT")
ReplyT = TypeVar("ReplyT")

Behaviour = Callable[[Any, Any], Awaitable[Any]]
"""A servicer's method: `async (request, context) -> reply`."""

_log = structlog.get_logger(__name__)


async def run_call(
    method: str,
    behaviour: Behaviour,
    request: Any,
    context: Any,
    call: CallContext,
    timeout_s: float,
) -> Any:
    """Run one call under its deadline and context; raises nothing but `DocaxisError`."""
    started = time.perf_counter()
    with serving_call(method, call):
        try:
            async with asyncio.timeout(min(timeout_s, LONGEST_TIMEOUT_S)):
                reply = await behaviour(request, context)
        except Exception as error:
            public = public_error(error, method)
            _log.info(
                "call_refused",
                method=method,
                code=public.code,
                request_id=call.request_id,
                milliseconds=_since(started),
            )
            if public is error:
                raise
            raise public from error
    return reply


class TwinContext:
    """What a servicer may ask of its context when no network lies between.

    Servicers raise `DocaxisError`; `abort` and statuses are not for them, so they are not here.
    """

    __slots__ = ("_call", "_deadline")

    def __init__(self, call: CallContext, timeout_s: float) -> None:
        self._call = call
        self._deadline = time.monotonic() + timeout_s

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """The same pairs that a remote client would have sent."""
        return to_metadata(self._call)

    def time_remaining(self) -> float:
        """Seconds until the deadline, never below 0."""
        return max(0.0, self._deadline - time.monotonic())

    def peer(self) -> str:
        """Where the call comes from."""
        return "in-process"


def not_served(method: str) -> DocaxisError:
    """The error of a method that a servicer does not have."""
    _log.error("method_missing", method=method)
    return DocaxisError("internal")


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
