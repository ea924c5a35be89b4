"""Hold one server for many processes: `python -m tools.cluster.hold KIND FOLDER PID`.

Starts the server in FOLDER, prints one line of JSON, and keeps the server until the process PID is
gone. Then it kills the server and removes FOLDER, and what lies beside it as FOLDER.*: all of it is
thrown away. This is how the tests' workers share servers (`tests/servers.py`).

The line is `{"told": {...}}` with what a client needs, or `{"failed": "...", "because": "..."}`
with the name of a class of `errors.py`.
"""

import json
import os
import select
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tools.cluster.errors import ClusterError
from tools.cluster.kafka import KafkaCluster
from tools.cluster.mongo import MongoServer
from tools.cluster.s3 import S3Server

Kind = Callable[[Path], tuple[dict[str, str], Callable[[], None]]]
"""Starts a server in a folder; answers what a client needs, and how to kill the server."""


def main() -> None:
    """Hold the server that the command line names. Exit status 1 where it could not be started."""
    kind, folder, watched = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        told, kill = KINDS[kind](folder)
    except ClusterError as error:
        print(json.dumps({"failed": type(error).__name__, "because": str(error)}), flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        sys.exit(1)
    try:
        print(json.dumps({"told": told}), flush=True)
        _wait_for_the_end_of(watched)
    finally:
        kill()
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove the server's folder and the files beside it that are named like it."""
    shutil.rmtree(folder, ignore_errors=True)
    for file in folder.parent.glob(f"{folder.name}.*"):
        file.unlink(missing_ok=True)
    with suppress(OSError):  # other servers are still in it
        folder.parent.rmdir()


def _kafka(folder: Path) -> tuple[dict[str, str], Callable[[], None]]:
    cluster = KafkaCluster(folder)
    cluster.start()
    return {"bootstrap": cluster.bootstrap}, cluster.kill_all


def _mongo(folder: Path) -> tuple[dict[str, str], Callable[[], None]]:
    server = MongoServer(folder)
    server.start()
    return {"uri": server.address}, server.kill


def _s3(folder: Path) -> tuple[dict[str, str], Callable[[], None]]:
    server = S3Server(folder)
    server.start()
    return asdict(server.settings), server.kill


KINDS: Mapping[str, Kind] = {"kafka": _kafka, "mongo": _mongo, "s3": _s3}


def _wait_for_the_end_of(pid: int) -> None:
    """Return when the process is gone."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.poll()


if __name__ == "__main__":
    main()
