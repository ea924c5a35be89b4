"""The image as an engine sees it, and the standalone form run from it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.image.built_image import USER, BuiltImage
from tests.system.axis_process import free_port
from tools.cluster.deadline import wait_until

pytestmark = [
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("image"),
]
MIB = 1024 * 1024
LARGEST = 300 * MIB
"""Of what is added to the base."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A volume, as a new one is: its owner is that of the folder that it lies over."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    os.chown(folder, USER, USER)
    return folder


def test_the_image_says_what_it_is_and_how_it_is_asked(image: BuiltImage) -> None:
    assert image.config["Labels"]["org.opencontainers.image.version"] == "1.2.3"
    assert image.config["Labels"]["org.opencontainers.image.revision"] == "0123abc"
    assert image.config["User"] == f"{USER}:{USER}"
    assert image.config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "docaxis_process.probe"]


def test_nothing_that_runs_can_install_and_no_setting_of_the_build_stays(image: BuiltImage) -> None:
    installed = image.root / "opt/docaxis"
    assert not list(installed.glob("lib/python3*/site-packages/pip"))
    assert not (image.root / "src").exists()
    assert (
        not (image.root / "etc/pip.conf").exists() or not (image.root / "etc/pip.conf").read_text()
    )
    assert sum(each.lstat().st_size for each in installed.rglob("*")) < LARGEST
    assert list(installed.glob("lib/python3*/site-packages/docaxis_routing/__pycache__/*.pyc"))


def test_it_runs_as_a_user_without_rights_on_a_read_only_root(
    image: BuiltImage, data: Path
) -> None:
    tried = "touch /opt/docaxis/x || touch /keys/x || touch /x || chown 0 /data"
    told = image.run(data, ["sh", "-c", f"id -u; grep NoNewPrivs /proc/self/status; {tried}"])
    assert told.stdout.split() == [str(USER), "NoNewPrivs:", "1"]
    assert told.returncode != 0
    assert told.stderr.count("Read-only file system") == 3


def test_the_demonstration_passes_in_it(image: BuiltImage, data: Path) -> None:
    played = image.run(data, ["docaxis", "demo", "--once", "--lang", "en"])
    assert played.returncode == 0, played.stdout + played.stderr
    assert "checks passed" in played.stdout


@pytest.mark.parametrize(
    "service", ["gateway", "notification", "registry", "routing", "signature", "status"]
)
def test_each_process_is_in_it_and_tells_its_settings(
    image: BuiltImage, data: Path, service: str
) -> None:
    told = image.run(data, ["python", "-m", f"docaxis_{service}", "--help"])
    assert told.returncode == 0, told.stderr
    assert "DOCAXIS_KAFKA_SERVERS" in told.stdout


def test_its_health_check_follows_the_process(image: BuiltImage, data: Path) -> None:
    environ = {
        "DOCAXIS_HTTP_PORT": str(free_port()),
        "DOCAXIS_GRPC_PORT": "0",
        "DOCAXIS_GATEWAY_BEHIND_TLS_PROXY": "true",
    }
    check = image.config["Healthcheck"]["Test"][1:]
    assert image.run(data, check, environ).returncode == 1
    with _serving(image, data, environ):
        wait_until(
            lambda: image.run(data, check, environ).returncode == 0,
            120,
            lambda: image.run(data, check, environ).stderr,
        )
    assert "does not answer" in image.run(data, check, environ).stderr


@contextmanager
def _serving(
    image: BuiltImage, data: Path, environ: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The command that the image runs when nothing else is said."""
    process = subprocess.Popen(
        image.command(data, "/data", image.config["Cmd"]),
        env={**image.environ, **environ},
        stdout=sys.stderr,
        stderr=sys.stderr,
    )
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(60) == 0
