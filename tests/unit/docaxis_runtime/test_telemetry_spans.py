"""Rules T1 and T2, and what a request and a call record."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_runtime import telemetry
from docaxis_runtime.call_context import CallContext, current_call, current_traceparent
from docaxis_runtime.grpc_calls import run_call
from docaxis_runtime.telemetry import Answered, link_to, serving_request
from docaxis_runtime.telemetry_sdk.measures import Measures
from docaxis_runtime.telemetry_sdk.recorder import SdkRecorder
from docaxis_runtime.telemetry_sdk.services import ServiceSpans
from docaxis_runtime.telemetry_sdk.span_budget import SpanBudget
from docaxis_runtime.telemetry_sdk.spans import is_sampled, parse, root_sampler
from docaxis_runtime.telemetry_settings import Sampler, TelemetrySettings

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE}-b7ad6b7169203331-01"
NOT_SAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"
SUBMIT = "/docaxis.routing.v1.Routing/SubmitDocument"


class Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def recording(sampler: Sampler, ratio: float = 1.0) -> Kept:
    kept = Kept()
    settings = TelemetrySettings(traces_sampler=sampler, traces_sampler_arg=ratio)
    services = ServiceSpans((kept,), root_sampler(settings), {})
    measures = Measures(MeterProvider(shutdown_on_exit=False).get_meter("test"))
    telemetry.install(SdkRecorder(services, measures))
    return kept


@pytest.fixture(autouse=True)
def off_again() -> Iterator[None]:
    yield
    telemetry.install(None)


def ask(traceparent: str, status: int = 200, code: str = "") -> None:
    answered = Answered("POST", "/api/v1/documents", status, code)
    with serving_request(CallContext("r", traceparent), lambda: answered):
        pass


@pytest.mark.parametrize(
    ("sampler", "ratio", "with_parent", "without"),
    [
        (Sampler.ALWAYS_ON, 1.0, 2, 1),
        (Sampler.ALWAYS_OFF, 1.0, 0, 0),
        (Sampler.RATIO, 0.0, 0, 0),
        (Sampler.RATIO, 1.0, 2, 1),
        (Sampler.PARENT_ON, 1.0, 1, 1),
        (Sampler.PARENT_OFF, 1.0, 1, 0),
        (Sampler.PARENT_RATIO, 0.0, 1, 0),
        (Sampler.PARENT_RATIO, 1.0, 1, 1),
    ],
)
def test_T1_the_first_span_asks_the_sampler(
    sampler: Sampler, ratio: float, with_parent: int, without: int
) -> None:
    kept = recording(sampler, ratio)
    ask("")
    assert len(kept.spans) == without
    kept.spans.clear()
    ask(SAMPLED)
    ask(NOT_SAMPLED)
    assert len(kept.spans) == with_parent


async def test_T1_all_others_follow_the_flag() -> None:
    kept = recording(Sampler.PARENT_ON)

    async def behaviour(request: object, context: object) -> str:
        return current_traceparent()

    inner = await run_call(SUBMIT, behaviour, None, None, CallContext("r", NOT_SAMPLED), 1.0)
    assert inner.startswith(f"00-{TRACE}-") and not is_sampled(inner)
    assert kept.spans == []
    inner = await run_call(SUBMIT, behaviour, None, None, CallContext("r", SAMPLED), 1.0)
    (span,) = kept.spans
    assert span.context is not None and span.parent is not None
    assert inner == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert (span.name, span.kind) == ("SubmitDocument", SpanKind.SERVER)
    assert span.resource.attributes["service.name"] == "docaxis-routing"


async def test_T2_what_fails_is_recorded_though_its_trace_is_not_sampled() -> None:
    kept = recording(Sampler.ALWAYS_OFF)

    async def fails(request: object, context: object) -> None:
        raise DocaxisError("unavailable")

    answered = Answered("POST", "/api/v1/documents", 503, "unavailable")
    with serving_request(CallContext("r"), lambda: answered):
        with pytest.raises(DocaxisError):
            await run_call(SUBMIT, fails, None, None, current_call(), 1.0)
    call, request = kept.spans
    assert call.context is not None and call.parent is not None and request.context is not None
    assert call.parent.span_id == request.context.span_id
    assert call.context.trace_flags.sampled and request.context.trace_flags.sampled
    assert {each.status.status_code for each in kept.spans} == {StatusCode.ERROR}
    assert call.status.description == request.status.description == "unavailable"


async def test_T2_what_is_refused_for_the_callers_fault_is_no_failure() -> None:
    kept = recording(Sampler.ALWAYS_OFF)

    async def refuses(request: object, context: object) -> None:
        raise DocaxisError("unknown_document", {"document_id": "x"})

    with pytest.raises(DocaxisError):
        await run_call(SUBMIT, refuses, None, None, CallContext(), 1.0)
    ask("", 404, "unknown_document")
    assert kept.spans == []


def test_links_are_to_other_traces_and_bounded() -> None:
    kept = recording(Sampler.PARENT_ON)
    answered = Answered("GET", "", 200, "")
    with serving_request(CallContext("r", SAMPLED), lambda: answered):
        link_to(SAMPLED)  # its own trace
        link_to("nonsense")
        for number in range(1, 40):
            link_to(f"00-{number:032x}-{number:016x}-01")
            link_to(f"00-{number:032x}-{number:016x}-01")
    (span,) = kept.spans
    assert [each.context.trace_id for each in span.links] == list(range(1, 17))


def test_a_hostile_method_makes_no_label() -> None:
    kept = recording(Sampler.ALWAYS_ON)
    with serving_request(CallContext(), lambda: Answered("X" * 90, "", 405, "")):
        pass
    with serving_request(CallContext(), lambda: Answered("GET", "/api/v1/health/live", 200, "")):
        pass
    assert [each.name for each in kept.spans] == ["_OTHER"]


@pytest.mark.parametrize(
    "traceparent", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01", "00-1-2-01"]
)
def test_a_malformed_traceparent_is_none(traceparent: str) -> None:
    assert parse(traceparent) is None
    kept = recording(Sampler.PARENT_ON)
    ask(traceparent)
    assert kept.spans[0].parent is None


def test_a_trace_has_a_bounded_number_of_spans_in_a_part() -> None:
    budget = SpanBudget(3)
    assert [budget.takes("a") for _ in range(5)] == [True, True, True, False, False]
    assert budget.takes("b")
    for number in range(5000):
        budget.takes(str(number))
    assert budget.takes("a")  # forgotten since
