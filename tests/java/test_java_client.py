"""The Java client: Maven builds it and runs its tests, one of them against an axis of its own."""

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.repository.repository import ROOT

pytestmark = pytest.mark.timeout(900)
"""Maven fetches what it needs, once."""

CLIENT = ROOT / "clients" / "java"
_OFFLINE = ("Could not resolve dependencies", "Could not transfer artifact", "Unknown host")
_IN_S = 900


def _maven() -> str:
    for program, package in (("javac", "openjdk-17-jdk-headless"), ("mvn", "maven")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt install {package})")
    return str(shutil.which("mvn"))


def test_java_client_sends_fetches_and_acknowledges(tmp_path: Path) -> None:
    """Everything in `clients/java`; build output of its own, so that others may build beside it."""
    project = tmp_path / "java"
    shutil.copytree(CLIENT, project, ignore=shutil.ignore_patterns("target"))
    command = Path(sys.executable).with_name("docaxis")
    pom = str(project / "pom.xml")
    done = subprocess.run(
        [_maven(), "-B", "-ntp", "-f", pom, "package", f"-Ddocaxis.command={command}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_IN_S,
    )
    told = done.stdout[-8000:]
    if done.returncode != 0 and any(words in done.stdout for words in _OFFLINE):
        pytest.fail(
            "Maven could not fetch what clients/java/pom.xml pins. It needs the network once; with "
            f"all of it in Maven's local repository it works offline.\n{told}"
        )
    assert done.returncode == 0, told
    assert (project / "target" / "docaxis-client-0.1.0.jar").is_file()
    run = {
        each.get("name"): each
        for report in (project / "target" / "surefire-reports").glob("*.xml")
        for each in ElementTree.parse(report).getroot().iter("testcase")
    }
    assert "aDocumentIsSentFetchedAcknowledgedAndProven" in run
    skipped = [name for name, each in run.items() if each.find("skipped") is not None]
    assert skipped == []
