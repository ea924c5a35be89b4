"""The topics that the code declares, as Strimzi's resources.

A process makes its topics by itself where they are missing, and refuses one that disagrees.
Resources that say the same let the cluster's operator see them, and keep them as they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from docaxis_adapters.kafka_log.installation import TOPIC as INSTALLATION
from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_adapters.kafka_log.topics import Wanted
from docaxis_eventsourcing.topics import DEFAULT_PARTITIONS, OUTCOMES_KEPT_S, ServiceTopics
from tools.deployment.processes import SERVICES

CLUSTER = "axis"
FILE = Path("deploy/k8s/base/kafka-topics.yaml")
_HEAD = """\
# Every topic of the axis, made by `make docs` from what the code declares; do not edit. The code
# makes them, too, where they are missing: Strimzi's operator keeps them as they are.
"""


def declared(partitions: int) -> list[Wanted]:
    """Every topic, as the services and the log declare them."""
    wanted = [Wanted(INSTALLATION, 1, None)]
    for service in SERVICES:
        topics: ServiceTopics = import_module(f"docaxis_{service}.views").TOPICS
        wanted += [Wanted(each, partitions, None) for each in (*topics.all_commands, topics.events)]
        wanted.append(Wanted(topics.outcomes, partitions, OUTCOMES_KEPT_S))
    return wanted


def resources(partitions: int, settings: KafkaSettings) -> list[dict[str, Any]]:
    """The topics as KafkaTopic resources of Strimzi."""
    return [
        {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaTopic",
            "metadata": {"name": each.name, "labels": {"strimzi.io/cluster": CLUSTER}},
            "spec": {
                "partitions": each.partitions,
                "replicas": settings.kafka_replication,
                "config": each.config(settings),
            },
        }
        for each in declared(partitions)
    ]


def page() -> str:
    """The file of all topics, with the settings that are the default."""
    documents = resources(DEFAULT_PARTITIONS, KafkaSettings("kafka:9092"))
    return _HEAD + yaml.safe_dump_all(documents, sort_keys=False)


def problems_of(
    where: str, found: Sequence[Mapping[str, Any]], partitions: int, settings: KafkaSettings
) -> Iterator[str]:
    """Where resources differ from what the processes beside them declare."""
    there = {each["metadata"]["name"]: each for each in found}
    wanted = {each["metadata"]["name"]: each for each in resources(partitions, settings)}
    for name in sorted(there.keys() | wanted.keys()):
        if name not in there:
            yield f"{where}: topic {name} is declared by the code and missing"
        elif name not in wanted:
            yield f"{where}: topic {name} is declared by no code"
        else:
            yield from _differences(f"{where}: topic {name}", there[name], wanted[name])


def _differences(where: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    if found["metadata"].get("labels", {}).get("strimzi.io/cluster") != CLUSTER:
        yield f"{where} is of another cluster than {CLUSTER}"
    for field in ("partitions", "replicas", "config"):
        if found["spec"].get(field) != wanted["spec"][field]:
            yield f"{where} has {field} {found['spec'].get(field)}, not {wanted['spec'][field]}"
