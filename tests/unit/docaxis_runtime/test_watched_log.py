"""What goes through the log is recorded, and changes in nothing but its traceparent."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.trace import StatusCode

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_runtime.telemetry_sdk.consumer_lag import ConsumerLags
from docaxis_runtime.telemetry_sdk.measures import Lag, Measures
from docaxis_runtime.telemetry_sdk.services import ServiceSpans
from docaxis_runtime.telemetry_sdk.spans import parse, root_sampler
from docaxis_runtime.telemetry_sdk.watched_log import Group, WatchedConsumer, WatchedLog
from docaxis_runtime.telemetry_settings import TelemetrySettings
from tests.unit.docaxis_eventsourcing.bank import TOPICS, Balance, Deposit, Poison
from tests.unit.docaxis_eventsourcing.rig import Rig, ask, running
from tests.unit.docaxis_runtime.test_telemetry_spans import NOT_SAMPLED, SAMPLED, TRACE, Kept


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The dead command's traceback is nobody's to read."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[_drop])
    yield
    structlog.configure(**before)


def _drop(_: object, __: str, ___: object) -> str:
    raise structlog.DropEvent


class Watched:
    def __init__(self, rig: Rig) -> None:
        self.kept = Kept()
        services = ServiceSpans((self.kept,), root_sampler(TelemetrySettings()), {})
        self.measures = Measures(MeterProvider(shutdown_on_exit=False).get_meter("test"))
        self.services = services
        self.log = WatchedLog(rig.log, services, self.measures)
        rig.log = self.log


@pytest.fixture(params=[0, 1, 2], ids=lambda seed: f"seed{seed}" if seed else "kind")
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async with running(tmp_path, request.param) as rig:
        yield rig


async def test_a_batch_is_one_span_for_each_trace_and_its_outputs_follow_from_it(rig: Rig) -> None:
    watched = Watched(rig)
    for amount in range(1, 6):  # before anybody reads: they come in few batches
        await rig.append(Deposit("a.1", amount), traceparent=SAMPLED)
        await rig.append(Deposit("a.1", amount), traceparent=NOT_SAMPLED)
        await rig.append(Deposit("a.1", amount))
    door = rig.door()
    rig.start(door)
    rig.start(rig.processor())
    assert await ask(door, Deposit("a.1", 1)) == Balance("a.1", 46)
    spans = {f"{each.context.span_id:016x}": each for each in watched.kept.spans if each.context}
    assert {each.name for each in spans.values()} == {"decide Deposit"}
    assert 1 <= len(spans) <= 6
    followed = 0
    for record in await rig.records():
        traceparent = record.envelope.traceparent
        at = parse(traceparent)
        if at is None or not at.trace_flags.sampled:
            assert traceparent in ("", NOT_SAMPLED)
            continue
        followed += 1
        assert traceparent.startswith(f"00-{TRACE}-")
        # The last spans of a part with many batches stand for those that follow.
        assert f"{at.span_id:016x}" in spans or traceparent == SAMPLED
    assert followed == 5
    # A commit that was refused is a failed span, and its batch comes again.
    done = [each for each in spans.values() if each.status.status_code is StatusCode.UNSET]
    wrote = [dict(each.attributes or {})["docaxis.wrote.Deposited"] for each in done]
    assert 1 <= sum(wrote) <= 5  # type: ignore[arg-type]


async def test_T2_a_dead_command_is_told_though_its_trace_is_not_sampled(rig: Rig) -> None:
    watched = Watched(rig)
    door = rig.door(traceparent=lambda: NOT_SAMPLED)
    rig.start(door)
    rig.start(rig.processor())
    with pytest.raises(DocaxisError, match="command_dead"):
        await ask(door, Poison("a.1", "decide"), "poison")
    (span,) = watched.kept.spans
    assert span.context is not None and f"{span.context.trace_id:032x}" == TRACE
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "command_dead")
    attributes = dict(span.attributes or {})
    assert (attributes["docaxis.command"], attributes["docaxis.command_id"]) == ("Poison", "poison")


async def test_a_lag_is_what_a_member_has_still_to_take_also_where_it_was_stopped(
    rig: Rig,
) -> None:
    watched = Watched(rig)
    group = Group("docaxis.bank.reactions.own")
    inner = await rig.log.join("docaxis.bank.reactions.own", (TOPICS.commands(),))
    assert isinstance(inner, WatchedConsumer)
    lags = ConsumerLags(rig.log, [inner], watched.measures)
    polled = await inner.poll(10, 1.0)
    while not polled.assigned:
        polled = await inner.poll(10, 1.0)
    assert await lags._look() == {}  # nothing is begun yet
    for partition in polled.assigned:
        inner.start(partition)
    for _ in range(3):
        await rig.append(Deposit("a.1", 1))
    behind = Lag("bank", group.name, TOPICS.commands())
    assert (await lags._look())[behind] >= 3
    taken = 0
    async with asyncio.timeout(20):
        while taken < 3:
            batch = (await inner.poll(10, 1.0)).batch
            taken += len(batch.records) if batch else 0
    assert (await lags._look())[behind] == 0
    for partition in polled.assigned:
        inner.stop(partition)
    await rig.append(Deposit("a.1", 1))
    assert (await lags._look())[behind] >= 1
    await inner.close()
    assert await lags._look() == {}


@pytest.mark.parametrize(
    ("name", "service", "verb"),
    [
        ("docaxis.routing.processor", "routing", "decide"),
        ("docaxis.status.reactions.routing", "status", "react routing"),
        ("docaxis.signature.effects.verify", "signature", "effect verify"),
        ("docaxis.view.routing_documents_v3_g12", "routing", "project routing_documents"),
    ],
)
def test_a_group_says_whose_it_is_and_what_it_does(name: str, service: str, verb: str) -> None:
    group = Group(name)
    assert (group.service, group.verb) == (service, verb)
