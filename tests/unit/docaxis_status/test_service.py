"""The composed status service on the embedded adapters."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from docaxis_adapters.sqlite_log import Unkindness
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import derived_id, new_id
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_proto import status_v1_pb2 as rpc
from docaxis_status.service import compose
from docaxis_status.settings import StatusSettings
from docaxis_status.views import TOPICS
from tests.embedded import ports_in
from tests.unit.docaxis_signature.embedded import (
    RoutingEvents,
    running,
    stored,
)
from tests.unit.docaxis_status.calls import (
    handed_over,
    made,
    opened,
    place,
    request,
    results,
    timelines,
    with_entries,
)
from tests.unit.docaxis_status.samples import DOCUMENT, OTHER, RECIPIENT, SENDER, SYSTEM


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    async with ports_in(tmp_path, Unkindness(seed=7)) as opened:
        yield opened


@pytest.fixture
async def service(ports: Ports) -> AsyncIterator[RunningService]:
    async with running(ports, composed) as started:
        yield started


def composed(ports: Ports) -> RunningService:
    return compose(ports, StatusSettings(outcome_wait_s=5.0))


DELIVERY = delivery_id(DOCUMENT, RECIPIENT)


async def test_from_delivery_to_timeline(ports: Ports, service: RunningService) -> None:
    events = RoutingEvents(ports)
    await events.append(made(DOCUMENT, RECIPIENT), place(RECIPIENT))
    await events.append(handed_over(DOCUMENT, RECIPIENT), place(RECIPIENT))
    await with_entries(service, 1)
    asked = request((DELIVERY, "03", ""), (DELIVERY, "13", "nhầm"), (DELIVERY, "07", ""))
    assert await results(service, asked) == ["recorded", "status_wrong_side", "status_unknown"]
    timeline = await with_entries(service, 2)
    assert [(each.code, each.source) for each in timeline.entries] == [
        ("01", "axis"),
        ("03", "recipient"),
    ]
    assert timeline.entries[0].claimed_at == "2026-11-21T22:26:40.123Z"
    assert timeline.entries[1].recorded_at > 0
    assert (timeline.furthest, timeline.organisation_code) == ("03", "H29")
    assert (timeline.delivery_id, timeline.organisation_id) == (DELIVERY, RECIPIENT)


async def test_a_repeat_gets_the_same_answer_and_changes_nothing(
    ports: Ports, service: RunningService
) -> None:
    await RoutingEvents(ports).append(made(DOCUMENT, RECIPIENT), place(RECIPIENT))
    await opened(service, 1)
    asked = request((DELIVERY, "03", ""), (DELIVERY, "04", ""), key="the same")
    assert await results(service, asked) == ["recorded", "recorded"]
    assert await results(service, asked) == ["recorded", "recorded"]
    more = request((DELIVERY, "03", ""), (DELIVERY, "05", ""), key="the same")
    assert await results(service, more) == ["already_recorded", "recorded"]
    assert len((await with_entries(service, 3)).entries) == 3


async def test_L30_a_report_before_its_delivery_is_held(
    ports: Ports, service: RunningService
) -> None:
    assert await results(service, request((DELIVERY, "03", ""))) == ["held"]
    assert await timelines(service) == []
    await RoutingEvents(ports).append(made(DOCUMENT, RECIPIENT), place(RECIPIENT))
    assert (await with_entries(service, 1)).furthest == "03"


async def test_02_needs_a_reason_whose_words_never_reach_the_log(
    ports: Ports, service: RunningService
) -> None:
    await RoutingEvents(ports).append(made(DOCUMENT, RECIPIENT), place(RECIPIENT))
    await opened(service, 1)
    words = "Gửi nhầm đơn vị"
    asked = request((DELIVERY, "02", "  "), (DELIVERY, "02", words))
    assert await results(service, asked) == ["reason_required", "recorded"]
    timeline = await with_entries(service, 1)
    assert [each.reason for each in timeline.entries] == [words]
    for topic in (*TOPICS.all_commands, TOPICS.events, TOPICS.outcomes):
        for record in await stored(ports, topic):
            assert words.encode() not in record.data + record.envelope.outcome
    await ports.files.remove(DOCUMENT)
    assert [each.reason for each in (await with_entries(service, 1)).entries] == [""]


async def test_a_reason_for_an_unknown_delivery_needs_its_document(
    ports: Ports, service: RunningService
) -> None:
    asked = request((DELIVERY, "02", "sai nơi nhận"))
    assert await results(service, asked) == ["unknown_delivery"]
    named = request((DELIVERY, "02", "sai nơi nhận"), document=DOCUMENT)
    assert await results(service, named) == ["held"]
    await RoutingEvents(ports).append(made(DOCUMENT, RECIPIENT), place(RECIPIENT))
    assert [each.reason for each in (await with_entries(service, 1)).entries] == ["sai nơi nhận"]


async def test_another_organisations_delivery_is_never_told(
    ports: Ports, service: RunningService
) -> None:
    await RoutingEvents(ports).append(made(DOCUMENT, RECIPIENT), place(RECIPIENT))
    await opened(service, 1)
    nobodys = derived_id("delivery", "nobody")
    told = [
        await results(
            service, request((each, "03", ""), (each, "05", "lý do"), organisation_id=OTHER)
        )
        for each in (DELIVERY, nobodys)
    ]
    assert told[0] == told[1] == ["held", "unknown_delivery"]
    named = request((DELIVERY, "03", "lý do"), organisation_id=OTHER, document=DOCUMENT)
    assert await results(service, named) == ["unknown_delivery"]
    assert list(await ports.files.documents()) == []
    (timeline,) = await timelines(service)
    assert list(timeline.entries) == []


@pytest.mark.parametrize("unsound", ["", "x", "../../etc", DELIVERY.upper()])
async def test_unsound_ids_name_nothing(service: RunningService, unsound: str) -> None:
    assert await results(service, request((unsound, "03", ""))) == ["unknown_delivery"]
    document = unsound or "?"
    computed = delivery_id(document, RECIPIENT)
    asked = request((computed, "02", "lý do"), document=document)
    assert await results(service, asked) == ["unknown_delivery"]


async def test_who_may_see_what(ports: Ports, service: RunningService) -> None:
    events = RoutingEvents(ports)
    recipients = [derived_id("organisation", number) for number in range(20)]
    for each in recipients:
        await events.append(made(DOCUMENT, each), place(each))
    await opened(service, len(recipients))
    assert len(await timelines(service, DOCUMENT, SENDER)) == len(recipients)
    assert len(await timelines(service, DOCUMENT, OTHER, SENDER)) == len(recipients)
    own = await timelines(service, DOCUMENT, OTHER, *recipients[:2])
    assert {each.organisation_id for each in own} == set(recipients[:2])
    assert await timelines(service, DOCUMENT, OTHER) == []
    assert await timelines(service, derived_id("document", "none")) == []


async def test_a_document_to_many_recipients_of_one_partition(
    ports: Ports, service: RunningService
) -> None:
    many = (derived_id("organisation", number) for number in range(3000))
    recipients = [each for each in many if place(each) == 0][:600]
    events = RoutingEvents(ports)
    await events.append(made(DOCUMENT, *recipients[:500]), 0)
    await events.append(made(DOCUMENT, *recipients[500:]), 0)
    await opened(service, 600)
    found = [each.organisation_id for each in await timelines(service)]
    assert sorted(found) == sorted(recipients)


async def test_given_timelines_of_a_document_alone(ports: Ports, service: RunningService) -> None:
    events = RoutingEvents(ports)
    await events.append(made(DOCUMENT, RECIPIENT), place(RECIPIENT))
    await events.append(made(DOCUMENT, OTHER), place(OTHER))
    another = derived_id("document", "another")
    await events.append(made(another, RECIPIENT), place(RECIPIENT))
    await opened(service, 2)
    await opened(service, 1, another)
    ids = [DELIVERY, delivery_id(DOCUMENT, OTHER), delivery_id(another, RECIPIENT), new_id()]

    async def given(*asking: str) -> set[str]:
        asked = rpc.GetTimelineRequest(
            document_id=DOCUMENT, for_organisation_ids=asking, delivery_ids=ids
        )
        reply = await service.servicer.GetTimeline(asked, None)
        return {each.organisation_id for each in reply.timelines}

    assert await given(SENDER) == {RECIPIENT, OTHER}
    assert await given(OTHER) == {OTHER}
    assert await given() == set()


async def test_rule_3_a_take_back_is_the_senders_and_its_answer_the_recipients(
    ports: Ports, service: RunningService
) -> None:
    await RoutingEvents(ports).append(made(DOCUMENT, RECIPIENT), place(RECIPIENT))
    await opened(service, 1)
    assert await results(service, request((DELIVERY, "15", ""))) == ["status_without_request"]
    nobodys = derived_id("delivery", "nobody")
    asked = request(
        (DELIVERY, "13", "Gửi nhầm"),
        (DELIVERY, "13", " "),
        (nobodys, "13", "x"),
        (DELIVERY, "03", ""),
    )
    asked.organisation_id = SENDER
    told = await results(service, asked)
    assert told == ["recorded", "reason_required", "unknown_delivery", "held"]
    assert await results(service, asked) == told
    anothers = request((DELIVERY, "13", "Gửi nhầm"), organisation_id=OTHER)
    assert await results(service, anothers) == ["unknown_delivery"]
    assert await results(service, request((DELIVERY, "15", ""), (DELIVERY, "16", ""))) == [
        "recorded",
        "recorded",
    ]
    timeline = await with_entries(service, 3)
    assert [(each.code, each.source, each.reason) for each in timeline.entries] == [
        ("13", "sender", "Gửi nhầm"),
        ("15", "recipient", ""),
        ("16", "recipient", ""),
    ]
    assert timeline.furthest == ""


async def test_L30_what_fits_no_delivery_is_kept_and_listed_until_it_does(
    ports: Ports, service: RunningService
) -> None:
    nobodys = sorted(derived_id("delivery", number) for number in range(3))
    said = request((DELIVERY, "03", ""), *((each, "06", "") for each in nobodys))
    assert await results(service, said) == ["held"] * 4
    assert await results(service, request((nobodys[0], "05", ""))) == ["held"]

    async def listed(organisation_id: str, limit: int = 2) -> list[tuple[str, str]]:
        asked = rpc.ListUnmatchedRequest(for_organisation_ids=[organisation_id], limit=limit)
        found: list[tuple[str, str]] = []
        while True:
            page = await service.servicer.ListUnmatched(asked, None)
            assert all(each.held_since > 0 for each in page.statuses)
            found += ((each.delivery_id, each.code) for each in page.statuses)
            if not page.next:
                return found
            asked.cursor = page.next

    kept = sorted([(each, "06") for each in nobodys] + [(nobodys[0], "05"), (DELIVERY, "03")])
    async with asyncio.timeout(10):
        while True:
            if sorted(await listed(RECIPIENT)) == kept:
                break
            await asyncio.sleep(0.01)
    assert sorted(await listed(RECIPIENT, limit=1)) == kept
    assert await listed(OTHER) == []
    await RoutingEvents(ports).append(made(DOCUMENT, RECIPIENT), place(RECIPIENT))
    assert (await with_entries(service, 1)).furthest == "03"
    assert sorted(await listed(RECIPIENT)) == [each for each in kept if each[0] != DELIVERY]


async def test_a_refused_delivery_has_no_timeline(ports: Ports, service: RunningService) -> None:
    events = RoutingEvents(ports)
    await events.append(made(DOCUMENT, RECIPIENT, state="refused"), place(RECIPIENT))
    another = derived_id("document", "another")
    await events.append(made(another, RECIPIENT), place(RECIPIENT))
    await opened(service, 1, another)
    assert await timelines(service) == []


@pytest.mark.parametrize(
    ("asked", "pointer", "code"),
    [
        (rpc.ReportStatusesRequest(system_id=SYSTEM), "/organisation_id", "field_required"),
        (request(), "/reports", "field_required"),
        (request(*[(DELIVERY, "03", "")] * 501), "/reports", "too_many_items"),
        (request((DELIVERY, "02", "x" * 2001)), "/reports/0/reason", "field_too_long"),
        (
            rpc.ReportStatusesRequest(
                system_id=SYSTEM,
                organisation_id=RECIPIENT,
                reports=[
                    rpc.StatusReport(delivery_id=DELIVERY, code="03", claimed_at="22/11/2026")
                ],
            ),
            "/reports/0/claimed_at",
            "field_invalid",
        ),
    ],
)
async def test_an_unsound_request_names_the_field(
    service: RunningService, asked: rpc.ReportStatusesRequest, pointer: str, code: str
) -> None:
    with pytest.raises(DocaxisError) as refused:
        await service.servicer.ReportStatuses(asked, None)
    (problem,) = refused.value.fields
    assert (problem.pointer, problem.code) == (pointer, code)


async def test_a_restart_goes_on_where_it_was(ports: Ports) -> None:
    events = RoutingEvents(ports)
    async with running(ports, composed) as first:
        first_event = made(DOCUMENT, RECIPIENT)
        envelope = await events.append(first_event, place(RECIPIENT))
        assert await results(first, request((DELIVERY, "03", ""), key="k")) in (
            ["held"],
            ["recorded"],
        )
        await with_entries(first, 1)
    await events.append_again(first_event, envelope, place(RECIPIENT))
    await events.append(handed_over(DOCUMENT, RECIPIENT), place(RECIPIENT))
    async with running(ports, composed) as second:
        timeline = await with_entries(second, 2)
        assert [each.code for each in timeline.entries] == ["03", "01"]
        repeated = await results(second, request((DELIVERY, "03", ""), key="k"))
        assert repeated in (["held"], ["recorded"])
        assert len((await with_entries(second, 2)).entries) == 2
        rebuilt = await second.views["status_timelines"].rebuild()
        assert rebuilt
        assert await with_entries(second, 2) == timeline


async def test_rule_9_the_setting_bounds_what_is_held_also_after_a_restart(ports: Ports) -> None:
    def bounded(ports: Ports) -> RunningService:
        return compose(ports, StatusSettings(outcome_wait_s=5.0, most_held=2))

    invented = [derived_id("invented", number) for number in range(4)]
    async with running(ports, bounded) as service:
        asked = request(*((each, "03", "") for each in invented[:3]), key="first")
        assert await results(service, asked) == ["held", "held", "too_many_unmatched"]
        assert await results(service, asked) == ["held", "held", "too_many_unmatched"]
    async with running(ports, bounded) as service:
        asked = request((invented[3], "03", ""), key="second")
        assert await results(service, asked) == ["too_many_unmatched"]


async def test_an_undecided_report_says_so_and_can_be_sent_again(ports: Ports) -> None:
    service = compose(ports, StatusSettings(outcome_wait_s=0.2))
    await service.declare_topics(ports.log)
    door = asyncio.create_task(service.parts[1].run())
    asked = request((DELIVERY, "03", ""), key="late")
    try:
        with pytest.raises(DocaxisError) as late:
            await service.servicer.ReportStatuses(asked, None)
        assert late.value.code == "deadline_exceeded"
    finally:
        door.cancel()
    async with running(ports, composed) as decided:
        assert await results(decided, asked) == ["held"]
