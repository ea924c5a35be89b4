"""The shape of the code: sizes, rooms, packages, and which codes it may speak."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from docaxis_runtime.error_table import ERRORS
from tests.repository.repository import ROOT, packages, python_files, text_files

LONGEST_MODULE = 500
SERVICES = ("notification", "registry", "routing", "signature", "status")
ROOMS = ("__init__", "domain", "reactions", "effects", "views", "codec", "grpc_servicer", "service")
CODE_ARGUMENT = {
    "DocaxisError": 0,
    "Refused": 0,
    "FieldProblem": 1,
    "RefusedRecipient": 1,
    "_at": 1,
    "row_of": 0,
}
"""Which argument of these calls is a code of the error table."""
RESULTS = {"already_handed_over", "handed_over", "already_recorded", "recorded", "given_up"}
"""Words that a decision answers beside codes: what became of one item of a list."""


def test_no_module_is_too_long() -> None:
    long = {
        str(path): lines
        for path in python_files("libs", "services", "tools", "benchmarks")
        if (lines := len(text_files()[path].splitlines())) > LONGEST_MODULE
    }
    assert long == {}


@pytest.mark.parametrize("service", SERVICES)
def test_services_have_the_same_rooms(service: str) -> None:
    folder = ROOT / "services" / f"docaxis_{service}"
    for room in ROOMS:
        module, package = folder / f"{room}.py", folder / room / "__init__.py"
        assert module.is_file() != package.is_file(), f"{service} has no {room}, or two"
        text = (module if module.is_file() else package).read_text()
        assert ast.get_docstring(ast.parse(text)), f"{service}: {room} does not say what it is"


def test_every_package_is_installed_and_guarded() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    ours = packages("libs", "services")
    assert sorted(Path(each).name for each in installed) == list(ours)
    guarded = re.findall(r"^    (docaxis_\w+)$", text_files()[Path(".importlinter")], re.MULTILINE)
    assert set(ours) <= set(guarded)


def test_every_code_in_the_code_is_a_row_of_the_error_table() -> None:
    unknown = [
        f"{path}:{line}: {code}"
        for path in python_files("libs", "services")
        for line, code in _codes(ast.parse(text_files()[path]))
        if code not in ERRORS
    ]
    assert unknown == []


def test_every_result_of_a_decision_is_a_row_of_the_error_table_or_a_known_word() -> None:
    """Functions of a domain that answer a word (`return "delivery_closed"`) answer a code."""
    unknown = [
        f"{path}:{line}: {word}"
        for path in python_files("services")
        if "domain" in (path.stem, path.parent.name)
        for line, word in _returned_words(ast.parse(text_files()[path]))
        if word not in ERRORS and word not in RESULTS
    ]
    assert unknown == []


def _returned_words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Return):
            continue
        waiting: list[ast.expr | None] = [node.value]
        while waiting:
            value = waiting.pop()
            if isinstance(value, ast.IfExp):
                waiting += [value.body, value.orelse]
            elif isinstance(value, ast.Constant) and isinstance(value.value, str):
                if re.fullmatch(r"[a-z]+(_[a-z]+)+", value.value):
                    yield value.lineno, value.value


def _codes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name == "problems":  # the codes of a route, for OpenAPI
            given = node.args
        else:
            at = CODE_ARGUMENT.get(name)
            given = [node.args[at]] if at is not None and len(node.args) > at else []
        for argument in given:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield node.lineno, argument.value
