"""What breaks a manifest is told: each of these is a slip that a rendering alone lets through."""

import copy
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from docaxis_process.installation_keys import make_installation_keys
from tests.conftest import OPTIONAL
from tools.deployment import check, kubernetes, schemas, topics
from tools.deployment.check import OVERLAYS, ROOT

K8S = ROOT / "deploy" / "k8s"
Objects = list[dict[str, Any]]


def _rendered(overlay: str) -> Objects:
    if not kubernetes.renderer():
        pytest.skip("manifests are not rendered: kubectl is missing, and kustomize")
    return kubernetes.render(K8S / "overlays" / overlay)


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Objects:
    return _rendered(request.param)


@pytest.fixture(scope="module")
def production() -> Objects:
    return _rendered("production")


@pytest.fixture(scope="module")
def trial() -> Objects:
    return _rendered("trial")


def problems(objects: Objects, changed: str = "") -> list[str]:
    """All; of the form, those of what has the name alone: it is most of the time."""
    of_form = [each for each in objects if changed in each["metadata"]["name"]]
    return [
        *kubernetes.problems(objects, "o"),
        *schemas.problems(of_form, "o", K8S / "schemas"),
    ]


def of(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    (found,) = (
        each
        for each in objects
        if each["kind"] == kind and each["metadata"]["name"].partition("-hash")[0] == name
    )
    return found


def container(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = of(objects, kind, name)["spec"]["template"]["spec"]["containers"][0]
    return found


def variable(objects: Objects, kind: str, name: str, variable: str) -> dict[str, Any]:
    (found,) = (each for each in container(objects, kind, name)["env"] if each["name"] == variable)
    assert isinstance(found, dict)
    return found


def settings_map(objects: Objects) -> dict[str, Any]:
    (found,) = (
        each
        for each in objects
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].startswith("every-process")
    )
    return found


def test_each_overlay_says_what_the_code_reads(overlay: Objects) -> None:
    assert problems(overlay) == []


def _rename_setting(objects: Objects) -> None:
    variable(objects, "StatefulSet", "routing", "DOCAXIS_LISTEN")["name"] = "DOCAXIS_LISTENS"


def _drop_setting(objects: Objects) -> None:
    env = container(objects, "StatefulSet", "signature")["env"]
    env.remove(variable(objects, "StatefulSet", "signature", "DOCAXIS_RECEIPT_KEY_FILE"))


def _setting_of_another(objects: Objects) -> None:
    env = container(objects, "StatefulSet", "registry")["env"]
    env.append({"name": "DOCAXIS_S3_BUCKET", "value": "docaxis"})


def _setting_for_all_that_some_do_not_read(objects: Objects) -> None:
    settings_map(objects)["data"]["DOCAXIS_S3_BUCKET"] = "docaxis"


def _wrong_value(objects: Objects) -> None:
    settings_map(objects)["data"]["DOCAXIS_PARTITIONS"] = "twelve"


def _no_tls(objects: Objects) -> None:
    env = container(objects, "StatefulSet", "status")["env"]
    for name in ("CERTIFICATE", "KEY", "AUTHORITY"):
        env.remove(variable(objects, "StatefulSet", "status", f"DOCAXIS_TLS_{name}"))


def _unmounted(objects: Objects) -> None:
    mounts = container(objects, "StatefulSet", "routing")["volumeMounts"]
    mounts[:] = [each for each in mounts if each["mountPath"] != "/mongo"]


def _address(objects: Objects) -> None:
    name = "DOCAXIS_ROUTING_ADDRESS"
    variable(objects, "Deployment", "gateway", name)["value"] = "dns:///router:50051"


def _service_name(objects: Objects) -> None:
    of(objects, "Service", "routing")["metadata"]["name"] = "router"


def _service_port(objects: Objects) -> None:
    of(objects, "Service", "routing")["spec"]["ports"][0]["port"] = 50050


def _service_with_an_address(objects: Objects) -> None:
    del of(objects, "Service", "routing")["spec"]["clusterIP"]


def _selector(objects: Objects) -> None:
    of(objects, "Service", "gateway")["spec"]["selector"]["app.kubernetes.io/component"] = "door"


def _budget(objects: Objects) -> None:
    labels = of(objects, "PodDisruptionBudget", "status")["spec"]["selector"]["matchLabels"]
    labels["app.kubernetes.io/component"] = "state"


def _scaled(objects: Objects) -> None:
    of(objects, "HorizontalPodAutoscaler", "gateway")["spec"]["scaleTargetRef"]["name"] = "door"


def _probe(objects: Objects) -> None:
    container(objects, "StatefulSet", "routing")["readinessProbe"]["grpc"]["port"] = 50051


def _command(objects: Objects) -> None:
    container(objects, "StatefulSet", "routing")["command"][2] = "docaxis_router"


def _killed_too_soon(objects: Objects) -> None:
    pod = of(objects, "StatefulSet", "routing")["spec"]["template"]["spec"]
    pod["terminationGracePeriodSeconds"] = 25


def _writable_root(objects: Objects) -> None:
    container(objects, "Deployment", "gateway")["securityContext"]["readOnlyRootFilesystem"] = False


def _claim(objects: Objects) -> None:
    of(objects, "PersistentVolumeClaim", "gateway-secrets")["metadata"]["name"] = "secrets"


def _map_key(objects: Objects) -> None:
    key = variable(objects, "StatefulSet", "routing", "DOCAXIS_S3_BUCKET")
    key["valueFrom"]["configMapKeyRef"]["key"] = "buckets"


def _topic_name(objects: Objects) -> None:
    of(objects, "KafkaTopic", "docaxis.routing.events")["metadata"]["name"] = (
        "docaxis.router.events"
    )


def _topic_partitions(objects: Objects) -> None:
    of(objects, "KafkaTopic", "docaxis.routing.events")["spec"]["partitions"] = 6


def _topic_retention(objects: Objects) -> None:
    config = of(objects, "KafkaTopic", "docaxis.routing.events")["spec"]["config"]
    config["retention.ms"] = "604800000"


def _topic_gone(objects: Objects) -> None:
    objects.remove(of(objects, "KafkaTopic", "docaxis.installation"))


def _topic_field(objects: Objects) -> None:
    of(objects, "KafkaTopic", "docaxis.installation")["spec"]["replica"] = 3


def _field(objects: Objects) -> None:
    of(objects, "StatefulSet", "routing")["spec"]["replica"] = 3


def _ingress(objects: Objects) -> None:
    (rule,) = of(objects, "Ingress", "gateway")["spec"]["rules"]
    rule["http"]["paths"][0]["backend"]["service"]["name"] = "door"


def _policy(objects: Objects) -> None:
    (expression,) = of(objects, "NetworkPolicy", "services")["spec"]["podSelector"][
        "matchExpressions"
    ]
    expression["values"][1] = "router"


BREAKS: Mapping[str, tuple[Callable[[Objects], None], str]] = {
    "a setting's name": (_rename_setting, "DOCAXIS_LISTENS is not read by docaxis_routing"),
    "a setting that is needed": (_drop_setting, "DOCAXIS_RECEIPT_KEY_FILE is not set"),
    "a setting of another": (_setting_of_another, "not read by docaxis_registry"),
    "a setting for all": (
        _setting_for_all_that_some_do_not_read,
        "DOCAXIS_S3_BUCKET is not read by docaxis_notification",
    ),
    "a value": (_wrong_value, "DOCAXIS_PARTITIONS is 'twelve'"),
    "tls": (_no_tls, "needs TLS"),
    "a mount": (_unmounted, "nothing is mounted where DOCAXIS_MONGO_ADDRESS_FILE"),
    "an address": (_address, "routing is at dns:///routing:50051, not at dns:///router:50051"),
    "a service's name": (_service_name, "routing has no headless Service"),
    "a service's port": (_service_port, "Service routing has another port"),
    "a service's address": (_service_with_an_address, "routing has no headless Service"),
    "a selector": (_selector, "Service gateway selects no pod"),
    "a budget": (_budget, "PodDisruptionBudget status selects no pod"),
    "who is scaled": (_scaled, "scales door"),
    "a probe": (_probe, "asks 50051, and health is answered elsewhere"),
    "a command": (_command, "no process docaxis_router"),
    "its time to stop": (_killed_too_soon, "is killed after 25 s"),
    "its root": (_writable_root, "security context is not restricted"),
    "a claim": (_claim, "claims gateway-secrets"),
    "a key of a map": (_map_key, "has no buckets"),
    "a topic's name": (_topic_name, "docaxis.router.events is declared by no code"),
    "a topic's partitions": (_topic_partitions, "has partitions 6, not 12"),
    "a topic's retention": (_topic_retention, "has config"),
    "a topic": (_topic_gone, "docaxis.installation is declared by the code and missing"),
    "a topic's form": (_topic_field, "'replica' was unexpected"),
    "a form": (_field, "'replica'"),
    "a backend": (_ingress, "leads to no port of door"),
    "who is reached": (_policy, "selects router"),
}


FORM = {"a topic's form": "docaxis.installation", "a form": "routing"}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_name_is_told(production: Objects, name: str) -> None:
    break_it, told = BREAKS[name]
    objects = copy.deepcopy(production)
    break_it(objects)
    found = problems(objects, FORM.get(name, "nothing is called so"))
    assert any(told in each for each in found), found


def test_secrets_of_a_trial_are_those_that_it_mounts(trial: Objects, tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip(f"{OPTIONAL}kubectl is not here, which prints secrets")
    make_installation_keys(tmp_path / "keys")
    printed = subprocess.run(
        ["sh", str(K8S / "secrets"), str(tmp_path / "keys")],
        capture_output=True,
        text=True,
        check=True,
    )
    secrets = {
        each["metadata"]["name"]: set(each["data"])
        for each in yaml.safe_load_all(printed.stdout)
        if each
    }
    mounted: set[str] = set()
    for each in trial:
        if each["kind"] not in kubernetes.WORKLOADS:
            continue
        pod = each["spec"]["template"]["spec"]
        by_volume = {
            volume["name"]: volume["secret"]["secretName"]
            for volume in pod.get("volumes", [])
            if "secret" in volume
        }
        mounted |= set(by_volume.values())
        for one in pod["containers"]:
            for mount in one.get("volumeMounts", []):
                if mount["name"] not in by_volume:
                    continue
                for given in one.get("env", []):
                    value = str(given.get("value", ""))
                    if value.startswith(f"{mount['mountPath']}/"):
                        assert Path(value).name in secrets[by_volume[mount["name"]]], value
    assert mounted == set(secrets)


def test_the_file_of_topics_is_current() -> None:
    assert (ROOT / topics.FILE).read_text() == topics.page(), "run `make docs`"


def test_the_check_fails_on_a_broken_file_and_passes_on_this_checkout(tmp_path: Path) -> None:
    if not kubernetes.renderer():
        pytest.skip("manifests are not rendered: kubectl is missing, and kustomize")
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    routing = tmp_path / "deploy/k8s/base/routing.yaml"
    routing.write_text(routing.read_text().replace("docaxis_routing", "docaxis_rooting"))
    found = list(check.kubernetes_problems(tmp_path))
    assert any("docaxis_rooting" in each for each in found)
    routing.write_text("kind: [")
    assert any("trial" in each for each in check.kubernetes_problems(tmp_path))
