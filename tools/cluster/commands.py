"""The commands `fetch` and `servers`."""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table

from tools.cluster.cache import cache_folder
from tools.cluster.errors import ClusterError
from tools.cluster.fetch import versitygw
from tools.cluster.kafka_java import java_command
from tools.cluster.mongo import mongo_program
from tools.cluster.servers import STARTING, Servers

_WATCH_S = 1.0
_WIDTH = 100
"""Columns where there is no terminal to ask."""
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder to keep data in; without it they are thrown away."),
]


def fetch() -> None:
    """Fetch what the servers are made of, where it is not in the cache yet."""
    with errors_told():
        java_command()
        mongo_program()
        versitygw()
    print(f"all there, in {cache_folder()}")


def servers(data: DataOption = None) -> None:
    """Start the servers, show their addresses, and keep them until Ctrl-C."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=_WIDTH, highlight=False)
    with errors_told(), folder_for(data) as folder, until_told_to_stop():
        running = Servers(folder)
        show(console, running)
        try:
            say_secrets(console, running)
            watch(console, running)
        finally:
            console.print("stopping ...")
            running.stop()


def show(console: Console, running: Servers) -> None:
    """Start the servers; a terminal sees the table change, anything else sees it once at the end.

    Raises `ClusterError` where one does not start.
    """
    if not console.is_terminal:
        running.start()
        console.print(table(running))
        return
    with Live(table(running), console=console, auto_refresh=False) as live:
        running.start(lambda: live.update(table(running), refresh=True))


def table(running: Servers) -> Table:
    """One row per server: product, state, address."""
    rows = Table("server", "state", box=SIMPLE_HEAD, pad_edge=False)
    rows.add_column("address", overflow="fold")
    for server in running.all:
        state = running.state(server)
        colour = "yellow" if state == STARTING else "green" if "ready" in state else "red"
        rows.add_row(server.product, f"[{colour}]{state}[/]", server.address.replace(",", "\n"))
    return rows


def say_secrets(console: Console, running: Servers) -> None:
    """Print what an S3 client needs beside the address, and how to end."""
    s3 = running.s3.settings
    console.print(f"S3 bucket: {s3.bucket}  region: {s3.region}")
    console.print(f"S3 access key: {s3.access_key}")
    console.print(f"S3 secret key: {s3.secret_key}")
    console.print("Ctrl-C stops all.")


def watch(console: Console, running: Servers) -> NoReturn:
    """For ever: print the table again when a server's state changes."""
    before = _states(running)
    while True:
        time.sleep(_WATCH_S)
        if (now := _states(running)) != before:
            console.print(table(running))
            before = now


@contextmanager
def folder_for(data: Path | None) -> Iterator[Path]:
    """The folder that was named, or a temporary one."""
    if data is not None:
        yield data.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="docaxis-cluster-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@contextmanager
def until_told_to_stop() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the block, once: what ends it is not cut short."""
    told = False

    def stop(*_: object) -> None:
        nonlocal told
        if not told:
            told = True
            raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stop)
    with suppress(KeyboardInterrupt):
        yield


@contextmanager
def errors_told() -> Iterator[None]:
    """Print a `ClusterError` without its traceback and exit with 1."""
    try:
        yield
    except ClusterError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error


def _states(running: Servers) -> list[str]:
    return [running.state(server) for server in running.all]
