"""The first year at a small scale on the embedded form: cut, with one unit stopped, and whole."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_cli.simulation import playing
from docaxis_cli.simulation.axis import own_axis
from docaxis_cli.simulation.counts import counted
from docaxis_cli.simulation.plan import Plan
from docaxis_cli.simulation.playing import ATTEMPTS, PATIENCE_S, Progress, Run
from docaxis_cli.simulation.units import units
from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_client.tracking import StatusReport
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.ports.event_log import START
from docaxis_eventsourcing.topics import DEFAULT_PARTITIONS
from docaxis_proto.routing_events_v1_pb2 import DeliveriesHandedOver, DocumentSubmitted
from docaxis_standalone.data_folder import DataFolder

pytestmark = pytest.mark.timeout(600)
SCALE, OTHER_SCALE, THIRD_SCALE = "0.0003", "0.0001", "0.00005"
STOPPED = "H27"
CUT_AT = 40
ROUND_OF = 20
"""Several rounds, so that one is cut in its middle and the next goes on from there."""

Figures = tuple[dict[int, int], dict[int, int]]


class Cut(Exception):
    """The run ends here, as by a power cut on the client's side."""


async def test_the_year_is_played_once_however_often_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(Decimal(SCALE))
    due = (dict(plan.sent), dict(plan.received))
    async with own_axis(tmp_path, units()) as url:
        async with running(url, tmp_path, plan, progress=cutting()) as run:
            with pytest.raises(Cut):
                await run.play()
        async with running(url, tmp_path, plan, stopped=STOPPED) as run:
            await run.play()
            short = plan.short_by(STOPPED)
            assert sum(short.values())
            figures, _ = await run.figures()
            sent, received = counted(figures)
            assert sent == due[0]
            assert {level: due[1][level] - received[level] for level in due[1]} == {
                level: short.get(level, 0) for level in due[1]
            }
        async with running(url, tmp_path, plan) as run:
            await run.play()
            assert (run.documents, run.deliveries) == (0, sum(short.values()))
            figures, feedback = await run.figures()
            assert counted(figures) == due
            level_1 = next(each for each in feedback.items if each.level == 1)
            assert [level_1.units.full, level_1.units.part, level_1.units.arrived_only] == reported(
                plan
            )
        await check_unmatched(url, tmp_path)
        code, said = await command(url, tmp_path / "clients", SCALE, "--json")
        assert code == 0, said
        again = json.loads(said)
        assert again["agrees"], again
        assert again["added"] == {"documents": 0, "deliveries": 0}
        other = Plan(Decimal(OTHER_SCALE))
        code, said = await command(url, tmp_path / "clients", OTHER_SCALE, "--lang", "en")
        assert code == 1, said
        assert f"{plan.documents} documents and {plan.deliveries} hand-overs more than" in said
        assert f"added {other.documents} documents and {other.deliveries} hand-overs" in said
        third = Plan(Decimal(THIRD_SCALE))
        async with running(url, tmp_path, third) as run:
            monkeypatch.setattr(playing, "_NOTHING_MOVES_S", float("inf"))
            await run.play()  # does not wait for a table that can never be the plan's
            assert run.deliveries == third.deliveries
    plans = (plan, other, third)
    assert await counted_by_hand(tmp_path) == (
        {level: sum(each.sent[level] for each in plans) for level in (1, 2, 3)},
        {level: sum(each.received[level] for each in plans) for level in (1, 2, 3)},
    )


@asynccontextmanager
async def running(
    url: str,
    data: Path,
    plan: Plan,
    *,
    stopped: str = "",
    progress: Progress = lambda count: None,
) -> AsyncIterator[Run]:
    async with AsyncExitStack() as stack:
        clients = {
            each.code: await stack.enter_async_context(client(url, data, each.code))
            for each in units()
        }
        yield Run(plan, units(), clients, stopped, progress, ROUND_OF)


def client(url: str, data: Path, unit: str) -> DocaxisClient:
    credentials = Credentials.load(data / "clients" / f"{unit}.json")
    return DocaxisClient(url, credentials, attempts=ATTEMPTS, patience_s=PATIENCE_S)


def cutting() -> Progress:
    """Ends a run when so much of it is done: some calls then have no answer yet."""
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        if done >= CUT_AT:
            raise Cut

    return progress


def reported(plan: Plan) -> list[int]:
    """Units of level 1 that were handed something, by what they say."""
    kinds = {each.code: each.answers for each in units()}
    taken = {one.code for each in plan.letters() for one in each.recipients if one.level == 1}
    found = Counter(kinds[each] for each in taken)
    return [found[kind] for kind in ("full", "part", "arrived_only")]


async def check_unmatched(url: str, data: Path) -> None:
    """A status that fits no delivery is kept, told and listed for its reporter alone (L30)."""
    nobodys = new_id()
    async with client(url, data, "H26") as hanoi, client(url, data, "H27") as hatinh:
        reports = [StatusReport(nobodys, "03"), StatusReport(nobodys, "99")]
        told = await hanoi.report_statuses(reports, organisation="H26")
        assert [each.result for each in told] == ["held", "status_unknown"]
        async with asyncio.timeout(30):
            while True:
                listed = await hanoi.unmatched_statuses()
                if listed.items:
                    break
                await asyncio.sleep(0.1)
        assert [(each.delivery_id, each.code) for each in listed.items] == [(nobodys, "03")]
        assert (await hatinh.unmatched_statuses()).items == ()


async def command(url: str, clients: Path, scale: str, *options: str) -> tuple[int | None, str]:
    """`docaxis simulate 2019 --url …`, as one types it: its exit code, and what it printed."""
    arguments = ("simulate", "2019", "--scale", scale, "--url", url, *options)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "docaxis_cli",
        *arguments,
        "--credentials-folder",
        str(clients),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def counted_by_hand(data: Path) -> Figures:
    """Each event of routing's log, looked at one by one."""
    sent, received = Counter[int](), Counter[int]()
    log = await SqliteEventLog.open(DataFolder(data).log, DEFAULT_PARTITIONS)
    tail = log.tail("docaxis.routing.events", dict.fromkeys(range(DEFAULT_PARTITIONS), START))
    try:
        while records := await tail.next(1000, 0.5):
            for record in records:
                kind = record.envelope.type.rpartition(".")[2]
                if kind == "DocumentSubmitted":
                    sent[DocumentSubmitted.FromString(record.data).sender_level] += 1
                elif kind == "DeliveriesHandedOver":
                    taken = DeliveriesHandedOver.FromString(record.data).deliveries
                    received.update(each.recipient_level for each in taken)
    finally:
        await tail.close()
        await log.close()
    return ({level: sent[level] for level in (1, 2, 3)}, {n: received[n] for n in (1, 2, 3)})
