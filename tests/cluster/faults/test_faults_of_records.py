"""Poisoned records in the topics of commands: each dies alone, and everything else goes on."""

import uuid
from collections.abc import Callable, Iterator, Mapping

import pytest
from confluent_kafka import KafkaError, Producer

from docaxis_eventsourcing.envelope import Envelope, to_headers
from docaxis_eventsourcing.outcomes import DIED_TYPE
from docaxis_eventsourcing.topics import Lane, ServiceTopics
from tests.cluster.faults.figures import Figures
from tests.cluster.faults.site import PARTITIONS, Site
from tests.cluster.faults.under_load import under_load
from tools.cluster.service_process import SERVICES

pytestmark = [pytest.mark.faults, pytest.mark.cluster, pytest.mark.timeout(480)]

COMMANDS = {
    "registry": "docaxis.registry.v1.LockOrganisation",
    "routing": "docaxis.routing.v1.SubmitDocument",
    "signature": "docaxis.signature.v1.RecordVerdict",
    "status": "docaxis.status.v1.ReportStatuses",
    "notification": "docaxis.notification.v1.RecordAttempt",
}
"""A command that each service knows."""
NO_PROTOBUF = b"\xff" * 40
_WRITTEN_WITHIN_S = 40.0

Tell = Callable[[Figures], None]
Headers = list[tuple[str, str | bytes | None]]


def poison(service: str) -> Iterator[tuple[str, Headers]]:
    """Bytes that are no protobuf, of a type that is known; an unknown type; no headers at all."""
    for type_name in (COMMANDS[service], f"docaxis.{service}.v1.Unheard"):
        envelope = Envelope(id=str(uuid.uuid4()), type=type_name, source="docaxis/test")
        yield type_name, list(to_headers(envelope))
    yield "", []
    yield "half", [("ce_id", b"\xff\xfe"), ("ce_time", b"tomorrow")]


def write_poison(bootstrap: str) -> Mapping[str, int]:
    """Into each partition of each service's commands, all kinds; how many by service."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0})
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: object) -> None:
        if error is not None:
            failed.append(error)

    written = dict.fromkeys(SERVICES, 0)
    for service in SERVICES:
        topic = ServiceTopics(service).commands(Lane.NORMAL)
        for partition in range(PARTITIONS):
            for _, headers in poison(service):
                producer.produce(
                    topic, NO_PROTOBUF, partition=partition, headers=headers, on_delivery=delivered
                )
                written[service] += 1
    assert producer.flush(_WRITTEN_WITHIN_S) == 0
    assert failed == []
    return written


async def test_L22_poisoned_commands_die_alone(site: Site, tell: Tell) -> None:
    async with under_load(site, "poisoned commands", tell=tell) as load:
        before = site.events.types[DIED_TYPE]
        dead = await load.fault("written", write_poison, load.axis.stores.kafka)
        await load.flow(3.0)
        again = await load.fault("again", write_poison, load.axis.stores.kafka)
        await load.do(load.axis.wait_ready)
    written = sum(dead.values()) + sum(again.values())
    assert site.events.types[DIED_TYPE] == before + written
