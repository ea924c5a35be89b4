"""Spans as a file keeps them, and how they make a tree; read without any telemetry library."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec


class KeptSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One span. Ids are hexadecimal, times Unix ns; `error` is empty where all went well."""

    trace: str
    span: str
    parent: str
    service: str
    name: str
    start: int
    end: int
    error: str = ""
    attributes: Mapping[str, str] = {}
    links: tuple[str, ...] = ()
    """Ids of the traces that this one follows."""


class Branch(msgspec.Struct, frozen=True):
    """A span with those that follow from it, by their begin."""

    span: KeptSpan
    branches: "tuple[Branch, ...]"


_decoder = msgspec.json.Decoder(KeptSpan)


def file_before(path: Path) -> Path:
    """The full file that a file of spans took the place of."""
    return path.with_name(f"{path.name}.1")


def read_spans(path: Path) -> list[KeptSpan]:
    """All that is kept; a last line that is half there, and files that are missing, are nothing."""
    spans: list[KeptSpan] = []
    for file in (file_before(path), path):
        try:
            lines = file.read_bytes().split(b"\n")
        except FileNotFoundError:
            continue
        for line in lines:
            try:
                spans.append(_decoder.decode(line))
            except msgspec.MsgspecError:
                continue
    return spans


def tree_of(spans: Iterable[KeptSpan], trace_id: str) -> tuple[Branch, ...]:
    """A trace as a tree. A span whose parent is not there (the caller's, or lost) is a root."""
    own = sorted(
        (each for each in spans if each.trace == trace_id), key=lambda each: (each.start, each.span)
    )
    known = {each.span for each in own}
    children: dict[str, list[KeptSpan]] = {}
    for each in own:
        children.setdefault(each.parent if each.parent in known else "", []).append(each)
    return _branches(children, "")


def traces_linked_to(spans: Iterable[KeptSpan], trace_id: str) -> Sequence[str]:
    """Ids of the traces that say that they follow this one, by their begin."""
    linked = sorted(
        (each for each in spans if trace_id in each.links and each.trace != trace_id),
        key=lambda each: each.start,
    )
    return list(dict.fromkeys(each.trace for each in linked))


def _branches(children: Mapping[str, Sequence[KeptSpan]], parent: str) -> tuple[Branch, ...]:
    return tuple(Branch(each, _branches(children, each.span)) for each in children.get(parent, ()))
