"""What the embedded adapters do on this machine: `python -m benchmarks.adapters_bench` (JSON).

Each figure is the median of several runs, on the disk that `--folder` names; all is synced as in
production.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter

from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.ports.event_log import START, Outgoing, Position
from docaxis_eventsourcing.ports.read_store import Changes, Index, IndexType, Row, Table

COMMANDS, EVENTS = "docaxis.bench.commands", "docaxis.bench.events"
TABLE = Table(
    "rows",
    {"org": IndexType.TEXT, "at": IndexType.INT},
    (Index("by_org", ("org", "at")),),
)

Run = Callable[[Path], Awaitable[float]]


def _outgoing(number: int, topic: str = COMMANDS) -> Outgoing:
    envelope = Envelope(
        id=f"0190f1c0-0000-8000-8000-{number:012}",
        type="docaxis.routing.v1.DocumentSubmitted",
        source="docaxis/routing",
        subject=f"document/{number}",
        sequence=number,
        correlation_id=f"0190f1c0-0000-8000-8000-{number:012}",
    )
    return Outgoing(topic, number % 12, Message(envelope, bytes(300)))


async def _log(folder: Path) -> SqliteEventLog:
    log = await SqliteEventLog.open(folder)
    await log.declare([COMMANDS, EVENTS])
    return log


def appends(tasks: int, each: int) -> Run:
    """Appends of one record a second, every one awaited, by so many tasks."""

    async def run(folder: Path) -> float:
        log = await _log(folder)

        async def append(task: int) -> None:
            for number in range(each):
                await log.append([_outgoing(task * each + number)])

        began = perf_counter()
        await asyncio.gather(*(append(task) for task in range(tasks)))
        taken = perf_counter() - began
        await log.close()
        return tasks * each / taken

    return run


async def commits(folder: Path) -> float:
    """Batches of one command a second, each committed with 20 outputs."""
    log = await _log(folder)
    await log.append([_outgoing(number) for number in range(300)])
    consumer = await log.join("bench", [COMMANDS])
    for partition in (await consumer.poll(1, 0)).assigned:
        consumer.start(partition)
    outputs = [_outgoing(number, EVENTS) for number in range(20)]
    began = perf_counter()
    for _ in range(300):
        batch = (await consumer.poll(1, 1)).batch
        assert batch is not None
        await consumer.commit(batch, outputs)
    taken = perf_counter() - began
    await log.close()
    return 300 / taken


def reads(*, cold: bool) -> Run:
    """Records a second through a tail, from memory or (after a restart) from the file."""

    async def run(folder: Path) -> float:
        log = await _log(folder)
        for start in range(0, 20_000, 1000):
            await log.append([_outgoing(number) for number in range(start, start + 1000)])
        if cold:
            await log.close()
            log = await _log(folder)
        tail = log.tail(COMMANDS, dict.fromkeys(range(12), START))
        count = 0
        began = perf_counter()
        while count < 20_000:
            count += len(await tail.next(500, 1))
        taken = perf_counter() - began
        await log.close()
        return count / taken

    return run


async def applies(folder: Path) -> float:
    """Applies of 100 rows a second, one behind the other."""
    store = await SqliteReadStore.open(folder / "views.sqlite")
    await store.declare("bench", [TABLE])
    at: Position | None = None
    began = perf_counter()
    for number in range(1, 201):
        rows = tuple(
            Row(f"{number}-{i}", bytes(300), {"org": f"H{i}", "at": number}) for i in range(100)
        )
        end = Position(number, number)
        await store.apply("bench", 0, at, end, {"rows": Changes(puts=rows)})
        at = end
    taken = perf_counter() - began
    await store.close()
    return 200 / taken


def files(tasks: int, each: int) -> Run:
    """Documents with one file of 100 KB a second: staged and taken, by so many tasks."""

    async def run(folder: Path) -> float:
        store = await LocalFileStore.open(folder)
        content = os.urandom(100_000)

        async def exchange(task: int) -> None:
            for number in range(each):
                name = f"{task}-{number}"
                upload = await store.stage("bench", name)
                await upload.write(content)
                await upload.finish()
                await store.take("bench", [name], f"document-{name}")
                await store.discard("bench", name)

        began = perf_counter()
        await asyncio.gather(*(exchange(task) for task in range(tasks)))
        taken = perf_counter() - began
        await store.close()
        return tasks * each / taken

    return run


RUNS: dict[str, Run] = {
    "log_appends_per_s_1_task": appends(1, 500),
    "log_appends_per_s_64_tasks": appends(64, 100),
    "log_commits_of_20_outputs_per_s": commits,
    "log_tail_records_per_s_memory": reads(cold=False),
    "log_tail_records_per_s_file": reads(cold=True),
    "store_applies_of_100_rows_per_s": applies,
    "files_of_100_kb_taken_per_s_1_task": files(1, 100),
    "files_of_100_kb_taken_per_s_16_tasks": files(16, 40),
}


async def measure(folder: Path | None, times: int) -> dict[str, object]:
    """All figures, and what they were measured on."""
    figures: dict[str, float] = {}
    for name, run in RUNS.items():
        results = []
        for _ in range(times):
            with tempfile.TemporaryDirectory(dir=folder) as fresh:
                results.append(await run(Path(fresh)))
        figures[name] = round(statistics.median(results), 1)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "figures": figures,
        "runs_each": times,
        "machine": {
            "cpus": os.cpu_count(),
            "memory_gib": round(memory / 2**30, 1),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: temporary)")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(measure(arguments.folder, arguments.runs)), indent=2))


if __name__ == "__main__":
    main()
