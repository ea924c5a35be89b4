"""Spans in a file, and the tree that they make."""

import stat
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from docaxis_runtime.kept_spans import KeptSpan, file_before, read_spans, traces_linked_to, tree_of
from docaxis_runtime.telemetry_sdk.kept_traces import KeptTraces


def at(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(1))


def ended(number: int) -> ReadableSpan:
    return ReadableSpan(
        "decide Nộp",
        at(1, number),
        at(1, 7),
        Resource({"service.name": "docaxis-routing"}),
        {"docaxis.records": 3},
        links=[Link(at(9, 9))],
        status=Status(StatusCode.ERROR, "internal"),
        start_time=10,
        end_time=30,
    )


def test_a_span_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    KeptTraces(path).on_end(ended(2))
    with path.open("ab") as file:
        file.write(b'{"trace": "half a li')
    assert read_spans(path) == [
        KeptSpan(
            trace=f"{1:032x}",
            span=f"{2:016x}",
            parent=f"{7:016x}",
            service="docaxis-routing",
            name="decide Nộp",
            start=10,
            end=30,
            error="internal",
            attributes={"docaxis.records": "3"},
            links=(f"{9:032x}",),
        )
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_files_take_turns_and_the_folder_does_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    kept = KeptTraces(path, largest=2000)
    for number in range(1, 200):
        kept.on_end(ended(number))
    assert file_before(path).exists()
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) < 5000
    last = [each.span for each in read_spans(path)]
    assert last[-1] == f"{199:016x}" and last == sorted(last)


def test_a_disk_that_takes_nothing_costs_spans_alone(tmp_path: Path) -> None:
    kept = KeptTraces(tmp_path / "missing" / "traces.jsonl")
    kept.on_end(ended(1))
    kept.on_end(ended(2))
    assert read_spans(tmp_path / "missing" / "traces.jsonl") == []


def span(
    name: str, parent: str = "", trace: str = "t", start: int = 0, links: tuple[str, ...] = ()
) -> KeptSpan:
    return KeptSpan(
        trace=trace,
        span=name,
        parent=parent,
        service="s",
        name=name,
        start=start,
        end=start,
        links=links,
    )


def test_a_tree_is_by_begin_and_whoever_has_lost_its_parent_is_a_root() -> None:
    spans = [
        span("late", "root", start=3),
        span("root", "the caller's"),
        span("leaf", "early", start=2),
        span("early", "root", start=1),
        span("lost", "gone", start=9),
        span("other", trace="u", start=0),
    ]
    root, lost = tree_of(spans, "t")
    assert [each.span.name for each in root.branches] == ["early", "late"]
    assert [each.span.name for each in root.branches[0].branches] == ["leaf"]
    assert (lost.span.name, lost.branches) == ("lost", ())
    assert tree_of(spans, "nobody's") == ()


def test_traces_that_follow_are_found_by_their_links() -> None:
    spans = [
        span("ack", trace="a", start=5),
        span("call", "ack", trace="a", start=6, links=("t",)),
        span("fetch", trace="b", start=2, links=("t",)),
        span("own", trace="t", start=2, links=("t",)),
    ]
    assert traces_linked_to(spans, "t") == ["b", "a"]
