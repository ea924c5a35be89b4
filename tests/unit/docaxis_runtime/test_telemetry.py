"""Traces that go on without an SDK."""

import asyncio

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from docaxis_runtime.call_context import (
    CallContext,
    calling,
    current_call,
    current_traceparent,
    from_metadata,
    name_actor,
    to_metadata,
)
from docaxis_runtime.telemetry import (
    Duration,
    inject_traceparent,
    link_to,
    serving_call,
    took,
    trace_id_of,
)

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_callers_trace_goes_on_where_nothing_records() -> None:
    assert inject_traceparent() == ""
    with serving_call("/docaxis.routing.v1.Routing/SubmitDocument", CallContext("r", TRACEPARENT)):
        assert inject_traceparent() == TRACEPARENT
        link_to(TRACEPARENT)  # nothing listens: nothing happens
        took(Duration.HAND_OVER, 1.0)
    assert inject_traceparent() == ""


def test_a_span_of_the_api_is_the_current_one() -> None:
    parent = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))
    with calling(CallContext("r", TRACEPARENT)), use_span(NonRecordingSpan(parent)):
        assert inject_traceparent() == f"00-{0xABC:032x}-{0xDEF:016x}-01"


def test_the_id_of_a_trace() -> None:
    assert trace_id_of(TRACEPARENT) == "0af7651916cd43dd8448eb211c80319c"
    assert trace_id_of("") == trace_id_of("nonsense") == trace_id_of("00-12-34-01") == ""


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
