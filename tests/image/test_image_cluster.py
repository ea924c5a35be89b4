"""The whole axis from the image: each process in it, as its user, on a read-only root.

Kafka and the MongoDB-compatible and S3-compatible servers are those of `tools.cluster`, which are
no part of the image.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.image.built_image import USER, BuiltImage
from tests.servers import require_servers
from tools.cluster.axis import AxisCluster
from tools.cluster.errors import FetchError
from tools.cluster.service_process import GATEWAY, SERVICES

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.timeout(1800)]
_ROOTS_OWN = {"servers", "logs"}
"""What runs outside of the image writes there."""


def _give(folder: Path) -> None:
    """Let the image's user have what a container of it would find in its volumes."""
    os.chown(folder, USER, USER)
    for each in folder.iterdir():
        if each.name not in _ROOTS_OWN:
            subprocess.run(["chown", "-R", f"{USER}:{USER}", str(each)], check=True)


def test_services_run_from_the_image_and_pass_the_demonstration(
    image: BuiltImage, tmp_path: Path
) -> None:
    require_servers()
    folder = tmp_path / "axis"
    folder.mkdir()
    try:
        axis = AxisCluster(folder, python=image.command(folder, str(folder), ["python"]))
    except FetchError as error:
        pytest.skip(f"no real servers here: {error}")
    _give(folder)
    try:
        axis.start()
        axis.bootstrap()
        for each in axis.processes():
            status = Path(f"/proc/{each.process.pid}/status").read_text()
            assert f"Uid:\t{USER}\t{USER}\t{USER}\t{USER}" in status, each.name
            assert "NoNewPrivs:\t1" in status
            assert Path(f"/proc/{each.process.pid}/root").resolve() != Path("/")
        assert {each.service for each in axis.processes()} == {*SERVICES, GATEWAY}
        _give(folder)
        command = ["docaxis", "demo", "--url", axis.url, "--credentials-folder", "/data/clients"]
        played = image.run(folder, [*command, "--lang", "en"])
        assert played.returncode == 0, played.stdout + played.stderr
        assert "checks passed" in played.stdout
    finally:
        axis.stop()
