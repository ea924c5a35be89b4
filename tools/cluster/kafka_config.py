"""The settings of a small Kafka cluster whose faults show within seconds."""

from collections.abc import Mapping
from pathlib import Path

CLIENTS = "PLAINTEXT"
"""The listener that every broker has."""


def settings(
    number: int, data: Path, ports: Mapping[str, int], voters: Mapping[int, int]
) -> dict[str, str]:
    """All settings of the combined node `number`.

    `ports`: security protocol → port of a client listener. `voters`: node → its controller's port.
    """
    copies = min(3, len(voters))
    safe = max(1, copies - 1)
    listeners = [f"{name}://127.0.0.1:{port}" for name, port in ports.items()]
    protocols = ["CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in ports)]
    return {
        "node.id": str(number),
        "process.roles": "broker,controller",
        "log.dirs": str(data),
        "controller.quorum.voters": ",".join(
            f"{each}@127.0.0.1:{port}" for each, port in voters.items()
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": CLIENTS,
        "listener.security.protocol.map": ",".join(protocols),
        "listeners": ",".join([*listeners, f"CONTROLLER://127.0.0.1:{voters[number]}"]),
        "advertised.listeners": ",".join(listeners),
        "default.replication.factor": str(copies),
        "min.insync.replicas": str(safe),
        "offsets.topic.replication.factor": str(copies),
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": str(safe),
        "share.coordinator.state.topic.replication.factor": str(copies),
        "share.coordinator.state.topic.min.isr": str(safe),
        **_SAFE,
        **_QUICK,
        **_SMALL,
    }


_SAFE = {
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "offsets.retention.minutes": "43200",
}
_QUICK = {
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.heartbeat.interval.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "1000",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1500",
    "controller.quorum.election.timeout.ms": "1000",
    "controller.quorum.election.backoff.max.ms": "500",
    "controller.quorum.request.timeout.ms": "1500",
    # All nodes are stopped at once: no other is there to take what one leads.
    "controlled.shutdown.enable": "false",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "log.segment.delete.delay.ms": "1000",
}
_SMALL = {
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "4",
    "offsets.topic.segment.bytes": "16777216",
    "transaction.state.log.segment.bytes": "16777216",
    "log.segment.bytes": "67108864",
    "log.index.size.max.bytes": "262144",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "4",
    "group.coordinator.threads": "2",
}


def as_properties(given: Mapping[str, str]) -> str:
    """The text of a Java properties file."""
    return "".join(f"{key}={_escaped(value)}\n" for key, value in given.items())


def _escaped(value: str) -> str:
    value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"\\{value}" if value.startswith(" ") else value


LOGGING = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders>
    <Console name="out"><PatternLayout pattern="%d{HH:mm:ss.SSS} %p %c{1}: %m%n"/></Console>
  </Appenders>
  <Loggers>
    <Logger name="org.apache.kafka.clients.NetworkClient" level="ERROR"/>
    <Root level="WARN"><AppenderRef ref="out"/></Root>
  </Loggers>
</Configuration>
"""
"""Log4j's configuration: warnings and worse, without one for each attempt to reach a dead node."""
