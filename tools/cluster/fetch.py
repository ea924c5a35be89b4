"""What the servers are made of, fetched once into the cache, at pinned versions.

- Kafka: jars through Maven, from where Maven is set up to look; checked against `kafka.sha256`.
- SecantusDB, where no `mongod` is installed: into a Python environment of its own, hash-checked
  (`secantusdb.txt`). It is under the GPL-2.0: a separate program, never imported by docaxis.
- versitygw: built by Go, whose checksum database checks the source.

Every function raises `MissingProgramError` for a program that is not there and `FetchError` where
fetching failed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.cluster.cache import cache_folder, kept
from tools.cluster.errors import FetchError, MissingProgramError

KAFKA = "4.1.1"
_SCALA = "2.13"
_LOG4J = "2.25.1"
SECANTUSDB = "0.7.0b3"
VERSITYGW = "v1.8.0"

_HERE = Path(__file__).parent
_JAR_DIGESTS = _HERE / "kafka.sha256"
_SECANTUSDB_PINS = _HERE / "secantusdb.txt"
_INSTALL = {
    "java": "Java 17 or newer (Debian: apt install openjdk-17-jre-headless)",
    "mvn": "Maven 3, to fetch Kafka's jars once (Debian: apt install maven)",
    "go": (
        "Go 1.25 or newer, to build versitygw once (from go.dev/dl, or Debian's golang-go; one from"
        " 1.21 on fetches the newer one by itself, Debian 12's is too old)"
    ),
}
_DEPENDENCIES = (
    ("org.apache.kafka", f"kafka_{_SCALA}", KAFKA),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", _LOG4J),
    ("org.apache.logging.log4j", "log4j-core", _LOG4J),
)


def need(program: str) -> str:
    """The path of a program. Raises `MissingProgramError` with how to install it."""
    found = shutil.which(program)
    if found is None:
        raise MissingProgramError(f"{program} is not installed. It needs {_INSTALL[program]}.")
    return found


def kafka_jars() -> Path:
    """The folder with Kafka's jars."""
    return kept(_kafka_name(), _fetch_kafka, f"fetching Kafka {KAFKA} (43 MB, once) ...")


def secantusdb_python() -> Path:
    """The Python interpreter of the environment that holds SecantusDB."""
    told = f"fetching SecantusDB {SECANTUSDB} (25 MB, once) ..."
    return kept(_secantusdb_name(), _fetch_secantusdb, told) / "bin" / "python"


def versitygw() -> Path:
    """The program versitygw."""
    told = f"building versitygw {VERSITYGW} (about a minute, once) ..."
    return kept(_versitygw_name(), _fetch_versitygw, told) / "versitygw"


def check_kafka() -> None:
    """Raises `MissingProgramError` where Kafka can be neither found in the cache nor fetched."""
    need("java")
    if not (cache_folder() / _kafka_name()).is_dir():
        need("mvn")


def check_versitygw() -> None:
    """Raises `MissingProgramError` where versitygw can be neither found in the cache nor built."""
    if not (cache_folder() / _versitygw_name()).is_dir():
        need("go")


def _kafka_name() -> str:
    return f"kafka-{KAFKA}-{_digest(_JAR_DIGESTS.read_bytes())}"


def _secantusdb_name() -> str:
    """Named by its pins and by the interpreter that its environment points to."""
    made_of = _SECANTUSDB_PINS.read_bytes() + f"{sys.base_prefix} {sys.version}".encode()
    return f"secantusdb-{SECANTUSDB}-{_digest(made_of)}"


def _versitygw_name() -> str:
    return f"versitygw-{VERSITYGW}"


def _fetch_kafka(folder: Path) -> None:
    maven = need("mvn")
    pom = folder / "pom.xml"
    pom.write_text(_pom())
    _run([maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
          "-DincludeScope=runtime", f"-DoutputDirectory={folder}"], "Kafka")  # fmt: skip
    lines = (line.split() for line in _JAR_DIGESTS.read_text().splitlines())
    wanted = {name: digest for digest, name in lines}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    if wrong := {name for name, _ in wanted.items() ^ found.items()}:
        told = ", ".join(sorted(wrong))
        raise FetchError(f"Kafka's jars are not those of kafka.sha256: {told}")


def _fetch_secantusdb(folder: Path) -> None:
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], "SecantusDB")
    _run([sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install",
          "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:",
          "-r", str(_SECANTUSDB_PINS)], "SecantusDB")  # fmt: skip


def _fetch_versitygw(folder: Path) -> None:
    package = f"github.com/versity/versitygw/cmd/versitygw@{VERSITYGW}"
    _run([need("go"), "install", package], "versitygw", {"GOBIN": str(folder)})


def _run(command: Sequence[str], what: str, environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise FetchError(f"fetching {what} failed ({command[0]}):\n{done.stdout[-2000:].strip()}")


def _pom() -> str:
    """A Maven project that has the jars as its dependencies."""
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, artifact, version in _DEPENDENCIES
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion>"
        "<groupId>docaxis</groupId><artifactId>kafka-jars</artifactId><version>1</version>"
        f"<packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>\n"
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
