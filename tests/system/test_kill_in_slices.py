"""SIGKILL while a document's deliveries are made slice by slice: each is there once in the end."""

import asyncio
import itertools
import random
from collections import Counter
from pathlib import Path

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_client.client import DocaxisClient
from docaxis_eventsourcing.ports.event_log import START
from docaxis_proto import registry_events_v1_pb2 as entries
from docaxis_proto import registry_v1_pb2 as registry
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_routing.codec import CODEC
from docaxis_routing.domain.messages import DeliveriesMade
from docaxis_runtime.grpc_client import Connection
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.rebuild import rebuild_views
from tests.system.axis_process import AxisProcess, running_process
from tests.system.test_kill import SEED, check_versions
from tests.system.traffic import sample_document, sample_files

RECIPIENTS = 8000
_BETWEEN = 2
"""Kills, at least, after which some deliveries are made and some are not."""
_WITHIN_S = 240.0


@pytest.mark.timeout(300)
async def test_sigkill_between_slices_loses_and_doubles_no_delivery(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    print(f"seed {SEED} (DOCAXIS_TEST_SEED)")
    codes = [f"B{number:06}" for number in range(RECIPIENTS)]
    between: list[int] = []
    async with running_process(tmp_path / "data") as axis, asyncio.timeout(_WITHIN_S):
        await register(axis, codes)
        async with axis.client("office") as office:
            for number in itertools.count():
                if len(between) >= _BETWEEN:
                    break
                document = sample_document(f"{number}/CV-MAU")
                document.recipients = codes
                sent = await office.submit(document, sample_files(1))
                between += await killed_until_made(axis, chance, number * RECIPIENTS)
                while len(await deliveries(office, sent.id)) < RECIPIENTS:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.1)
                assert (await office.submit(document, sample_files(1))).id == sent.id
                found = await deliveries(office, sent.id)
                assert set(found.values()) == {1}
                assert len(found) == RECIPIENTS
        print(f"deliveries that the log had at kills in between: {between}")
        assert await axis.stop() == 0, axis.last_words()
    await check_versions(axis.folder)
    assert [each.view for each in await rebuild_views(axis.data) if not each.same] == []


async def register(axis: AxisProcess, codes: list[str]) -> None:
    """Organisations that no system serves yet."""
    connection = Connection(axis.grpc_address("registry"))
    try:
        for start in range(0, len(codes), 500):
            request = registry.RegisterOrganisationsRequest(
                entries=[
                    entries.OrganisationEntry(code=code, name=code, level=3, kind="sample")
                    for code in codes[start : start + 500]
                ],
                actor="test",
            )
            await connection.client(RegistryStub).RegisterOrganisations(request)
    finally:
        await connection.close()


async def killed_until_made(axis: AxisProcess, chance: random.Random, before: int) -> list[int]:
    """Kill and start it until all is made; what was, at each kill that left a part unmade."""
    found: list[int] = []
    while True:
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        await axis.kill()
        made = await deliveries_in_log(axis.folder) - before
        await axis.start()
        if made >= RECIPIENTS:
            return found
        if made:
            found.append(made)


async def deliveries_in_log(folder: DataFolder) -> int:
    """How many deliveries the log of a killed axis tells of."""
    topic = "docaxis.routing.events"
    log = await SqliteEventLog.open(folder.log)
    try:
        made = 0
        for partition in range(log.partitions):
            end = await log.end(topic, partition)
            tail = log.tail(topic, {partition: START})
            while tail.reached(partition).place < end.place:
                for record in await tail.next(1000, 1.0):
                    if CODEC.knows(record.envelope.type):
                        event = CODEC.decode(record.envelope.type, record.data)
                        made += len(event.deliveries) if isinstance(event, DeliveriesMade) else 0
            await tail.close()
        return made
    finally:
        await log.close()


async def deliveries(office: DocaxisClient, document_id: str) -> Counter[str]:
    """A document's deliveries by recipient, page by page."""
    found: Counter[str] = Counter()
    cursor = None
    while True:
        page = await office.deliveries(document_id, limit=500, cursor=cursor)
        found.update(each.organisation_id for each in page.items)
        cursor = page.next
        if cursor is None:
            return found
