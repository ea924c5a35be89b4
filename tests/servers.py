"""Real Kafka, MongoDB-compatible and S3-compatible servers for tests.

Shared: `kafka_bootstrap`, `mongo_uri` and `s3_settings` answer the address of a server that all
workers of one test session use; the first that asks starts it. Tests keep apart by fresh topic
prefixes, database names and key prefixes, and leave shared servers alone.

Private: a test that kills or stops servers starts its own, on its `tmp_path`, by the classes
`KafkaCluster`, `MongoServer` and `S3Server`.

Without the programs that a server needs the test is skipped, with the reason; in CI that is a
failure (`tests/conftest.py`).
"""

import json
import os
import subprocess
import sys
import tempfile
import uuid
from functools import cache
from pathlib import Path

import pytest

from tools.cluster.cache import locked
from tools.cluster.errors import ClusterError, FetchError, MissingProgramError
from tools.cluster.fetch import check_kafka, check_versitygw
from tools.cluster.kafka import KafkaCluster
from tools.cluster.mongo import MongoServer
from tools.cluster.s3 import S3Server, S3Settings

__all__ = [
    "KafkaCluster",
    "MongoServer",
    "S3Server",
    "S3Settings",
    "kafka_bootstrap",
    "mongo_uri",
    "require_servers",
    "s3_settings",
]

_ROOT = Path(__file__).resolve().parents[1]
_OWN_SESSION = uuid.uuid4().hex
_CHECKS = {"kafka": check_kafka, "s3": check_versitygw}


def require_servers(*kinds: str) -> None:
    """Skip the test where this machine lacks what these servers need.

    Kinds are `kafka`, `mongo` and `s3`; none named means all.
    """
    for kind in kinds or ("kafka", "mongo", "s3"):
        try:
            _CHECKS.get(kind, _nothing)()
        except MissingProgramError as error:
            pytest.skip(f"no real servers here: {error}")


def kafka_bootstrap() -> str:
    """`bootstrap.servers` of the session's Kafka cluster: three brokers, no TLS."""
    return _shared("kafka")["bootstrap"]


def mongo_uri() -> str:
    """The address of the session's MongoDB-compatible server, without a database."""
    return _shared("mongo")["uri"]


def s3_settings() -> S3Settings:
    """Endpoint, keys and bucket of the session's S3-compatible server."""
    return S3Settings(**_shared("s3"))


@cache
def _shared(kind: str) -> dict[str, str]:
    """What the session's server of this kind told; starts it where no worker has.

    Skips the test where the server cannot be had here; raises `ClusterError` where it could be
    had and did not start.
    """
    require_servers(kind)
    session, controller = _session()
    told = session / f"{kind}.json"
    with locked(session / f"{kind}.lock"):
        if not told.exists():
            line = _hold(kind, session / kind, controller)
            told.write_text(line)
        answer = json.loads(told.read_text())
    if answer.get("failed") == FetchError.__name__:
        pytest.skip(f"no real servers here: {answer['because']}")
    if "failed" in answer:
        raise ClusterError(answer["because"])
    found: dict[str, str] = answer["told"]
    return found


def _session() -> tuple[Path, int]:
    """The folder that the workers of one session share, and the process that outlives them."""
    shared = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    controller = os.getppid() if shared else os.getpid()
    folder = Path(tempfile.gettempdir()) / f"docaxis-servers-{shared or _OWN_SESSION}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder, controller


def _hold(kind: str, folder: Path, controller: int) -> str:
    """Start a process that keeps the server until the session ends; answer its first line."""
    folder.mkdir()
    with folder.with_suffix(".log").open("ab") as log:
        holder = subprocess.Popen(
            [sys.executable, "-m", "tools.cluster.hold", kind, str(folder), str(controller)],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert holder.stdout is not None
    line = holder.stdout.readline()
    if not line:
        words = folder.with_suffix(".log").read_text(errors="replace")[-3000:]
        raise ClusterError(f"the process that holds {kind} ended:\n{words}")
    return line


def _nothing() -> None:
    pass
