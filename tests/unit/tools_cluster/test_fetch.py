"""What a person is told when something cannot be fetched."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import require_servers
from tools.cluster.errors import FetchError, MissingProgramError
from tools.cluster.fetch import check_kafka, kafka_jars, versitygw

Program = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCAXIS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Makes a shell script of a name; no other programs are found but the shell's own folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return make


def test_a_missing_program_is_named_with_its_package(program: Program) -> None:
    with pytest.raises(MissingProgramError, match=r"java is not installed.*openjdk-17-jre"):
        check_kafka()
    program("java", "")
    with pytest.raises(MissingProgramError, match=r"mvn is not installed.*apt install maven"):
        check_kafka()
    with pytest.raises(MissingProgramError, match=r"go is not installed.*golang"):
        versitygw()


@pytest.mark.parametrize(("kind", "lacks"), [("kafka", "java"), ("s3", "go")])
def test_a_test_without_the_programs_is_skipped_with_the_reason(
    program: Program, kind: str, lacks: str
) -> None:
    with pytest.raises(pytest.skip.Exception, match=f"no real servers here: {lacks} is not"):
        require_servers(kind)


def test_a_fetcher_that_fails_is_quoted(program: Program) -> None:
    program("mvn", "echo 'cannot reach the repository' >&2; exit 1")
    with pytest.raises(FetchError, match="cannot reach the repository"):
        kafka_jars()


def test_other_jars_than_those_that_were_pinned_are_refused(
    program: Program, tmp_path: Path
) -> None:
    program(
        "mvn",
        'for each in "$@"; do case "$each" in -DoutputDirectory=*) to="${each#*=}";; esac; done\n'
        'echo changed > "$to/kafka-clients-4.1.1.jar"',
    )
    with pytest.raises(FetchError, match=r"not those of kafka\.sha256: .*kafka-clients-4\.1\.1"):
        kafka_jars()
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]
