"""Documents for more than 500 recipients, on routing composed on the embedded adapters (L9)."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docaxis_adapters.sqlite_log import Unkindness
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.event_log import START
from docaxis_eventsourcing.running_service import Ports
from docaxis_proto import registry_events_v1_pb2 as registry_pb
from docaxis_proto import registry_v1_pb2 as registry_rpc
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_registry import service as registry
from docaxis_registry.settings import RegistrySettings
from docaxis_routing import service as routing
from docaxis_routing.codec import CODEC
from docaxis_routing.domain.messages import DeliveriesMade, RecipientsResolved
from docaxis_routing.settings import RoutingSettings
from tests.embedded import at_work, ports_in
from tests.unit.docaxis_routing.running_routing import CONTEXT, SIGNATURE_EVENTS, Running, running

__all__ = ["running"]  # the fixture
WITHIN_S = 30.0
CODES = [f"X{number:05}" for number in range(1_100)]


async def register(axis: Running, codes: Sequence[str]) -> dict[str, str]:
    """Agencies of the catalogue; their ids by code."""
    ids: dict[str, str] = {}
    for start in range(0, len(codes), 500):
        entries = [
            registry_pb.OrganisationEntry(code=code, name=code, level=3, kind="sample")
            for code in codes[start : start + 500]
        ]
        request = registry_rpc.RegisterOrganisationsRequest(entries=entries, actor="test")
        told = await axis.registry.RegisterOrganisations(request, CONTEXT)
        ids.update({each.code: each.organisation_id for each in told.results})
    return ids


async def deliveries(axis: Running, document_id: str) -> list[pb.Delivery]:
    """All of a document's deliveries, page by page."""
    found: list[pb.Delivery] = []
    cursor = ""
    while True:
        reply = await axis.rpc.ListDeliveries(
            pb.ListDeliveriesRequest(
                document_id=document_id,
                for_organisation_ids=[axis.organisations["G22"]],
                limit=300,
                cursor=cursor,
            ),
            CONTEXT,
        )
        found += reply.deliveries
        cursor = reply.next
        if not cursor:
            return found


async def refused(axis: Running, document_id: str, asker: str = "G22") -> list[str]:
    """The codes of a document's refused recipients, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        reply = await axis.rpc.ListRefused(
            pb.ListRefusedRequest(
                document_id=document_id,
                for_organisation_ids=[axis.organisations[asker]],
                limit=4,
                cursor=cursor,
            ),
            CONTEXT,
        )
        found += [each.code for each in reply.refused]
        cursor = reply.next
        if not cursor:
            return found


async def until_delivered(axis: Running, document_id: str, count: int) -> list[pb.Delivery]:
    """The deliveries, once so many are made."""
    until = time.monotonic() + WITHIN_S
    while len(found := await deliveries(axis, document_id)) < count:
        assert time.monotonic() < until, f"{len(found)} of {count} made"
        await asyncio.sleep(0.05)
    return found


async def test_L9_each_recipient_gets_one_delivery_and_the_others_are_listed_in_pages(
    running: Running,
) -> None:
    await register(running, CODES)
    unknown = [f"Y{number:02}" for number in range(10)]
    reply = await running.submit(*CODES, *unknown)
    assert (reply.decided, reply.first, reply.recipient_count) == (True, True, 1_110)
    assert (list(reply.recipients), list(reply.refused)) == ([], [])
    found = await until_delivered(running, reply.document_id, len(CODES))
    assert sorted(each.code for each in found) == CODES
    assert {each.state for each in found} == {"ready"}
    assert {each.mailbox_number for each in found} == {1}
    assert await refused(running, reply.document_id) == unknown
    again = await running.submit(*reversed(CODES), *unknown)
    assert (again.first, again.receipt_id) == (False, reply.receipt_id)
    assert (again.document_id, again.accepted_at) == (reply.document_id, reply.accepted_at)


async def test_L8_L9_further_recipients_of_a_large_document_and_many_further_ones_of_a_small(
    running: Running,
) -> None:
    await register(running, CODES)
    small = await running.submit("H26", CODES[0])
    await until_delivered(running, small.document_id, 2)
    large = await running.submit(*CODES)
    assert (large.document_id, large.first) == (small.document_id, True)
    assert large.receipt_id != small.receipt_id
    await until_delivered(running, small.document_id, len(CODES) + 1)
    more = await running.submit(CODES[1], "H27")
    assert [each.code for each in more.recipients] == [CODES[1], "H27"]
    found = await until_delivered(running, small.document_id, len(CODES) + 2)
    assert len({each.organisation_id for each in found}) == len(found)
    assert {each.mailbox_number for each in found} == {1}  # nobody was served twice
    whole = await running.rpc.GetDocument(
        pb.GetDocumentRequest(
            document_id=small.document_id, for_organisation_ids=[running.organisations["G22"]]
        ),
        CONTEXT,
    )
    assert whole.recipient_count == 2 + len(CODES) + 2
    assert len(whole.receipt_ids) == 3


async def test_L9_refused_recipients_are_the_senders_alone_to_see(running: Running) -> None:
    reply = await running.submit("H26", "Y01")
    await running.inbox("H26")
    assert await refused(running, reply.document_id) == ["Y01"]
    assert await refused(running, reply.document_id, "H26") == []


async def test_L9_a_list_that_names_nobody_is_refused_whole(running: Running) -> None:
    with pytest.raises(DocaxisError) as caught:
        await running.submit(*(f"Y{number:04}" for number in range(600)))
    assert caught.value.code == "no_valid_recipient"
    assert caught.value.fields[0].pointer == "/recipients"


async def test_more_than_the_setting_allows_are_refused(running: Running) -> None:
    with pytest.raises(DocaxisError) as caught:
        await running.submit(*(f"Y{number:06}" for number in range(100_001)))
    assert caught.value.code == "too_many_recipients"


@asynccontextmanager
async def axis_in(folder: Path, seed: int) -> AsyncIterator[tuple[Ports, Any, Any]]:
    """Routing and the registry at work in a folder, on adapters that are unkind (L33)."""
    async with ports_in(folder, Unkindness(seed=seed)) as ports:
        of_registry = registry.compose(ports, RegistrySettings())
        of_routing = routing.compose(ports, RoutingSettings())
        async with at_work(ports, of_registry, of_routing, topics=[SIGNATURE_EVENTS]):
            yield ports, of_registry.servicer, of_routing.servicer


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_L9_L33_nothing_is_lost_or_doubled_where_all_ends_between_slices(
    tmp_path: Path, seed: int
) -> None:
    codes = ["G22", *CODES]
    async with axis_in(tmp_path, seed) as (ports, catalogue, rpc):
        axis = Running(ports, rpc, catalogue, "", {}, None)  # type: ignore[arg-type]
        ids = await register(axis, codes)
        system = await catalogue.RegisterSystem(
            registry_rpc.RegisterSystemRequest(
                name="Mẫu", connection="direct", organisation_ids=[ids["G22"]], actor="test"
            ),
            CONTEXT,
        )
        axis = replace(axis, system_id=system.system_id, organisations=ids)
        reply = await axis.submit(*CODES)
        assert reply.decided
    # Ended at once: some slices are resolved, some not, some chunks are made.
    seen = 0
    for again in range(3):
        async with axis_in(tmp_path, seed + again) as (ports, catalogue, rpc):
            axis = replace(axis, ports=ports, rpc=rpc, registry=catalogue)
            repeated = await axis.submit(*CODES)  # the sender who heard nothing
            assert (repeated.document_id, repeated.first) == (reply.document_id, False)
            if again == 2:
                found = await until_delivered(axis, reply.document_id, len(CODES))
                await asyncio.sleep(0.3)
                found = await deliveries(axis, reply.document_id)
                seen = len(found)
                assert sorted(each.code for each in found) == CODES
                assert {each.mailbox_number for each in found} == {1}
                events = await events_of(ports, "docaxis.routing.events")
    assert seen == len(CODES)
    slices = [
        (each.recipients_digest, each.slice)
        for each in events
        if isinstance(each, RecipientsResolved)
    ]
    assert len(slices) == len(set(slices))
    made = [
        one.delivery_id
        for each in events
        if isinstance(each, DeliveriesMade)
        for one in each.deliveries
    ]
    assert len(made) == len(set(made)) == len(CODES)
    assert sum(isinstance(each, DeliveriesMade) for each in events) <= 2 * len(slices)


async def events_of(ports: Ports, topic: str) -> list[Any]:
    """All events of a topic, decoded."""
    tail = ports.log.tail(topic, dict.fromkeys(range(ports.log.partitions), START))
    found: list[Any] = []
    try:
        while records := await tail.next(500, 1.0):
            found += [CODEC.decode(each.envelope.type, each.data) for each in records]
    finally:
        await tail.close()
    return found
