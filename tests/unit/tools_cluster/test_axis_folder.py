"""The folder of an axis: made for one user and one process, kept from run to run."""

from pathlib import Path

import pytest

from tools.cluster.axis_folder import AxisFolder
from tools.cluster.errors import ClusterError
from tools.cluster.s3 import S3Settings
from tools.cluster.stores import Stores

S3 = S3Settings("http://127.0.0.1:1", "an-access-key", "a-secret-key", "docaxis")


def mode(path: str | Path) -> int:
    return Path(path).stat().st_mode & 0o777


def test_keys_and_secrets_are_for_this_user_alone(tmp_path: Path) -> None:
    folder = AxisFolder(tmp_path / "axis")
    folder.keep_keys(S3)
    given = folder.environment("signature")
    assert mode(given["DOCAXIS_RECEIPT_KEY_FILE"]) == 0o600
    assert mode(given["DOCAXIS_S3_SECRET_KEY_FILE"]) == 0o600
    assert Path(given["DOCAXIS_S3_ACCESS_KEY_FILE"]).read_text() == S3.access_key
    assert mode(folder.data.root) == mode(folder.data.secrets) == mode(folder.logs) == 0o700
    folder.release()


def test_a_service_is_told_of_no_secret_that_it_does_not_use(tmp_path: Path) -> None:
    folder = AxisFolder(tmp_path / "axis")
    told = {name: set(folder.environment(name)) for name in ("gateway", "routing", "signature")}
    assert "DOCAXIS_SECRETS_FOLDER" in told["gateway"]
    assert not told["routing"] & {"DOCAXIS_SECRETS_FOLDER", "DOCAXIS_RECEIPT_KEY_FILE"}
    assert "DOCAXIS_RECEIPT_KEY_FILE" in told["signature"]
    secrets = [
        folder.environment(name)["DOCAXIS_SECRETS_FOLDER"]
        for name in ("gateway", "notification", "registry")
    ]
    assert len(set(secrets)) == 3
    folder.release()


def test_the_receipt_key_stays_and_the_keys_of_s3_are_the_new_ones(tmp_path: Path) -> None:
    first = AxisFolder(tmp_path)
    key = first.data.receipt_key.read_bytes()
    first.keep_keys(S3)
    first.release()
    second = AxisFolder(tmp_path)
    second.keep_keys(S3Settings("http://127.0.0.1:1", "b", "a-new-key", "docaxis"))
    assert second.data.receipt_key.read_bytes() == key
    kept = Path(second.environment("routing")["DOCAXIS_S3_SECRET_KEY_FILE"]).read_text()
    assert kept == "a-new-key"
    second.release()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    folder = AxisFolder(tmp_path)
    with pytest.raises(ClusterError, match="in use"):
        AxisFolder(tmp_path)
    folder.release()
    AxisFolder(tmp_path).release()


def test_two_axes_on_the_same_servers_keep_apart() -> None:
    one, two = (Stores("k:1", "mongodb://m:1", S3, prefix) for prefix in ("one-", "two-"))
    names = ("DOCAXIS_KAFKA_TOPIC_PREFIX", "DOCAXIS_MONGO_DATABASE", "DOCAXIS_S3_PREFIX")
    for name in names:
        assert one.environment("routing")[name] != two.environment("routing")[name]
    databases = {one.environment(each)["DOCAXIS_MONGO_DATABASE"] for each in ("routing", "status")}
    assert len(databases) == 2
