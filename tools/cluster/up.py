"""The command `up`: the whole axis on this machine until Ctrl-C, for people."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Annotated, NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table

from tools.cluster.axis import AxisCluster
from tools.cluster.commands import errors_told, until_told_to_stop
from tools.cluster.errors import ClusterError
from tools.cluster.service_process import GATEWAY, SERVICES

DEFAULT_DATA = Path("cluster-data")
_WATCH_S = 1.0
_WIDTH = 110
"""Columns where there is no terminal to ask."""

DataOption = Annotated[
    Path, typer.Option("--data", help="Folder of all data, logs and keys; it is kept.")
]
ReplicasOption = Annotated[
    list[str] | None,
    typer.Option("--replicas", metavar="SERVICE=N", help="How many of a service; repeatable."),
]
PartitionsOption = Annotated[
    int,
    typer.Option(
        "--partitions", min=1, max=64, help="Of every topic; fixed when the folder is first used."
    ),
]
PortOption = Annotated[
    int, typer.Option("--http-port", min=0, max=65535, help="REST port; 0 takes a free one.")
]
BootstrapOption = Annotated[
    bool,
    typer.Option(
        help="Register the demonstration's agencies and systems, and write their credentials."
    ),
]


def up(
    data: DataOption = DEFAULT_DATA,
    replicas: ReplicasOption = None,
    partitions: PartitionsOption = 4,
    http_port: PortOption = 0,
    bootstrap: BootstrapOption = True,
) -> None:
    """Start Kafka, MongoDB, S3, all services and the gateway; keep them until Ctrl-C."""
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=_WIDTH, highlight=False)
    with errors_told(), until_told_to_stop():
        axis = AxisCluster(
            data,
            replicas=_counts(replicas or ()),
            partitions=partitions,
            http_port=http_port,
            keep_servers=True,
            said=lambda line: console.print(f"[yellow]{time.strftime('%H:%M:%S')}[/] {line}"),
        )
        try:
            _start(console, axis)
            if bootstrap:
                console.print("registering the demonstration's agencies and systems ...")
                axis.bootstrap()
            _say_how_to_use(console, axis, data, bootstrap)
            _watch(console, axis)
        finally:
            console.print("stopping: the gateway, the services, the servers ...")
            axis.stop()
            console.print("stopped")


def _start(console: Console, axis: AxisCluster) -> None:
    """Start all; a terminal sees the table change, anything else a line for each news."""
    if not console.is_terminal:
        axis.start(_tell_news(console, axis))
        console.print(_table(axis))
        return
    with Live(_table(axis), console=console, auto_refresh=False) as live:
        axis.start(lambda: live.update(_table(axis), refresh=True))
        live.update(_table(axis), refresh=True)


def _tell_news(console: Console, axis: AxisCluster) -> Callable[[], None]:
    told: dict[str, str] = {}

    def tell() -> None:
        for name, state, _, _ in _rows(axis):
            if told.get(name) != state:
                told[name] = state
                console.print(f"{time.strftime('%H:%M:%S')} {name}: {state}", markup=False)

    return tell


def _rows(axis: AxisCluster) -> list[tuple[str, str, str, str]]:
    """Name, state, restarts and address of everything; asks the processes."""
    rows = []
    if axis.servers:
        for server in axis.servers.all:
            address = server.address.replace(",", "\n")
            rows.append((server.product, axis.servers.state(server), "", address))
    for each in axis.state():
        rows.append((each.name, each.state, str(each.restarts or ""), each.address))
    return rows


def _table(axis: AxisCluster) -> Table:
    table = Table("process", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("state", overflow="fold", ratio=2)
    table.add_column("started\nagain", justify="right")
    table.add_column("address", overflow="fold", ratio=1)
    for name, state, restarts, address in _rows(axis):
        colour = "green" if state.startswith("ready") else "red" if "ended" in state else "yellow"
        table.add_row(name, f"[{colour}]{state}[/]", restarts, address)
    return table


def _say_how_to_use(console: Console, axis: AxisCluster, data: Path, bootstrap: bool) -> None:
    lines = [
        f"The axis is at {axis.url} (OpenAPI: {axis.url}/openapi.json), gRPC {axis.public_grpc}.",
        f"Its logs are in {data / 'logs'}, one file per process.",
    ]
    if bootstrap:
        lines += [
            "",
            "In another terminal, in this folder, with any PDF:",
            f"  export DOCAXIS_DATA={quote(str(data))}",
            "  .venv/bin/docaxis send my.pdf --as office --to H26    # prints the document's id",
            "  .venv/bin/docaxis inbox --as hanoi                    # prints the delivery's id",
            "  .venv/bin/docaxis ack DELIVERY_ID --as hanoi",
            "  .venv/bin/docaxis timeline DOCUMENT_ID --as office",
            "The whole demonstration:",
            f"  .venv/bin/docaxis demo --url {axis.url}"
            f" --credentials-folder {quote(str(data / 'clients'))}",
        ]
    console.print("\n".join([*lines, "", "Ctrl-C stops all; the data stays."]), markup=False)


def _watch(console: Console, axis: AxisCluster) -> NoReturn:
    """For ever: print the table again when a state has changed."""
    before = [row[1] for row in _rows(axis)]
    while True:
        time.sleep(_WATCH_S)
        if (now := [row[1] for row in _rows(axis)]) != before:
            console.print(_table(axis))
            before = now


def _counts(given: Sequence[str]) -> Mapping[str, int]:
    """`routing=2` as a number by name. Raises `ClusterError` for anything else."""
    counts = {}
    for each in given:
        name, _, count = each.partition("=")
        if name not in (*SERVICES, GATEWAY) or not count.isdigit() or int(count) < 1:
            known = ", ".join((*SERVICES, GATEWAY))
            raise ClusterError(f"--replicas {each}: say SERVICE=N, with one of {known}")
        counts[name] = int(count)
    return counts
