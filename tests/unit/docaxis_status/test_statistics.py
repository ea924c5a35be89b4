"""What the figures count, and that they are right after every replay."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docaxis_adapters.sqlite_log import Unkindness
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_eventsourcing.topics import document_partition, organisation_partition
from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_proto import status_v1_pb2 as rpc
from docaxis_status.feedback import class_of
from docaxis_status.service import compose
from docaxis_status.settings import StatusSettings
from tests.embedded import ports_in
from tests.unit.docaxis_signature.embedded import PARTITIONS, RoutingEvents, running
from tests.unit.docaxis_status.samples import SYSTEM

UNITS = [derived_id("unit", number) for number in range(6)]


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    async with ports_in(tmp_path, Unkindness(seed=7)) as opened:
        yield opened


def composed(ports: Ports) -> RunningService:
    return compose(ports, StatusSettings(outcome_wait_s=5.0))


def at(text: str) -> int:
    """Unix ms of a moment in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


async def sent(
    events: RoutingEvents, number: int, moment: int, *, level: int = 1, kind: str = "new"
) -> str:
    document_id = derived_id("document", number)
    event = routing.DocumentSubmitted(
        brief=routing.DocumentBrief(
            document_id=document_id,
            sender_organisation_id=UNITS[0],
            business_type=kind,
            accepted_at=moment,
        ),
        sender_level=level,
    )
    await events.append(event, document_partition(document_id, PARTITIONS), moment)
    return document_id


async def taken(
    events: RoutingEvents, document_id: str, unit: str, moment: int, *, level: int, kind: str = ""
) -> str:
    """A delivery made and handed over."""
    delivery = delivery_id(document_id, unit)
    made = routing.DeliveriesMade(
        brief=routing.DocumentBrief(document_id=document_id, sender_organisation_id=UNITS[0]),
        deliveries=[
            routing.DeliveryMade(
                delivery_id=delivery, organisation_id=unit, state="ready", code="H29"
            )
        ],
    )
    handed = routing.DeliveriesHandedOver(
        organisation_id=unit,
        system_id=SYSTEM,
        deliveries=[
            routing.HandOver(
                delivery_id=delivery,
                document_id=document_id,
                sender_organisation_id=UNITS[0],
                business_type=kind,
                recipient_level=level,
            )
        ],
    )
    partition = organisation_partition(unit, PARTITIONS)
    await events.append(made, partition, moment)
    await events.append(handed, partition, moment)
    return delivery


async def figures(
    service: RunningService, first: str, last: str, *units: str
) -> dict[tuple[str, int], tuple[int, int]]:
    reply = await service.servicer.GetStatistics(
        rpc.GetStatisticsRequest(
            from_day=first,
            to_day=last,
            by="organisation" if units else "level",
            for_organisation_ids=units,
        ),
        None,
    )
    return {
        (each.organisation_id, each.level): (each.sent, each.received) for each in reply.figures
    }


async def test_documents_and_hand_overs_count_at_the_level_and_day_of_viet_nam(
    ports: Ports,
) -> None:
    events = RoutingEvents(ports)
    async with running(ports, composed) as service:
        late = at("2026-11-20T17:00:00")  # midnight in Viet Nam: the 21st has begun
        document = await sent(events, 1, late - 1, level=2)
        await sent(events, 2, late, level=1)
        await taken(events, document, UNITS[1], late, level=3)
        await taken(events, document, UNITS[2], late, level=1)
        day_20, day_21 = "2026-11-20", "2026-11-21"
        assert await figures(service, day_20, day_20) == {("", 2): (1, 0)}
        assert await figures(service, day_21, day_21) == {("", 1): (1, 1), ("", 3): (0, 1)}
        whole = await figures(service, "2026-01-01", "2026-12-31")
        assert whole == {("", 1): (1, 1), ("", 2): (1, 0), ("", 3): (0, 1)}
        own = await figures(service, day_20, day_21, UNITS[0], UNITS[2])
        assert own == {(UNITS[0], 1): (1, 0), (UNITS[0], 2): (1, 0), (UNITS[2], 1): (0, 1)}


async def test_business_types_1_to_3_are_counted_apart(ports: Ports) -> None:
    events = RoutingEvents(ports)
    async with running(ports, composed) as service:
        now = at("2026-11-20T03:00:00")
        for number, kind in enumerate(("new", "recall", "recall", "update", "replace")):
            document = await sent(events, number, now, kind=kind)
            await taken(events, document, UNITS[1], now, level=1, kind=kind)
        asked = rpc.GetStatisticsRequest(from_day="2026-11-20", to_day="2026-11-20", by="level")
        (found,) = (await service.servicer.GetStatistics(asked, None)).figures
        assert (found.sent, found.received) == (1, 1)
        apart = [(each.business_type, each.sent, each.received) for each in found.apart]
        assert apart == [("recall", 2, 2), ("replace", 1, 1), ("update", 1, 1)]


async def test_L27_a_rebuild_gives_the_same_bytes(ports: Ports) -> None:
    from docaxis_eventsourcing.space_digest import space_digest
    from docaxis_status.statistics import statistics_view
    from docaxis_status.views import timelines_view

    events = RoutingEvents(ports)
    async with running(ports, composed) as service:
        now = at("2026-11-20T03:00:00")
        for number in range(30):
            document = await sent(events, number, now, level=number % 3 + 1)
            await taken(events, document, UNITS[number % 6], now, level=number % 4)
        before = await figures(service, "2026-11-20", "2026-11-20")
        assert sum(sent for sent, _ in before.values()) == 30
        await handed_over(service, 30)
        for view in (statistics_view(PARTITIONS), timelines_view()):
            runner = service.views[view.full_name]
            first = await space_digest(ports.store, runner.reader.space, view.tables)
            await runner.rebuild()
            assert await space_digest(ports.store, runner.reader.space, view.tables) == first
        assert await figures(service, "2026-11-20", "2026-11-20") == before


async def feedback(service: RunningService, *units: str) -> list[rpc.Feedback]:
    reply = await service.servicer.GetFeedback(
        rpc.GetFeedbackRequest(
            from_month="2026-11",
            to_month="2026-11",
            by="organisation" if units else "level",
            for_organisation_ids=units,
        ),
        None,
    )
    return list(reply.feedback)


async def handed_over(service: RunningService, count: int) -> None:
    """Until so many hand-overs stand in the timelines, which follow routing in their own time."""
    async with asyncio.timeout(20):
        while sum(sum(counts(each.deliveries)) for each in await feedback(service)) < count:  # noqa: ASYNC110 - asked over its interface
            await asyncio.sleep(0.02)


async def told(service: RunningService, deliveries: tuple[int, int, int, int]) -> rpc.Feedback:
    """The one level's feedback, once so many deliveries are in each class."""
    async with asyncio.timeout(20):
        while True:
            for each in await feedback(service):
                if counts(each.deliveries) == deliveries:
                    return each
            await asyncio.sleep(0.02)


def counts(classes: rpc.Feedback.Classes) -> tuple[int, int, int, int]:
    return (classes.full, classes.part, classes.arrived_only, classes.none)


async def test_completeness_counts_recipients_alone_each_unit_by_its_best(ports: Ports) -> None:
    events = RoutingEvents(ports)
    said = (("03", "04", "05", "06"), ("03",), ("01",), (), ("06", "02", "01"))
    async with running(ports, composed) as service:
        now = at("2026-11-20T03:00:00")
        document = await sent(events, 1, now)
        another = await sent(events, 2, now)
        for unit, codes in zip(UNITS[1:], said, strict=True):
            delivery = await taken(events, document, unit, now, level=1)
            if codes:
                await report(service, unit, delivery, *codes)
        await taken(events, another, UNITS[1], now, level=1)  # nothing said of this one
        found = await told(service, (1, 2, 1, 2))
        assert counts(found.units) == (1, 2, 1, 1)
        (own,) = await feedback(service, UNITS[1])
        assert (counts(own.units), counts(own.deliveries)) == ((1, 0, 0, 0), (1, 0, 0, 1))
        asked = rpc.GetFeedbackRequest(from_month="2026-10", to_month="2026-10", by="level")
        assert list((await service.servicer.GetFeedback(asked, None)).feedback) == []


async def report(service: RunningService, unit: str, delivery: str, *codes: str) -> None:
    """One report of all, which may come before its delivery is known."""
    reports = [rpc.StatusReport(delivery_id=delivery, code=code, reason="") for code in codes]
    for each in reports:
        if each.code == "02":
            each.reason, each.document_id = "sai nơi nhận", derived_id("document", 1)
    asked = rpc.ReportStatusesRequest(
        system_id=SYSTEM, organisation_id=unit, reports=reports, idempotency_key=new_id()
    )
    reply = await service.servicer.ReportStatuses(asked, None)
    assert {each.result for each in reply.results} <= {"recorded", "held"}


def test_the_class_of_a_delivery() -> None:
    assert class_of(["06", "05", "04", "03", "03"]) == "full"
    assert class_of(["01", "03", "04", "06"]) == "part"
    assert class_of(["02"]) == "part"
    assert class_of(["01", "01"]) == "arrived_only"
    assert class_of(["15"]) == class_of([]) == "none"


@pytest.mark.parametrize(
    ("first", "last", "by", "field"),
    [
        ("2026-11-31", "2026-12-01", "level", "from"),
        ("2026-11-1", "2026-12-01", "level", "from"),
        ("2026-11-02", "2026-11-01", "level", "to"),
        ("2025-11-01", "2026-11-02", "level", "to"),
        ("2026-11-01", "", "level", "to"),
        ("2026-11-01", "2026-11-02", "", "by"),
    ],
)
async def test_a_period_that_is_none_names_the_field(
    ports: Ports, first: str, last: str, by: str, field: str
) -> None:
    service = composed(ports)
    asked = rpc.GetStatisticsRequest(from_day=first, to_day=last, by=by)
    with pytest.raises(DocaxisError) as refused:
        await service.servicer.GetStatistics(asked, None)
    assert refused.value.code == "limit_invalid"
    assert [each.pointer for each in refused.value.fields] == [f"/{field}"]
