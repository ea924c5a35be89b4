"""The image built without an engine: by buildah, on a base that debootstrap makes.

What is built is a folder; `tests/image/enter_root` runs a command in it as a container would, with
a read-only root, as the image's user.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OPTIONAL
from tests.repository.repository import ROOT
from tools.cluster.cache import kept

USER = 10001
"""As the Dockerfile has it."""
_SUITE = "bookworm"
_PACKAGES = "python3,python3-venv,ca-certificates"
_PROGRAMS = ("buildah", "debootstrap", "unshare")
_ENTER = Path(__file__).with_name("enter_root")
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_WITHIN_S = 1200.0


def require_image_tools() -> None:
    """Skip where an image cannot be built; in CI only who is not root may."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip(f"{OPTIONAL}building an image without an engine needs root on Linux")
    if missing := [each for each in _PROGRAMS if shutil.which(each) is None]:
        pytest.skip(f"no image can be built here: apt install {' '.join(missing)}")


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """What the Dockerfile makes."""

    root: Path
    """The image's file system."""
    config: Mapping[str, Any]
    """As an engine reads it: `User`, `Labels`, `Healthcheck`, `Env`."""

    def command(self, folder: Path, place: str, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` in the image, `folder` being at `place` in it."""
        return ["unshare", "--mount", str(_ENTER), str(self.root), str(folder), place, *command]

    def run(
        self, folder: Path, command: Sequence[str], environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with `/data` in `folder`, in the image's environment, to its end."""
        return subprocess.run(
            self.command(folder, "/data", command),
            env={**self.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=300,
        )

    @property
    def environ(self) -> dict[str, str]:
        """The environment that the image gives."""
        return dict(each.split("=", 1) for each in self.config["Env"])


@contextmanager
def built_image() -> Iterator[BuiltImage]:
    """Build the image with labels; all of it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="docaxis-image-") as name:
        folder = Path(name)
        buildah = functools.partial(_buildah, folder)
        base = buildah("from", "scratch")
        buildah("add", "--quiet", base, str(_base() / "base.tar"), "/")
        buildah("commit", "--quiet", base, "docaxis-base")
        # The machine's own package index and authorities, where it has any; none stays.
        secret = folder / "pip.conf"
        own = Path("/etc/pip.conf")
        secret.write_text(own.read_text() if own.exists() else "")
        volume = [f"--volume={_AUTHORITIES}:{_AUTHORITIES}:ro"] * Path(_AUTHORITIES).exists()
        buildah(
            *("bud", "--isolation=chroot", "--network=host", "--format=docker", *volume),
            *("--build-arg=BASE=localhost/docaxis-base", f"--secret=id=pip,src={secret}"),
            *("--build-arg=VERSION=1.2.3", "--build-arg=COMMIT=0123abc"),
            *("--file=deploy/Dockerfile", "--tag=docaxis:test", "."),
        )
        inspected = json.loads(buildah("inspect", "--type=image", "localhost/docaxis:test"))
        container = buildah("from", "localhost/docaxis:test")
        try:
            root = Path(buildah("mount", container))
            yield BuiltImage(root, inspected["Docker"]["config"])
        finally:
            buildah("umount", container)


def _buildah(folder: Path, verb: str, *arguments: str) -> str:
    done = subprocess.run(
        [
            *("buildah", "--storage-driver=vfs"),
            *(f"--root={folder / 'storage'}", f"--runroot={folder / 'run'}", verb, *arguments),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
    )
    assert done.returncode == 0, f"buildah {verb}: {(done.stdout + done.stderr)[-4000:]}"
    return done.stdout.strip()


def _base() -> Path:
    """A small Debian with Python, kept in the cache folder for the next time."""
    return kept(f"image-base-{_SUITE}", _make_base, f"fetching a Debian {_SUITE} by debootstrap")


def _make_base(folder: Path) -> None:
    root = folder / "root"
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE]
    done = subprocess.run([*command, str(root)], capture_output=True, text=True, timeout=_WITHIN_S)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    subprocess.run(
        [
            *("tar", "-C", str(root), "--exclude=./dev/*"),
            *("--exclude=./var/cache/apt/archives/*.deb", "-cf", str(folder / "base.tar"), "."),
        ],
        check=True,
    )
    shutil.rmtree(root)
