"""Generate the reference pages that are read off the code: errors, settings, messages and others.

`--check` writes nothing and fails where a committed page differs from what would be written.
"""

import importlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import typer
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from typer.cli import get_docs_for_click
from typer.main import get_command

from docaxis_cli.capacity.demand import Demand
from docaxis_cli.capacity.measured import read_measured
from docaxis_cli.capacity.page import capacity_page
from docaxis_cli.capacity.sizing import size
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_runtime.error_table import render_markdown
from docaxis_runtime.settings import SettingInfo, describe_settings

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
STORED = ("_events_v1.proto", "_commands_v1.proto")
KERNEL = "docaxis_proto/kernel_v1.proto"
RULES = 34
"""Of the event kernel: L1 to L34."""
_MESSAGES, _FIELDS = 4, 2
"""Field numbers in descriptor.proto, of which the paths of comments are made."""


def settings_classes() -> Iterator[tuple[str, type[Any]]]:
    """Every settings dataclass, by the package that owns it."""
    for top in ("libs", "services"):
        for path in sorted((ROOT / top).rglob("*settings.py")):
            module = path.relative_to(ROOT / top).with_suffix("").parts
            if module == ("docaxis_runtime", "settings"):
                continue
            loaded = importlib.import_module(".".join(module))
            for name, value in vars(loaded).items():
                if not (isinstance(value, type) and value.__module__ == loaded.__name__):
                    continue
                if name.endswith("Settings") and is_dataclass(value):
                    yield ".".join(module[:-1]), value


def processes() -> dict[str, tuple[type[Any], ...]]:
    """What each process of the distributed form is told, by the package that is run."""
    found: dict[str, tuple[type[Any], ...]] = {}
    for path in sorted((ROOT / "services").glob("*/__main__.py")):
        loaded = importlib.import_module(f"{path.parent.name}.__main__")
        if hasattr(loaded, "DEFINITION"):
            found[path.parent.name] = loaded.DEFINITION.settings_classes
    return found


def settings_page() -> str:
    """`settings.md`."""
    lines = [
        "# Settings",
        "",
        "Made from the settings dataclasses; do not edit. Every setting is an environment",
        "variable. At start all problems of all variables are told at once. Secrets are given as",
        "paths of files, never as values. The command line's own options are in [cli.md](cli.md).",
        "",
        "The standalone reads `StandaloneSettings`, `GatewaySettings` and those of the services.",
        "As processes of their own, each reads these; `python -m <process> --help` tells them too:",
        "",
        "| process | reads |",
        "|---|---|",
    ]
    for process, classes in processes().items():
        lines.append(f"| `{process}` | {', '.join(f'`{cls.__name__}`' for cls in classes)} |")
    for package, cls in settings_classes():
        lines += ["", f"## {cls.__name__}", "", f"`{package}`. {_first_paragraph(cls)}"]
        bases = [each.__name__ for each in cls.__mro__[1:] if is_dataclass(each)]
        if bases:
            lines[-1] += f" Also all of {', '.join(f'`{each}`' for each in bases)}."
        lines += ["", "| variable | type | default | what |", "|---|---|---|---|"]
        lines += [_setting(each) for each in describe_settings(cls)]
    return "\n".join(lines) + "\n"


def _first_paragraph(cls: type[Any]) -> str:
    return " ".join((cls.__doc__ or "").partition("\n\n")[0].split())


def _setting(each: SettingInfo) -> str:
    default = "**required**" if each.default is None else f"`{each.default}`"
    shown = "" if default == "``" else default
    return f"| `{each.variable}` | {each.type} | {shown} | {_cell(each.help)} |"


def events_page() -> str:
    """`events.md`."""
    files = descriptors()
    lines = [
        "# Stored messages",
        "",
        "Made from `proto/docaxis_proto/`; do not edit. These are the protobuf messages that the",
        "log keeps: the truth is in the events. Fields are only ever added; a test compares them",
        "with [stored_messages.txt](../../tests/repository/stored_messages.txt). A record's",
        "attributes are those of CloudEvents (`ce_id`, `ce_type`, …), with W3C `traceparent`:",
        "see `libs/docaxis_eventsourcing/envelope.py` and the",
        "[event kernel](../explanation/event-kernel.md).",
    ]
    for file in files:
        if file.name.endswith(STORED[0]):
            lines += _service_section(file, _companion(files, file.name))
    for file in files:
        if file.name == KERNEL:
            lines += ["", "## The kernel's own", "", _comment(file, (2,))]
            lines += _messages(file, "###")
    return "\n".join(lines) + "\n"


def descriptors() -> list[FileDescriptorProto]:
    """The proto files with their comments, by name."""
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "descriptors"
        sources = ROOT / "proto"
        names = sorted(str(path.relative_to(sources)) for path in sources.rglob("*.proto"))
        subprocess.run(
            [
                sys.executable,
                "-m",
                "grpc_tools.protoc",
                f"--proto_path={sources}",
                "--include_source_info",
                f"--descriptor_set_out={target}",
                *names,
            ],
            check=True,
            cwd=sources,
        )
        found = FileDescriptorSet.FromString(target.read_bytes())
    return sorted(found.file, key=lambda file: file.name)


def _companion(files: Sequence[FileDescriptorProto], name: str) -> FileDescriptorProto | None:
    wanted = name.replace(STORED[0], STORED[1])
    return next((file for file in files if file.name == wanted), None)


def _service_section(
    events: FileDescriptorProto, commands: FileDescriptorProto | None
) -> list[str]:
    service = events.package.split(".")[1]
    topics = ServiceTopics(service)
    lines = ["", f"## {service}", "", f"Events: topic `{topics.events}`. {_comment(events, (2,))}"]
    lines += _messages(events, "###")
    if commands is not None:
        lines += [
            "",
            f"### Commands of {service}",
            "",
            f"Topic `{topics.commands()}`. {_comment(commands, (2,))}",
        ]
        lines += _messages(commands, "####")
    return lines


def _messages(file: FileDescriptorProto, heading: str) -> list[str]:
    lines: list[str] = []
    for index, message in enumerate(file.message_type):
        about = _comment(file, (_MESSAGES, index))
        lines += ["", f"{heading} `{file.package}.{message.name}`", ""]
        lines += [about, ""] if about else []
        if not message.field:
            lines.append("No fields.")
            continue
        lines += ["| field | type | what |", "|---|---|---|"]
        for place, field in enumerate(message.field):
            words = _cell(_comment(file, (_MESSAGES, index, _FIELDS, place)))
            lines.append(
                f"| {field.number} `{field.name}` | {field_type(field, message)} | {words} |"
            )
    return lines


def field_type(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    """A field's type as it is written in a proto file."""
    name = field.type_name.rpartition(".")[2] or FieldDescriptorProto.Type.Name(field.type)
    name = name.removeprefix("TYPE_").lower() if not field.type_name else name
    for nested in message.nested_type:
        if nested.options.map_entry and field.type_name.endswith(f".{message.name}.{nested.name}"):
            key, value = (field_type(each, nested) for each in nested.field)
            return f"map<{key}, {value}>"
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    return f"repeated {name}" if repeated else name


def _comment(file: FileDescriptorProto, path: Sequence[int]) -> str:
    for location in file.source_code_info.location:
        if tuple(location.path) == tuple(path):
            return " ".join(location.leading_comments.split())
    return ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def cli_page() -> str:
    """`cli.md`."""
    main = importlib.import_module("docaxis_cli.main")
    command = get_command(main.app)
    context = typer.Context(command, info_name="docaxis")
    text = get_docs_for_click(obj=command, ctx=context, name="docaxis")
    return "<!-- Made from docaxis_cli; do not edit. -->\n\n" + text.strip() + "\n"


def rule_tests_page() -> str:
    """`rule-tests.md`: which test files bear the number of which rule of the event kernel."""
    files: dict[int, set[str]] = {rule: set() for rule in range(1, RULES + 1)}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in re.findall(r"def test_((?:L\d+_)+)", path.read_text()):
            for rule in re.findall(r"L(\d+)_", name):
                files[int(rule)].add(str(path.relative_to(ROOT)))
    lines = [
        "# Rules and their tests",
        "",
        "Made from the names of the tests; do not edit. A test that shows a rule of the",
        "[event kernel](../explanation/event-kernel.md) bears its number: `test_L11_…`. Rules",
        "without a row are not built, or are shown by tests with other names.",
        "",
        "| rule | test files |",
        "|---|---|",
    ]
    lines += [
        f"| L{rule} | {', '.join(f'`{each}`' for each in sorted(found))} |"
        for rule, found in files.items()
        if found
    ]
    return "\n".join(lines) + "\n"


CAPACITY_FIGURES = "benchmarks/figures/2026-11-28.json"
"""What the page on capacity is computed from; it says where each figure is from."""


def capacity() -> str:
    """`docs/explanation/capacity.md`."""
    demand = Demand()
    measured = read_measured(json.loads((ROOT / CAPACITY_FIGURES).read_text()))
    return capacity_page(demand, measured, size(demand, measured), CAPACITY_FIGURES)


PAGES: dict[str, Callable[[], str]] = {
    "errors.md": render_markdown,
    "settings.md": settings_page,
    "events.md": events_page,
    "cli.md": cli_page,
    "rule-tests.md": rule_tests_page,
    "../explanation/capacity.md": capacity,
}


def main() -> int:
    """Write the pages, or with `--check` compare them; returns the exit status."""
    stale = []
    for name, page in PAGES.items():
        text, target = page(), REFERENCE / name
        current = target.read_text() if target.is_file() else ""
        if text == current:
            continue
        if "--check" in sys.argv[1:]:
            stale.append(name)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    if stale:
        sys.stderr.write(f"reference pages are stale, run `make docs`: {', '.join(stale)}\n")
    return bool(stale)


if __name__ == "__main__":
    raise SystemExit(main())
