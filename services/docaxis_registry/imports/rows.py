"""Rows of an import file, each with the line on which it begins and what is wrong with it.

CSV with a header, separated by commas, semicolons or tabs; JSON as one array or an object a line.
UTF-8 with or without a byte order mark, or UTF-16 with one. Text is taken in NFC, without blanks
around it. A fault in the file itself (its encoding, header or syntax) raises `ImportUnreadable`.
"""

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docaxis_proto.registry_events_v1_pb2 import Alias, OrganisationEntry
from docaxis_registry.imports import columns

LARGEST_FILE = 256 * 1024 * 1024
_SAMPLE = 64 * 1024
_DATES = ("valid_from", "valid_until")


class ImportUnreadable(Exception):
    """The file cannot be read on: which line, a row of the error table, and what it concerns."""

    def __init__(self, line: int, code: str, what: str) -> None:
        super().__init__(f"line {line}: {code}: {what}")
        self.line, self.code, self.what = line, code, what


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that is not taken: a row of the error table, and a JSON pointer to the field."""

    line: int
    organisation: str
    code: str
    pointer: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One organisation as a file tells it."""

    line: int
    entry: OrganisationEntry


def read_rows(path: Path) -> Iterator[ImportRow | RowFault]:
    """The rows of a file in their order. Raises `OSError`, `ImportUnreadable`."""
    if path.stat().st_size > LARGEST_FILE:
        raise ImportUnreadable(0, "body_too_large", f"{LARGEST_FILE >> 20} MiB")
    text = _decoded(path.read_bytes())
    rows = _json_rows(text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text)
    for line, told in rows:
        yield _row(line, told)


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ImportUnreadable(line, "field_invalid", "UTF-8") from error


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        dialect: Any = csv.Sniffer().sniff(text.partition("\n")[0][:_SAMPLE], ",;\t")
        separator = dialect.delimiter
    except csv.Error:
        separator = ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = _header(next(reader, []))
        line = reader.line_num
        for values in reader:
            if any(each.strip() for each in values):
                yield line + 1, _named(names, values)
            line = reader.line_num
    except csv.Error as error:
        raise ImportUnreadable(reader.line_num, "field_invalid", str(error)) from error


def _header(names: list[str]) -> list[str]:
    fields = [columns.field_of(each) for each in names]
    for name, field in zip(names, fields, strict=True):
        if field is None:
            raise ImportUnreadable(1, "unknown_field", name.strip()[:100] or "?")
    found = [each for each in fields if each]
    for name in columns.REQUIRED:
        if name not in found:
            raise ImportUnreadable(1, "field_required", name)
    if len(set(found)) < len(found):
        raise ImportUnreadable(1, "field_invalid", ", ".join(names)[:200])
    return found


def _named(names: list[str], values: list[str]) -> Mapping[str, Any]:
    if len(values) > len(names):
        return {"": values[len(names)]}
    told: dict[str, Any] = dict(zip(names, values, strict=False))
    level = str(told.get("level", "")).strip()
    return {**told, "level": int(level) if level.isascii() and level.isdigit() else level}


def _json_rows(text: str) -> Iterator[tuple[int, Any]]:
    """Objects of one array, or one behind the other; each with its line."""
    decoder = json.JSONDecoder()
    at, line, counted = 0, 1, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,[]":
            at += 1
        if at == len(text):
            return
        line += text.count("\n", counted, at)
        counted = at
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise ImportUnreadable(line, "malformed_json", str(error)) from error
        if not isinstance(found, dict):
            raise ImportUnreadable(line, "malformed_json", str(found)[:100])
        yield line, {columns.field_of(name) or f"?{name}": each for name, each in found.items()}


def _row(line: int, told: Mapping[str, Any]) -> ImportRow | RowFault:
    code = told.get("code")
    named = _text(code) if isinstance(code, str) else ""
    for field, value in told.items():
        if not field or field.startswith("?"):
            return RowFault(line, named, "unknown_field", f"/{field[1:]}")
        if fault := _wrong_type(field, value):
            return RowFault(line, named, fault, f"/{field}")
    for field in columns.REQUIRED:
        if told.get(field) in (None, ""):
            return RowFault(line, named, "field_required", f"/{field}")
    try:
        aliases = _aliases(told.get("aliases"))
    except ValueError:
        return RowFault(line, named, "field_invalid", "/aliases")
    entry = OrganisationEntry(
        code=named,
        name=_text(told["name"]),
        level=told["level"],
        kind=_text(told.get("kind")),
        parent_code=_text(told.get("parent_code")),
        aliases=aliases,
        level_since=columns.date(_text(told.get("level_since"))),
    )
    return ImportRow(line, entry)


def _wrong_type(field: str, value: Any) -> str:
    if field == "level":
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
        return "" if whole or value in (None, "") else "field_invalid"
    if field == "aliases":
        return "" if isinstance(value, list | str | None) else "field_invalid"
    if not isinstance(value, str | None):
        return "field_invalid"
    # No control characters, and nothing that UTF-8 cannot carry.
    sound = all(unicodedata.category(each) not in ("Cc", "Cs") for each in (value or "").strip())
    return "" if sound else "field_invalid"


def _aliases(told: Any) -> list[Alias]:
    if isinstance(told, str | None):
        return list(columns.aliases(_text(told)))
    found: list[Alias] = []
    for each in told:
        if isinstance(each, str):
            found += columns.aliases(_text(each))
        elif isinstance(each, dict) and isinstance(each.get("code"), str):
            if each.keys() - {"code", *_DATES}:
                raise ValueError("unknown member")
            dates = {name: each.get(name) or "" for name in _DATES}
            if not all(isinstance(day, str) for day in dates.values()):
                raise ValueError("a date is text")
            found.append(Alias(code=_text(each["code"]), **dates))
        else:
            raise ValueError("neither a code nor an object with one")
    return found


def _text(value: Any) -> str:
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else ""
