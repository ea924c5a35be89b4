"""A Kafka cluster of combined KRaft nodes on loopback, the way tests and people need one."""

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tools.cluster.deadline import wait_until
from tools.cluster.errors import ClusterError
from tools.cluster.kafka_config import CLIENTS
from tools.cluster.kafka_java import java_command
from tools.cluster.kafka_node import Node, configure, format_storage, new_node
from tools.cluster.process import ServerProcess

_READY_S = 90.0
_STOP_S = 15.0
_ASK_S = 2.0
_CLEAN = ".kafka_cleanshutdown"
_QUORUM = "__cluster_metadata-0/quorum-state"


class KafkaCluster:
    """`brokers` nodes with their data in `folder`, on free ports that they keep over restarts.

    Nodes are numbered from 1. The verbs wait: in asyncio call them through `asyncio.to_thread`.

    - `extra`: broker settings that override ours, the same on every node.
    - `protocols`: further client listeners, one port each (`SASL_SSL`, ...), set up by `extra`.
    - `features`: feature levels at format; `{"group.version": 0}` makes a cluster that cannot
      speak the consumer group protocol of KIP-848.

    Raises `MissingProgramError` or `FetchError` without Java or Kafka's jars.
    """

    product = "Kafka"

    def __init__(
        self,
        folder: Path,
        *,
        brokers: int = 3,
        extra: Mapping[str, str] | None = None,
        protocols: Sequence[str] = (),
        features: Mapping[str, int] | None = None,
    ) -> None:
        self._java = java_command()
        self._features = dict(features or {})
        self.nodes = [new_node(folder, number + 1, protocols) for number in range(brokers)]
        configure(self.nodes, extra or {})
        self.processes = {node.number: node.process(self._java) for node in self.nodes}

    @property
    def bootstrap(self) -> str:
        """The addresses of all brokers, without TLS: `127.0.0.1:P,127.0.0.1:Q,...`."""
        return self.bootstrap_of(CLIENTS)

    address = bootstrap

    def all_processes(self) -> list[ServerProcess]:
        """One process per broker."""
        return list(self.processes.values())

    def bootstrap_of(self, protocol: str) -> str:
        """The addresses of all brokers on the listener of a security protocol."""
        return ",".join(f"127.0.0.1:{node.ports[protocol]}" for node in self.nodes)

    def start(self) -> None:
        """Format what is new, start all nodes, and wait until all are registered.

        Raises `ClusterError` where a node ends or is not there in time; all are killed then.
        """
        format_storage(self.nodes, self._java, self._features)
        try:
            for process in self.processes.values():
                process.start()
            self.wait_ready()
        except BaseException:
            self.kill_all()
            raise

    def wait_ready(self, within_s: float = _READY_S) -> None:
        """Wait until each broker that runs answers and knows of the others.

        Raises `ClusterError` where one ends, or the time has passed.
        """
        unsure = {node.number: node for node in self.nodes if self._runs(node)}
        running = set(unsure)

        def all_are_sure() -> bool:
            for number in list(unsure):
                self.processes[number].check_running()
                if _registered(unsure[number]) >= running:
                    del unsure[number]
            return not unsure

        wait_until(all_are_sure, within_s, lambda: f"Kafka is not ready.\n{self._last_words()}")

    def wait_in_sync(self, within_s: float = _READY_S) -> None:
        """Wait until every partition has all its replicas in sync. Raises `ClusterError`.

        After a broker came back: before it, another one's death can cost `min.insync.replicas`.
        """
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        wait_until(
            lambda: _behind(admin) == [],
            within_s,
            lambda: f"not in sync: {_behind(admin)}\n{self._last_words()}",
        )

    def controller(self) -> int:
        """The number of the active controller, by what the nodes that run wrote down; 0 for none.

        Clients cannot be asked: a broker names any broker as the controller, and forwards.
        """
        known = [_quorum(node) for node in self.nodes if self._runs(node)]
        _, leader = max(known, default=(0, 0))
        return leader if leader in self.processes and self.processes[leader].running else 0

    def kill(self, number: int) -> None:
        """SIGKILL one broker."""
        self.processes[number].kill()

    def kill_all(self) -> None:
        """SIGKILL all brokers."""
        for process in self.processes.values():
            process.kill()

    def start_again(self, number: int) -> None:
        """Start a broker that is down, and wait until it is registered. Raises `ClusterError`."""
        self.processes[number].start()
        self.wait_ready()

    def pause(self, number: int) -> None:
        """SIGSTOP one broker."""
        self.processes[number].pause()

    def resume(self, number: int) -> None:
        """SIGCONT."""
        self.processes[number].resume()

    def stop(self) -> None:
        """SIGTERM all; each is gone when its log is in order.

        What a node does after that is to hand over the quorum, and when all stop at once nobody
        takes it: it would wait for 5 s.
        """
        for process in self.processes.values():
            process.ask_to_stop()
        try:
            wait_until(
                lambda: all((node.data / _CLEAN).exists() or not self._runs(node)
                            for node in self.nodes),
                _STOP_S,
                lambda: "brokers do not stop",
            )  # fmt: skip
        except ClusterError:
            pass  # killed all the same: a log that was not closed is recovered at the next start
        self.kill_all()

    def _runs(self, node: Node) -> bool:
        return self.processes[node.number].running

    def _last_words(self) -> str:
        return "\n".join(f"{each.name}: {each.last_words()}" for each in self.processes.values())


def _registered(node: Node) -> set[int]:
    """The numbers of the brokers that this one knows as alive, none where it does not answer.

    Asked of it alone, by a client that knows no other: others may hold a killed broker for alive.
    """
    address = ("127.0.0.1", node.ports[CLIENTS])
    try:
        with socket.create_connection(address, timeout=_ASK_S):
            pass
        admin = AdminClient({"bootstrap.servers": "{}:{}".format(*address), "log_level": 0})
        told = admin.describe_cluster(request_timeout=_ASK_S).result(_ASK_S + 1)
    except (OSError, KafkaException):
        return set()
    return {each.id for each in told.nodes}


def _quorum(node: Node) -> tuple[int, int]:
    """Epoch and leader of the controllers' quorum as this node last wrote them; -1 for none."""
    try:
        state = json.loads((node.data / _QUORUM).read_text())
    except (OSError, ValueError):  # not there yet, or being replaced
        return 0, -1
    return int(state["leaderEpoch"]), int(state["leaderId"])


def _behind(admin: AdminClient) -> list[str]:
    """The partitions that lack a replica in sync."""
    try:
        topics = admin.list_topics(timeout=_ASK_S).topics
    except KafkaException as error:
        return [str(error)]
    return [
        f"{name}/{number}"
        for name, topic in topics.items()
        for number, partition in topic.partitions.items()
        if len(partition.isrs) < len(partition.replicas)
    ]
