"""Documents that can be held against the code are: generated pages, tables, links, targets."""

import re
import shutil
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from typer.main import get_command

from docaxis_cli.main import app
from docaxis_runtime.settings import describe_settings
from tests.conftest import OPTIONAL
from tests.repository.repository import ROOT, text_files
from tools.generate_docs import PAGES, REFERENCE, RULES, settings_classes
from tools.stored_messages import broken, committed, current

_VARIABLE = re.compile(r"\bDOCAXIS_[A-Z0-9]+(?:_[A-Z0-9]+)*\b")
_SETTING = re.compile(r"(?:DOCAXIS|OTEL)_[A-Z0-9]+(?:_[A-Z0-9]+)*")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_TARGET = re.compile(r"^\.PHONY: (\S+)$", re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_reference_pages_are_current(name: str) -> None:
    committed_page = (REFERENCE / name).read_text()
    assert committed_page == PAGES[name](), f"docs/reference/{name} is stale, run `make docs`"


def test_stored_messages_only_ever_gain_fields() -> None:
    assert broken() == []


def test_stored_messages_are_all_guarded() -> None:
    assert committed() == current(), "run `make proto`"


def test_every_setting_has_a_variable_of_its_own_and_is_explained() -> None:
    told = [each for _, cls in settings_classes() for each in describe_settings(cls)]
    twice = [name for name, count in Counter(each.variable for each in told).items() if count > 1]
    assert twice == []
    assert [each.variable for each in told if not _SETTING.fullmatch(each.variable)] == []
    assert [each.variable for each in told if not each.help.endswith(".")] == []


def test_every_variable_that_is_named_exists() -> None:
    known = {each.variable for _, cls in settings_classes() for each in describe_settings(cls)}
    known |= _command_line_variables()
    unknown = {
        f"{path}: {name}"
        for path, text in text_files().items()
        if path.suffix in (".md", ".yml", ".yaml") or path.name in ("Dockerfile", "Makefile", "run")
        for name in _VARIABLE.findall(text)
        if name not in known
    }
    assert unknown == set()


def _command_line_variables() -> set[str]:
    commands = getattr(get_command(app), "commands", {}).values()
    found: set[str] = set()
    for parameter in (each for command in commands for each in command.params):
        names = parameter.envvar or ()
        found.update((names,) if isinstance(names, str) else names)
    return found


def test_every_dependency_has_its_reason_and_no_other_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    distributed = project["project"]["optional-dependencies"]["distributed"]
    required = [
        *project["project"]["dependencies"],
        *distributed,
        *project["dependency-groups"]["dev"],
    ]
    names = sorted(re.split(r"[<>=!~\[; ]", each)[0] for each in required)
    page = (REFERENCE / "dependencies.md").read_text()
    assert sorted(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)) == names


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run = project["project"]["dependencies"]
    distributed = [*run, *project["project"]["optional-dependencies"]["distributed"]]
    for name, required in (
        ("run.txt", run),
        ("distributed.txt", distributed),
        ("dev.txt", [*distributed, *project["dependency-groups"]["dev"]]),
        ("build.txt", project["build-system"]["requires"]),
    ):
        pins = set(
            re.findall(r"^([\w.-]+)==", text_files()[Path("requirements", name)], re.MULTILINE)
        )
        wanted = {re.split(r"[<>=!~\[; ]", each)[0] for each in required}
        assert wanted - pins == set(), f"requirements/{name} is stale, run `make lock`"


def test_links_between_documents_lead_somewhere() -> None:
    broken_links = [
        f"{path}: {target}"
        for path, text in text_files().items()
        if path.suffix == ".md"
        for target in _LINK.findall(text)
        if "://" not in target
        and not target.startswith(("#", "mailto:"))
        and not (ROOT / path.parent / target.partition("#")[0]).exists()
    ]
    assert broken_links == []


def test_files_that_documents_name_exist() -> None:
    """Paths in backticks that begin with one of our top folders, `a/{b,c}.py` spelt out."""
    named = re.compile(
        r"`((?:libs|services|tests|tools|proto|docs|deploy|benchmarks)/[\w./{},*-]+)`"
    )
    missing = [
        f"{path}: {name}"
        for path, text in text_files().items()
        if path.suffix == ".md"
        for match in named.finditer(text)
        for name in _spelt_out(match.group(1))
        if not any(ROOT.glob(name.rstrip("/")))
    ]
    assert missing == []


def test_rules_of_the_event_kernel_are_all_told_with_files_that_exist() -> None:
    """Names without a folder in event-kernel.md are modules of the kernel."""
    page = (ROOT / "docs" / "explanation" / "event-kernel.md").read_text()
    assert re.findall(r"^\| L(\d+) \|", page, re.MULTILINE) == [
        str(rule) for rule in range(1, RULES + 1)
    ]
    kernel = ROOT / "libs" / "docaxis_eventsourcing"
    named = set(re.findall(r"`((?:ports/)?\w+\.py)`", page))
    assert [name for name in sorted(named) if not (kernel / name).is_file()] == []


def _spelt_out(name: str) -> list[str]:
    group = re.search(r"\{([^}]*)\}", name)
    if group is None:
        return [name]
    return [name.replace(group.group(), each) for each in group.group(1).split(",")]


def test_every_make_target_is_in_help() -> None:
    makefile = text_files()[Path("Makefile")]
    told = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    in_help = {line.split()[0] for line in told.splitlines() if line.strip()}
    assert set(_TARGET.findall(makefile)) == in_help
    wanted = "help run demo test check lint types imports format proto lock bench clean"
    assert set(wanted.split()) <= in_help


def test_kubernetes_manifests_render() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip(f"{OPTIONAL}kubectl is not here")
    rendered = subprocess.run(
        ["kubectl", "kustomize", "deploy/k8s"], cwd=ROOT, capture_output=True, text=True
    )
    assert rendered.returncode == 0, rendered.stderr
    assert "kind: StatefulSet" in rendered.stdout
