"""The manifests as `kubectl kustomize` renders them: processes, and whether names find theirs."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_eventsourcing.topics import DEFAULT_PARTITIONS
from docaxis_runtime.settings import SettingsInvalid, load_settings
from tools.deployment import topics
from tools.deployment.compose import process_name
from tools.deployment.processes import (
    PROCESSES,
    SERVICES,
    Process,
    address_problems,
    port_of,
    problems_of,
)

Object = Mapping[str, Any]
WORKLOADS = ("StatefulSet", "Deployment")
_POD_NAME = "pod-0"
_RENDERERS = (("kubectl", "kustomize"), ("kustomize", "build"))
"""The second is the same, and `go install` has it."""
_WITHIN_S = 120.0


class CannotRender(Exception):
    """kubectl is missing, or does not render; the message says why."""


def renderer() -> tuple[str, str] | None:
    """The command that renders manifests here; None where there is none."""
    return next((each for each in _RENDERERS if shutil.which(each[0])), None)


def render(folder: Path) -> list[dict[str, Any]]:
    """The objects of an overlay. Raises `CannotRender`."""
    command = renderer()
    if command is None:
        raise CannotRender("kubectl is missing, and kustomize")
    done = subprocess.run(
        [*command, str(folder)], capture_output=True, text=True, timeout=_WITHIN_S
    )
    if done.returncode != 0:
        raise CannotRender(f"{folder}: {done.stderr.strip()}")
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def problems(objects: Sequence[Object], where: str) -> Iterator[str]:
    """All that is wrong with a rendered overlay, its form apart (`schemas`)."""
    found = processes(objects, where)
    known = [each for each in found if each.name in PROCESSES]
    yield from (f"{each.where}: no process {each.name}" for each in found if each not in known)
    yield from (f"{where}: {problem}" for problem in address_problems(known))
    for process in known:
        yield from problems_of(process)
    yield from _topic_problems(objects, known, where)
    for each in _of_kind(objects, *WORKLOADS):
        yield from _workload_problems(objects, each, f"{where}: {each['kind']} {_name(each)}")
    yield from _selector_problems(objects, where)
    yield from _service_problems(objects, known, where)


def processes(objects: Sequence[Object], where: str) -> list[Process]:
    """The processes of the axis."""
    found = []
    for workload in _of_kind(objects, *WORKLOADS):
        pod = workload["spec"]["template"]["spec"]
        for container in pod["containers"]:
            name = process_name(container.get("command"))
            if name is not None:
                found.append(
                    Process(
                        f"{where}: {workload['kind']} {_name(workload)}",
                        name,
                        _environ(objects, container),
                        [each["mountPath"] for each in container.get("volumeMounts", [])],
                        float(pod.get("terminationGracePeriodSeconds", 30)),
                    )
                )
    return found


def _environ(objects: Sequence[Object], container: Object) -> dict[str, str]:
    """As the container has it; what only a pod knows has an example of a value."""
    maps = {_name(each): each.get("data", {}) for each in _of_kind(objects, "ConfigMap")}
    environ: dict[str, str] = {}
    for source in container.get("envFrom", []):
        environ.update(maps.get(source.get("configMapRef", {}).get("name"), {}))
    for each in container.get("env", []):
        reference = each.get("valueFrom", {})
        if "configMapKeyRef" in reference:
            key = reference["configMapKeyRef"]
            environ[each["name"]] = maps.get(key["name"], {}).get(key["key"], "")
        else:
            environ[each["name"]] = each.get("value", _POD_NAME)
    return environ


def _topic_problems(
    objects: Sequence[Object], found: Sequence[Process], where: str
) -> Iterator[str]:
    if not found:
        return
    environ = found[0].environ
    try:
        settings = load_settings(
            KafkaSettings,
            {
                name: environ[name]
                for name in ("DOCAXIS_KAFKA_SERVERS", *_COPIES)
                if name in environ
            },
        )
        partitions = int(environ.get("DOCAXIS_PARTITIONS", DEFAULT_PARTITIONS))
    except (SettingsInvalid, ValueError):  # told with the process
        return
    resources = _of_kind(objects, "KafkaTopic")
    yield from topics.problems_of(where, resources, partitions, settings)
    if not any(_name(each) == topics.CLUSTER for each in _of_kind(objects, "Kafka")):
        yield f"{where}: the topics' cluster {topics.CLUSTER} is not there"


_COPIES = ("DOCAXIS_KAFKA_REPLICATION", "DOCAXIS_KAFKA_MIN_INSYNC")


def _workload_problems(objects: Sequence[Object], workload: Object, where: str) -> Iterator[str]:
    pod = workload["spec"]["template"]["spec"]
    if pod.get("automountServiceAccountToken") is not False:
        yield f"{where}: it needs no token of Kubernetes' API, and gets one"
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or "seccompProfile" not in context:
        yield f"{where}: its pod's security context is not restricted"
    volumes = {each["name"]: each for each in pod.get("volumes", [])}
    claims = [_name(each) for each in workload["spec"].get("volumeClaimTemplates", [])]
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        inside = f"{where}, container {container['name']}"
        own = container.get("securityContext", {})
        if (
            own.get("allowPrivilegeEscalation") is not False
            or own.get("readOnlyRootFilesystem") is not True
            or own.get("capabilities", {}).get("drop") != ["ALL"]
        ):
            yield f"{inside}: its security context is not restricted"
        resources = container.get("resources", {})
        if not resources.get("requests") or "memory" not in resources.get("limits", {}):
            yield f"{inside}: it says not what it takes"
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes and mount["name"] not in claims:
                yield f"{inside}: there is no volume {mount['name']}"
        yield from _reference_problems(objects, container, inside)
        yield from _port_problems(objects, container, inside)
    there = {_name(each) for each in _of_kind(objects, "PersistentVolumeClaim")}
    maps = {_name(each) for each in _of_kind(objects, "ConfigMap")}
    for name, volume in volumes.items():
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim is not None and claim not in there:
            yield f"{where}: volume {name} claims {claim}, which is not there"
        source = volume.get("configMap", {})
        if source and source["name"] not in maps and not source.get("optional"):
            yield f"{where}: volume {name} is of {source['name']}, which is not there"


def _reference_problems(objects: Sequence[Object], container: Object, where: str) -> Iterator[str]:
    maps = {_name(each): each.get("data", {}) for each in _of_kind(objects, "ConfigMap")}
    for source in container.get("envFrom", []):
        name = source.get("configMapRef", {}).get("name")
        if name not in maps:
            yield f"{where}: there is no ConfigMap {name}"
    for each in container.get("env", []):
        key = each.get("valueFrom", {}).get("configMapKeyRef")
        if key is not None and key["key"] not in maps.get(key["name"], {}):
            yield f"{where}: ConfigMap {key['name']} has no {key['key']}"


def _port_problems(objects: Sequence[Object], container: Object, where: str) -> Iterator[str]:
    """Whether ports and probes are where the process listens."""
    ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
    environ = _environ(objects, container)
    listening = {
        port_of(environ[name])
        for name in ("DOCAXIS_LISTEN", "DOCAXIS_HEALTH_LISTEN")
        if name in environ
    } | {
        int(environ[name]) for name in ("DOCAXIS_HTTP_PORT", "DOCAXIS_GRPC_PORT") if name in environ
    }
    if process_name(container.get("command")) in PROCESSES and set(ports.values()) != listening:
        yield (
            f"{where}: its ports are {sorted(ports.values())}, and it listens on"
            f" {sorted(listening)}"
        )
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(kind, {})
        asked = probe.get("httpGet", {}).get("port") or probe.get("grpc", {}).get("port")
        if asked is not None and asked not in ports and asked not in ports.values():
            yield f"{where}: its {kind} asks port {asked}, which it has not"
        if "grpc" in probe and asked != port_of(environ.get("DOCAXIS_HEALTH_LISTEN", "")):
            yield f"{where}: its {kind} asks {asked}, and health is answered elsewhere"


def _selector_problems(objects: Sequence[Object], where: str) -> Iterator[str]:
    """Whether what selects pods, or scales a workload, finds one."""
    pods = [
        each["spec"]["template"]["metadata"]["labels"] for each in _of_kind(objects, *WORKLOADS)
    ]
    for each in _of_kind(objects, "Service", "PodDisruptionBudget"):
        selector = each["spec"]["selector"]
        wanted = selector.get("matchLabels", selector)
        if not any(wanted.items() <= labels.items() for labels in pods):
            yield f"{where}: {each['kind']} {_name(each)} selects no pod"
    workloads = {(each["kind"], _name(each)) for each in _of_kind(objects, *WORKLOADS)}
    for each in _of_kind(objects, "HorizontalPodAutoscaler"):
        target = each["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) not in workloads:
            yield f"{where}: {_name(each)} scales {target['name']}, which is not there"
    for policy in _of_kind(objects, "NetworkPolicy"):
        for expression in policy["spec"]["podSelector"].get("matchExpressions", []):
            for value in expression["values"]:
                if not any(labels.get(expression["key"]) == value for labels in pods):
                    yield f"{where}: NetworkPolicy {_name(policy)} selects {value}, no pod's label"


def _service_problems(
    objects: Sequence[Object], found: Sequence[Process], where: str
) -> Iterator[str]:
    """Whether each service has a headless Service of its name, and each Ingress a backend."""
    services = {_name(each): each["spec"] for each in _of_kind(objects, "Service")}
    listening = {each.name: port_of(each.environ.get("DOCAXIS_LISTEN", "")) for each in found}
    for name in SERVICES:
        spec = services.get(name, {})
        if spec.get("clusterIP") != "None":
            yield f"{where}: {name} has no headless Service of its name"
        elif [each["port"] for each in spec["ports"]] != [listening.get(name)]:
            yield f"{where}: Service {name} has another port than its process"
    for each in _of_kind(objects, "StatefulSet"):
        if each["spec"]["serviceName"] not in services:
            yield f"{where}: StatefulSet {_name(each)} names no Service that is there"
    for each in _of_kind(objects, "Ingress"):
        for rule in each["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                ports = services.get(backend["name"], {}).get("ports", [])
                if backend["port"].get("name") not in [port["name"] for port in ports]:
                    yield f"{where}: Ingress {_name(each)} leads to no port of {backend['name']}"


def _of_kind(objects: Sequence[Object], *kinds: str) -> list[Object]:
    return [each for each in objects if each["kind"] in kinds]


def _name(each: Object) -> str:
    return str(each["metadata"]["name"])
