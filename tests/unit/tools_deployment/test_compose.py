"""The Compose file says what the code reads, and what breaks it is told."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tools.deployment import compose
from tools.deployment.check import ROOT

Content = dict[str, Any]


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> Content:
    monkeypatch.chdir(ROOT)
    return copy.deepcopy(compose.read(ROOT / "docker-compose.yml"))


def problems(content: Content) -> list[str]:
    return list(compose.problems(content, "c"))


def test_it_says_what_the_code_reads(content: Content) -> None:
    assert problems(content) == []


def _environ(content: Content, service: str) -> Content:
    environ: Content = content["services"][service]["environment"]
    return environ


def _rename_setting(content: Content) -> None:
    environ = _environ(content, "routing")
    environ["DOCAXIS_S3_BUCKETS"] = environ.pop("DOCAXIS_S3_BUCKET")


def _drop_setting(content: Content) -> None:
    del _environ(content, "notification")["DOCAXIS_SECRETS_FOLDER"]


def _rename_service(content: Content) -> None:
    content["services"]["router"] = content["services"].pop("routing")


def _drop_service(content: Content) -> None:
    del content["services"]["status"]


def _port(content: Content) -> None:
    _environ(content, "routing")["DOCAXIS_LISTEN"] = "0.0.0.0:50050"


def _others_keys(content: Content) -> None:
    content["services"]["routing"]["volumes"] = ["keys-signature:/keys:ro", "cache-routing:/cache"]


def _key_name(content: Content) -> None:
    _environ(content, "signature")["DOCAXIS_RECEIPT_KEY_FILE"] = "/keys/receipt.pem"


def _volume(content: Content) -> None:
    del content["volumes"]["secrets-gateway"]


def _mount(content: Content) -> None:
    content["services"]["signature"]["volumes"].remove("trust:/trust:ro")


def _file(content: Content) -> None:
    content["services"]["prometheus"]["volumes"][0] = "./deploy/prometheus.yml:/etc/p.yml:ro"


def _killed_too_soon(content: Content) -> None:
    content["services"]["gateway"]["stop_grace_period"] = "10s"


BREAKS: Mapping[str, tuple[Callable[[Content], None], str]] = {
    "a setting's name": (_rename_setting, "DOCAXIS_S3_BUCKETS is not read by docaxis_routing"),
    "its missing": (_rename_setting, "DOCAXIS_S3_BUCKET is not set"),
    "a setting that is needed": (_drop_setting, "DOCAXIS_SECRETS_FOLDER is not set"),
    "a service's name": (_rename_service, "router runs docaxis_routing, and is not called so"),
    "a service": (_drop_service, "docaxis_status is run by nothing here"),
    "a port": (_port, "routing is at dns:///routing:50050"),
    "whose keys": (_others_keys, "routing has the keys of signature"),
    "a key's name": (_key_name, "is no key of signature"),
    "a volume": (_volume, "secrets-gateway, which is not declared"),
    "a mount": (_mount, "nothing is mounted where DOCAXIS_SIGNATURE_TRUST_ANCHORS_FOLDER"),
    "a file": (_file, "mounts ./deploy/prometheus.yml"),
    "its time to stop": (_killed_too_soon, "is killed after 10 s"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_name_is_told(content: Content, name: str) -> None:
    break_it, told = BREAKS[name]
    break_it(content)
    assert any(told in each for each in problems(content)), problems(content)
