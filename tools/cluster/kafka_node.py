"""One combined KRaft node, broker and controller: its files, its format, its process."""

import secrets
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.cluster.errors import ClusterError
from tools.cluster.kafka_config import CLIENTS, LOGGING, as_properties, settings
from tools.cluster.ports import reserve_ports
from tools.cluster.process import ServerProcess


@dataclass(frozen=True, slots=True)
class Node:
    """Where one node lives."""

    number: int
    """From 1."""
    folder: Path
    controller_port: int
    ports: Mapping[str, int]
    """Client listeners: security protocol (`PLAINTEXT`, `SSL`, `SASL_SSL`, ...) → port."""

    @property
    def configuration(self) -> Path:
        """Its properties file."""
        return self.folder / "server.properties"

    @property
    def logging(self) -> Path:
        """Log4j's configuration."""
        return self.folder / "log4j2.xml"

    @property
    def data(self) -> Path:
        """The log folder: absent until formatted."""
        return self.folder / "data"

    def process(self, java: Sequence[str]) -> ServerProcess:
        """The node's process, not started."""
        command = [*java, _logging(self), "kafka.Kafka", str(self.configuration)]
        return ServerProcess(f"Kafka broker {self.number}", command, self.folder / "server.log")


def new_node(folder: Path, number: int, protocols: Sequence[str] = ()) -> Node:
    """A node on free ports, in a folder of its own below `folder`."""
    listeners = [CLIENTS, *protocols]
    controller, *ports = reserve_ports(1 + len(listeners))
    clients = dict(zip(listeners, ports, strict=True))
    return Node(number, folder / f"broker-{number}", controller, clients)


def configure(nodes: Sequence[Node], extra: Mapping[str, str]) -> None:
    """Write the configuration of each node of a cluster; `extra` overrides."""
    voters = {node.number: node.controller_port for node in nodes}
    for node in nodes:
        node.folder.mkdir(parents=True, exist_ok=True)
        given = settings(node.number, node.data, node.ports, voters)
        node.configuration.write_text(as_properties({**given, **extra}))
        node.logging.write_text(LOGGING)


def format_storage(nodes: Sequence[Node], java: Sequence[str], features: Mapping[str, int]) -> None:
    """Give the nodes of a new cluster their storage, all at once; a formatted cluster keeps its.

    Raises `ClusterError` with the tool's words, or where some nodes have storage and others not.
    """
    formatted = [node for node in nodes if node.data.exists()]
    if len(formatted) == len(nodes):
        return
    if formatted:
        raise ClusterError(f"some nodes of the cluster in {nodes[0].folder.parent} lost their data")
    cluster = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    levels = [f"--feature={name}={level}" for name, level in features.items()]
    running = [
        subprocess.Popen(
            [
                *java,
                _logging(node),
                "kafka.tools.StorageTool",
                "format",
                *levels,
                f"--cluster-id={cluster}",
                f"--config={node.configuration}",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for node in nodes
    ]
    for each in running:
        words, _ = each.communicate()
        if each.returncode != 0:
            raise ClusterError(f"Kafka's storage was not formatted:\n{words[-2000:]}")


def _logging(node: Node) -> str:
    return f"-Dlog4j2.configurationFile={node.logging}"
