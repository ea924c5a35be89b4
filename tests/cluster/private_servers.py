"""Servers of one test alone, and waiting for what they do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from tests.servers import KafkaCluster, MongoServer, S3Server

WITHIN_S = 60.0


@contextmanager
def private(server: MongoServer | S3Server | KafkaCluster) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        for each in server.all_processes():
            each.kill()


def eventually(is_so: Callable[[], bool], what: str) -> None:
    end = monotonic() + WITHIN_S
    while not is_so():
        assert monotonic() < end, f"never: {what}"
        sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
