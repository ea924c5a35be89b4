"""The line that stored messages hold: fields are only ever added (`tests/repository`).

Writes what is new into `tests/repository/stored_messages.txt`. It refuses to lose or change a line:
what the log holds must be read for ever. A renamed type stays as it is and gets an upcaster
(`docaxis_eventsourcing.message_codec`). `--check` writes nothing and fails where the file is not
current.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

import docaxis_proto

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = ROOT / "tests" / "repository" / "stored_messages.txt"
_STORED = ("_events_v1_pb2", "_commands_v1_pb2", "kernel_v1_pb2")


def current() -> dict[str, str]:
    """Every stored field: `message number` -> `type name`."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(docaxis_proto.__path__):
        if module.name.endswith(_STORED):
            file: FileDescriptor = importlib.import_module(
                f"docaxis_proto.{module.name}"
            ).DESCRIPTOR
            for message in file.message_types_by_name.values():
                found.update(_fields(message))
    return dict(sorted(found.items(), key=lambda line: _order(line[0])))


def committed() -> dict[str, str]:
    """The same, as committed."""
    lines = SNAPSHOT.read_text().splitlines() if SNAPSHOT.is_file() else []
    parts = [line.split(" ", 2) for line in lines if line and not line.startswith("#")]
    return {f"{message} {number}": rest for message, number, rest in parts}


def broken() -> list[str]:
    """Committed fields that are gone, renamed or of another type."""
    now = current()
    return [
        f"{field}: was `{kept}`, is `{now.get(field, 'gone')}`"
        for field, kept in committed().items()
        if now.get(field) != kept
    ]


def _fields(message: Descriptor) -> Iterator[tuple[str, str]]:
    for field in message.fields:
        yield f"{message.full_name} {field.number}", f"{_type(field)} {field.name}"
    for enum in message.enum_types:
        for value in enum.values:
            yield f"{enum.full_name} {value.number}", f"value {value.name}"
    for nested in message.nested_types:
        yield from _fields(nested)


def _type(field: FieldDescriptor) -> str:
    repeated = "repeated " if field.is_repeated else ""
    if field.message_type is not None:
        return f"{repeated}{field.message_type.full_name}"
    if field.enum_type is not None:
        return f"{repeated}{field.enum_type.full_name}"
    names = {
        getattr(FieldDescriptor, name): name.removeprefix("TYPE_").lower()
        for name in dir(FieldDescriptor)
        if name.startswith("TYPE_")
    }
    return f"{repeated}{names[field.type]}"


def _order(line: str) -> tuple[str, int]:
    message, _, number = line.rpartition(" ")
    return message, int(number)


def main() -> int:
    """Add what is new, or with `--check` only look; returns the exit status."""
    if lost := broken():
        sys.stderr.write("stored messages only ever gain fields:\n  " + "\n  ".join(lost) + "\n")
        return 1
    if current() == committed():
        return 0
    if "--check" in sys.argv[1:]:
        sys.stderr.write(f"{SNAPSHOT.relative_to(ROOT)} is stale, run `make proto`\n")
        return 1
    lines = [f"{field} {rest}" for field, rest in current().items()]
    head = "# Fields of the messages that the log keeps; written by tools/stored_messages.py.\n"
    SNAPSHOT.write_text(head + "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
