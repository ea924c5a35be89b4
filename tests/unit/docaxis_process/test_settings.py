"""What a process is told, and what it says when it was told wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from docaxis_process.port_settings import MongoSettings
from docaxis_process.settings import ProcessSettings, ServiceSettings
from docaxis_runtime.settings import SettingsInvalid, load_settings
from docaxis_runtime.tls import TlsFiles
from tests.unit.docaxis_process.embedded_process import ROOT, environment


def run(module: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**environment(), "DOCAXIS_KAFKA_SERVERS": "", **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )


MISSING_FOR_STATUS = [
    "DOCAXIS_LISTEN",
    "DOCAXIS_KAFKA_SERVERS",
    "settings",
    "DOCAXIS_S3_ENDPOINT",
    "DOCAXIS_S3_BUCKET",
    "DOCAXIS_S3_ACCESS_KEY_FILE",
    "DOCAXIS_S3_SECRET_KEY_FILE",
    "DOCAXIS_S3_CACHE_FOLDER",
]


def test_a_process_without_settings_tells_all_that_are_missing_and_exits_2() -> None:
    ended = run("docaxis_status")
    assert ended.returncode == 2
    told = [line.replace(":", " ").split()[0] for line in ended.stderr.splitlines()]
    assert told == MISSING_FOR_STATUS
    assert "set one of DOCAXIS_MONGO_ADDRESS and DOCAXIS_MONGO_ADDRESS_FILE" in ended.stderr


def test_the_gateway_is_asked_for_the_services_and_for_its_store() -> None:
    ended = run("docaxis_gateway", DOCAXIS_REGISTRY_ADDRESS="dns:///registry:50051")
    assert ended.returncode == 2
    assert "DOCAXIS_ROUTING_ADDRESS is not set" in ended.stderr
    assert "DOCAXIS_SECRETS_FOLDER is not set" in ended.stderr
    assert "DOCAXIS_REGISTRY_ADDRESS" not in ended.stderr
    assert "DOCAXIS_MONGO_ADDRESS" in ended.stderr


def test_help_tells_every_setting_and_its_meaning() -> None:
    ended = run("docaxis_registry", "--help")
    assert ended.returncode == 0
    for told in (
        "DOCAXIS_LISTEN (text; required)",
        "DOCAXIS_PARTITIONS (integer; default 12)",
        "DOCAXIS_REGISTRY_OUTCOME_WAIT_S",
        "rebuild",
        "exit codes",
    ):
        assert told in ended.stdout
    assert "DOCAXIS_S3_BUCKET" not in ended.stdout


def test_other_machines_are_served_with_tls_alone(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="needs TLS"):
        load_settings(ServiceSettings, {"DOCAXIS_LISTEN": "0.0.0.0:50051"})
    for name in ("certificate", "key", "authority"):
        (tmp_path / name).write_text("pem")
    told = {
        "DOCAXIS_LISTEN": "0.0.0.0:50051",
        "DOCAXIS_TLS_CERTIFICATE": f"{tmp_path}/certificate",
        "DOCAXIS_TLS_KEY": f"{tmp_path}/key",
        "DOCAXIS_TLS_AUTHORITY": f"{tmp_path}/authority",
    }
    found = load_settings(ServiceSettings, told)
    assert found.tls == TlsFiles(tmp_path / "certificate", tmp_path / "key", tmp_path / "authority")
    (tmp_path / "authority").unlink()
    with pytest.raises(SettingsInvalid, match="a file that is there"):
        load_settings(ServiceSettings, told)
    del told["DOCAXIS_TLS_AUTHORITY"]
    with pytest.raises(SettingsInvalid, match="go together"):
        load_settings(ServiceSettings, told)


def test_a_replica_has_the_name_of_its_host_where_it_was_given_none() -> None:
    assert load_settings(ProcessSettings, {}).replica_name
    assert load_settings(ProcessSettings, {"DOCAXIS_REPLICA": "routing-7"}).replica_name == (
        "routing-7"
    )


def test_the_stores_address_is_given_once_and_a_password_in_a_file_alone(tmp_path: Path) -> None:
    secret = tmp_path / "address"
    secret.write_text("mongodb://axis:hidden@mongo:27017/?replicaSet=rs0\n")
    found = load_settings(MongoSettings, {"DOCAXIS_MONGO_ADDRESS_FILE": str(secret)})
    assert found.address() == "mongodb://axis:hidden@mongo:27017/?replicaSet=rs0"
    assert found.hosts() == "mongo:27017"
    plain = "mongodb://127.0.0.1:27017"
    assert load_settings(MongoSettings, {"DOCAXIS_MONGO_ADDRESS": plain}).address() == plain
    for told in (
        {},
        {"DOCAXIS_MONGO_ADDRESS": plain, "DOCAXIS_MONGO_ADDRESS_FILE": str(secret)},
    ):
        with pytest.raises(SettingsInvalid, match="set one of"):
            load_settings(MongoSettings, told)
    for password in ("hidden", "hid/den", "hid@den"):
        told = {"DOCAXIS_MONGO_ADDRESS": f"mongodb://axis:{password}@mongo"}
        with pytest.raises(SettingsInvalid, match="has a password") as caught:
            load_settings(MongoSettings, told)
        assert "hid" not in str(caught.value)
        secret.write_text(told["DOCAXIS_MONGO_ADDRESS"])
        assert load_settings(
            MongoSettings, {"DOCAXIS_MONGO_ADDRESS_FILE": str(secret)}
        ).hosts() == ("mongo")
