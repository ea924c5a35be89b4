"""A sizing in Markdown: the same text on the terminal's `--markdown` and in the documentation."""

from collections.abc import Iterator
from dataclasses import fields

from docaxis_cli.capacity.demand import Demand
from docaxis_cli.capacity.measured import Measured
from docaxis_cli.capacity.sizing import Count, Sizing

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def rows(sizing: Sizing) -> Iterator[tuple[str, str, str]]:
    """What is needed, how much, and what it is bound by or made of."""
    yield "documents a second, peak", figure(sizing.documents_per_s), ""
    yield "deliveries a second, peak", figure(sizing.deliveries_per_s), ""
    yield "CPU of a document, standalone", f"{figure(sizing.cpu_ms_per_document)} ms", ""
    yield "busy CPUs of a cluster, peak", figure(sizing.cores), "as full as they may be: see nodes"
    yield _counted("partitions", sizing.partitions)
    for name, count in sizing.replicas.items():
        yield f"replicas of {name}", str(count), f"{sizing.shares[name]:.0%} of the CPU"
    yield _counted("nodes for services", sizing.nodes)
    yield _counted("Kafka brokers", sizing.brokers)
    log, views = amount(sizing.log_bytes), amount(sizing.view_bytes)
    yield "disk of each broker", amount(sizing.broker_disk_bytes), f"log, one copy: {log}"
    yield "members of MongoDB's replica set", str(sizing.view_members), "copies of states and views"
    yield (
        "disk of each member",
        amount(sizing.view_disk_bytes),
        f"states and views: {views}; of five databases, one a service, which may be apart",
    )
    yield "object store", amount(sizing.file_disk_bytes), f"files: {amount(sizing.file_bytes)}"
    yield "line in, peak", line(sizing.in_bit_per_s), ""
    yield "line out, peak", line(sizing.out_bit_per_s), "every recipient fetches every file"


def capacity_page(demand: Demand, measured: Measured, sizing: Sizing, source: str) -> str:
    """The whole page; `source` names the file of the figures."""
    if measured.shares:
        factor_of = "the CPU of its services for an exchange; brokers and stores are left out"
        shares_of = "Measured on a cluster with one replica of each."
    else:
        factor_of = (
            "the quotient of exchanges a second on the same two CPUs, which brokers and stores"
            " share: an upper bound"
        )
        shares_of = "The gateway's was sampled, the others are estimated."
    lines = [
        "# Capacity: what a country needs",
        "",
        "Made by `make docs` with `docaxis capacity --markdown`; do not edit. It is arithmetic",
        "on figures of a small machine, not a measurement of a large one: it tells the order of",
        "things and what bounds, and is to be held against a trial.",
        "",
        f"**{sizing.bound[0].upper()}{sizing.bound[1:]}** asks for the most.",
        "",
        "| what | how much | bound by, made of |",
        "|---|---|---|",
        *(f"| {' | '.join(each)} |" for each in rows(sizing)),
        "",
        "## Measured",
        "",
        f"From `{source}`: {measured.machine}. {measured.provenance}".rstrip(),
        "",
        "- CPU of an exchange (a document for one recipient):"
        f" {figure(measured.cpu_ms_per_exchange)} ms; exchanges a second of a standalone:"
        f" {figure(measured.exchanges_per_s)}.",
        f"- Memory of a process that has worked: {figure(measured.memory_mib)} MiB.",
        "- CPU of a cluster for what a standalone does with 1: "
        + (
            f"{figure(measured.cluster_factor)}, {factor_of}."
            if measured.cluster_factor
            else "not measured, assumed below."
        ),
        "",
        "## Assumed",
        "",
        "Each is an option of `docaxis capacity`.",
        "",
        "| option | value | what |",
        "|---|---|---|",
        *(
            f"| `--{each.name.replace('_', '-')}` | {figure(getattr(demand, each.name))} |"
            f" {each.metadata['help']} |"
            for each in fields(demand)
        ),
        "",
        "Shares of the CPU by service: "
        + ", ".join(f"{name} {share:.0%}" for name, share in sizing.shares.items())
        + f". {shares_of}",
        "",
        "## How it is computed",
        "",
        "- Peak: documents of a year / seconds of a year × peak.",
        "- CPU of a document: that of an exchange × (1 + (recipients - 1) × delivery share).",
        "- Replicas: the service's share of the busy CPUs / how full one may be, a CPU each, at"
        " least two.",
        "- Nodes: the largest of CPU, memory and line, each rounded up and one more, at least"
        " three. A file that comes in or goes out passes a node's line twice.",
        "- Brokers: the largest of disk, writing and line, at least three and as many as copies."
        " Commands and outcomes are written as well and removed again: twice the events.",
        "- Partitions: commands of routing at the peak (two a document, three a delivery) or the"
        " largest service's replicas, times growth, up to the next count with many divisors. The"
        " count is fixed for ever; more than are needed cost little.",
        "- Disks: one copy × copies / how full, spread over the brokers.",
    ]
    return "\n".join(lines) + "\n"


def figure(value: float) -> str:
    """Three significant digits, or the whole number with its thousands."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def amount(size: float) -> str:
    """Bytes in the largest unit that leaves at least one."""
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            return f"{figure(size)} {unit}"
        size /= 1024
    raise AssertionError("the last unit takes everything")


def line(bits: float) -> str:
    """Bits a second."""
    for unit in ("bit/s", "kbit/s", "Mbit/s"):
        if bits < 1000:
            return f"{figure(bits)} {unit}"
        bits /= 1000
    return f"{figure(bits)} Gbit/s"


def _counted(what: str, count: Count) -> tuple[str, str, str]:
    asked = ", ".join(f"{name} {each}" for name, each in count.asked.items())
    return what, str(count.count), f"{count.bound} ({asked})"
