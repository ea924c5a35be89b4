"""Traces that go on without an SDK."""

import asyncio

from docaxis_runtime.call_context import (
    CallContext,
    calling,
    current_call,
    current_traceparent,
    from_metadata,
    name_actor,
    to_metadata,
)
from docaxis_runtime.telemetry import inject_traceparent, span

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_callers_trace_goes_on() -> None:
    assert inject_traceparent() == ""
    with span("submit", package="docaxis_test", traceparent=TRACEPARENT, attributes={"n": 1}):
        assert inject_traceparent().startswith("00-0af7651916cd43dd8448eb211c80319c-")
    with span("submit", package="docaxis_test", traceparent="nonsense"):
        assert inject_traceparent() == ""
    with calling(CallContext("r", TRACEPARENT)):
        assert inject_traceparent() == TRACEPARENT
    assert inject_traceparent() == ""


async def test_calls_beside_each_other_keep_their_own_context() -> None:
    async def serve(name: str) -> tuple[str, str]:
        with calling(CallContext(name, TRACEPARENT)):
            await asyncio.sleep(0.01)
            name_actor(f"system {name}")
            await asyncio.sleep(0.01)
            return current_call().request_id, current_call().actor

    one, other = await asyncio.gather(serve("a"), serve("b"))
    assert (one, other) == (("a", "system a"), ("b", "system b"))
    assert current_call() == CallContext()
    assert current_traceparent() == ""


def test_metadata_there_and_back() -> None:
    context = CallContext("r", TRACEPARENT, "s")
    assert from_metadata((*to_metadata(context), ("other-bin", b"x"))) == context
    assert to_metadata(CallContext()) == ()
