"""All three servers together: what `python -m tools.cluster servers` runs."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Protocol

from tools.cluster.kafka import KafkaCluster
from tools.cluster.mongo import MongoServer
from tools.cluster.process import ServerProcess
from tools.cluster.s3 import S3Server

STARTING = "starting"


class Server(Protocol):
    """What the three kinds have in common."""

    product: str

    @property
    def address(self) -> str:
        """Where clients reach it."""

    def start(self) -> None:
        """Start it, and wait until it is ready."""

    def stop(self) -> None:
        """Stop it in good order."""

    def all_processes(self) -> list[ServerProcess]:
        """Its processes."""


class Servers:
    """Kafka with three brokers, a MongoDB-compatible and an S3-compatible server in one folder.

    A folder of an earlier run keeps its data; ports and S3 keys are new each time. Raises
    `MissingProgramError` or `FetchError` where one cannot be had.
    """

    def __init__(self, folder: Path) -> None:
        self.kafka = KafkaCluster(folder / "kafka")
        self.mongo = MongoServer(folder / "mongo")
        self.s3 = S3Server(folder / "s3")
        self._ready_after: dict[str, float] = {}

    @property
    def all(self) -> Sequence[Server]:
        """The three."""
        return (self.kafka, self.mongo, self.s3)

    def start(self, progress: Callable[[], None] = lambda: None) -> None:
        """Start all at once, and wait until all are ready.

        `progress` is called (from other threads) when one of them is. Raises `ClusterError` where
        one does not start; all are stopped then.
        """
        begin = monotonic()

        def start_one(server: Server) -> None:
            server.start()
            self._ready_after[server.product] = monotonic() - begin
            progress()

        try:
            with ThreadPoolExecutor(len(self.all)) as pool:
                try:
                    for done in [pool.submit(start_one, server) for server in self.all]:
                        done.result()
                except BaseException:
                    self.stop()  # who waits for a server sees it end
                    raise
        except BaseException:
            self.stop()  # one that was not yet there to be stopped
            raise

    def stop(self) -> None:
        """Stop all at once."""
        with ThreadPoolExecutor(len(self.all)) as pool:
            list(pool.map(lambda server: server.stop(), self.all))

    def state(self, server: Server) -> str:
        """In words: starting, ready, or which of its processes has ended."""
        after = self._ready_after.get(server.product)
        if after is None:
            return STARTING
        if ended := [each.name for each in server.all_processes() if not each.running]:
            return f"{', '.join(ended)} ended"
        return f"ready, {after:.1f} s"
