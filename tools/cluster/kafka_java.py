"""How Kafka is run: Java's options, and an archive of loaded classes for a quick start.

The archive (class data sharing) halves the time until a broker answers and spares it some 70 MB.
It is made once per Java and kept in the cache; a Java that cannot use it starts without it.
"""

import hashlib
import socket
import tempfile
from pathlib import Path

from tools.cluster.cache import kept
from tools.cluster.deadline import wait_until
from tools.cluster.errors import ClusterError, FetchError
from tools.cluster.fetch import kafka_jars, need
from tools.cluster.kafka_config import CLIENTS
from tools.cluster.kafka_node import Node, configure, format_storage, new_node

_OPTIONS = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Measured on 2 cores: without its second compiler Java starts in half the time, and writes to a
fresh cluster are acknowledged faster."""
_SAY_NOTHING_OF_ARCHIVES = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")
_ARCHIVE = "kafka.jsa"
_READY_S = 60.0
_STOP_S = 60.0


def java_command() -> list[str]:
    """Java with all that precedes the name of one of Kafka's programs.

    Raises `MissingProgramError` or `FetchError` without Java or Kafka's jars.
    """
    java, jars = need("java"), kafka_jars()
    archive = _archive(java, jars)
    return [*_plain(java, jars), f"-XX:SharedArchiveFile={archive}", *_SAY_NOTHING_OF_ARCHIVES]


def _plain(java: str, jars: Path) -> list[str]:
    return [java, *_OPTIONS, "-cp", f"{jars}/*"]


def _archive(java: str, jars: Path) -> Path:
    """The archive for this Java, made where it is not there yet."""
    program = Path(java).resolve()
    stat = program.stat()
    made_of = f"{program} {stat.st_size} {stat.st_mtime_ns} {jars} {_OPTIONS}".encode()
    name = f"kafka-classes-{hashlib.sha256(made_of).hexdigest()[:12]}"

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            _run_once(_plain(java, jars), Path(scratch), folder / _ARCHIVE)

    return kept(name, make, "preparing Kafka's quick start (10 s, once) ...") / _ARCHIVE


def _run_once(java: list[str], scratch: Path, archive: Path) -> None:
    """Start one broker and stop it again; what it loaded goes into the archive."""
    node = new_node(scratch, 1)
    configure([node], {})
    format_storage([node], java, {})
    broker = node.process([*java, f"-XX:ArchiveClassesAtExit={archive}"])
    try:
        broker.start()
        wait_until(lambda: _listens(node), _READY_S, lambda: "the broker does not answer")
        broker.ask_to_stop()
        broker.wait(_STOP_S)
    except ClusterError as error:
        raise FetchError(f"Kafka did not start: {error}\n{broker.last_words()}") from error
    finally:
        broker.kill()
    if not archive.exists():
        raise FetchError(f"Java wrote no class archive:\n{broker.last_words()}")


def _listens(node: Node) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", node.ports[CLIENTS]), timeout=1):
            return True
    except OSError:
        return False
