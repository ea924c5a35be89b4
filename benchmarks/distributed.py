"""`python -m benchmarks.distributed`: the cluster beside the standalone, in one run (JSON).

Both on this machine, with the same documents and senders: the cluster's three brokers, its stores
and all of its processes share the cores with the client. `--only processors` or `--only exchanges`
measures a part.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from benchmarks.exchange import Measured, exchange, paced_submits, prepare
from benchmarks.machine import machine
from benchmarks.processor_bench import processor_rates
from benchmarks.usage import usage_by
from tests.system.axis_process import AxisProcess
from tools.cluster.axis import AxisCluster
from tools.cluster.service_process import GATEWAY, SERVICES

REPLICAS = (1, 2, 4)
_WARM_UP = 40
_HALF = 0.5


async def bench(options: argparse.Namespace) -> dict[str, object]:
    """All figures of this machine."""
    found: dict[str, object] = {
        "machine": machine(),
        "runs": options.runs,
        "documents_per_run": options.documents,
        "senders": options.senders,
    }
    with tempfile.TemporaryDirectory(prefix="docaxis-bench-") as name:
        folder = Path(name)
        if options.only != "processors":
            found["standalone"] = await _standalone(folder / "standalone", options)
        cluster = AxisCluster(folder / "cluster")
        begun = time.perf_counter()
        await asyncio.to_thread(cluster.start)
        try:
            found["cluster_start_to_ready_s"] = round(time.perf_counter() - begun, 1)
            if options.only != "processors":
                await asyncio.to_thread(cluster.bootstrap)
                found["cluster"] = await _cluster(cluster, folder / "pki", options)
            if options.only != "exchanges":
                found["processor_commands_per_s"] = await _processors(cluster, options)
        finally:
            await asyncio.to_thread(cluster.stop)
    return found


async def _standalone(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    axis = AxisProcess(folder)
    await axis.start()
    await axis.bootstrap()
    try:
        await _warm_up(axis, folder / "pki", "standalone", options)
        figures = await _exchanges(axis, folder / "pki", "standalone", options)
        return {**figures, **await _half_load(axis, folder / "pki", "standalone", figures, options)}
    finally:
        await axis.stop()


async def _cluster(
    cluster: AxisCluster, pki: Path, options: argparse.Namespace
) -> dict[str, object]:
    found: dict[str, object] = {}
    for replicas in REPLICAS:
        while cluster.replicas("routing") < replicas:
            await asyncio.to_thread(cluster.add_replica, "routing")
        label = f"routing-{replicas}"
        await _warm_up(cluster, pki, label, options)
        before, offsets = usage_by(_processes(cluster)), _offsets(cluster)
        figures = await _exchanges(cluster, pki, label, options)
        after, sent = usage_by(_processes(cluster)), options.runs * options.documents
        used = {name: after[name] - before[name] for name in after}
        figures["cost_per_document"] = {
            "cpu_ms": {name: round(each.cpu_s * 1000 / sent, 1) for name, each in used.items()},
            "written_kib": {name: round(each.written / 1024 / sent) for name, each in used.items()},
            "log_offsets": round((_offsets(cluster) - offsets) / sent, 1),
        }
        found[label] = {**figures, **await _half_load(cluster, pki, label, figures, options)}
    return found


async def _warm_up(axis: Measured, pki: Path, label: str, options: argparse.Namespace) -> None:
    prepared = list(prepare(pki, _WARM_UP, f"{label}-warm-up"))
    await exchange(axis, prepared, options.senders, batched=True)


async def _exchanges(
    axis: Measured, pki: Path, label: str, options: argparse.Namespace
) -> dict[str, object]:
    """Exchanges a second, with two calls per document."""
    runs = []
    for number in range(options.runs):
        prepared = list(prepare(pki, options.documents, f"{label}-{number}"))
        runs.append(await exchange(axis, prepared, options.senders, batched=True))
        sys.stderr.write(f"{label}: {runs[-1]['exchanges_per_s']:.1f} exchanges/s\n")
    return {
        name: {
            "median": round(statistics.median(each[name] for each in runs), 1),
            "min": round(min(each[name] for each in runs), 1),
            "max": round(max(each[name] for each in runs), 1),
        }
        for name in runs[0]
    }


async def _half_load(
    axis: Measured,
    pki: Path,
    label: str,
    figures: Mapping[str, object],
    options: argparse.Namespace,
) -> dict[str, object]:
    """Latencies of submits alone, offered at half of what was reached."""
    reached = figures["exchanges_per_s"]
    assert isinstance(reached, dict)
    prepared = list(prepare(pki, options.documents, f"{label}-half"))
    found = await paced_submits(axis, prepared, reached["median"] * _HALF)
    return {"submit_at_half_load": {name: round(each, 1) for name, each in found.items()}}


async def _processors(cluster: AxisCluster, options: argparse.Namespace) -> dict[str, object]:
    """The cluster's own services rest meanwhile: they are stopped."""
    for service in (GATEWAY, *SERVICES):
        for index in range(cluster.replicas(service)):
            await asyncio.to_thread(cluster.stop_replica, service, index)
    runs = [
        await processor_rates(cluster.kafka.bootstrap, cluster.mongo.address, options.commands)
        for _ in range(options.runs)
    ]
    return {name: round(statistics.median(each[name] for each in runs)) for name in runs[0]}


def _processes(cluster: AxisCluster) -> Mapping[str, list[int]]:
    groups = {
        service: [each.process.pid for each in cluster.processes(service) if each.running]
        for service in (*SERVICES, GATEWAY)
    }
    for server in (cluster.kafka, cluster.mongo, cluster.s3):
        groups[server.product] = [each.pid for each in server.all_processes()]
    return groups


def _offsets(cluster: AxisCluster) -> int:
    """Offsets used so far by the axis's topics: records, and the markers of transactions."""
    admin = AdminClient({"bootstrap.servers": cluster.kafka.bootstrap, "log_level": 0})
    places = {
        TopicPartition(topic, partition): OffsetSpec.latest()  # type: ignore[no-untyped-call]
        for topic, found in admin.list_topics(timeout=10).topics.items()
        if topic.startswith("docaxis.")
        for partition in found.partitions
    }
    return sum(int(each.result().offset) for each in admin.list_offsets(places).values())


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distributed", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs of each figure (default 3)")
    parser.add_argument("--documents", type=int, default=100, help="documents of one run")
    parser.add_argument("--senders", type=int, default=16, help="submissions at once")
    parser.add_argument("--commands", type=int, default=3000, help="commands for a processor")
    parser.add_argument("--only", choices=("processors", "exchanges"), help="a part alone")
    figures = asyncio.run(bench(parser.parse_args()))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
