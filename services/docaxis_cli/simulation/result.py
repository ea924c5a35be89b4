"""What a run tells: the report's table beside the query's answer, and the feedback by unit."""

from typing import TYPE_CHECKING, Any

from docaxis_cli.counting import CLASSES, level_name
from docaxis_cli.messages import Words
from docaxis_cli.simulation.counts import counted
from docaxis_cli.simulation.playing import Run
from docaxis_cli.simulation.report_2019 import ANSWERS
from docaxis_client.statistics import Classes, FeedbackFigures, Statistics

if TYPE_CHECKING:
    from rich.console import RenderableType


def as_answer(
    run: Run, figures: Statistics, feedback: FeedbackFigures, took_s: float
) -> dict[str, Any]:
    """All of it, for `--json`."""
    sent, received = counted(figures)
    due_sent, due_received = run.expected
    first, last = run.days
    return {
        "from": first,
        "to": last,
        "levels": [
            {
                "level": level,
                "sent": sent.get(level, 0),
                "received": received.get(level, 0),
                "expected_sent": due_sent.get(level, 0),
                "expected_received": due_received.get(level, 0),
            }
            for level in sorted({*sent, *due_sent})
        ],
        "agrees": (sent, received) == (due_sent, due_received),
        "feedback": first_level(feedback),
        "added": {"documents": run.documents, "deliveries": run.deliveries},
        "seconds": round(took_s, 2),
    }


def result_view(
    words: Words, run: Run, figures: Statistics, feedback: FeedbackFigures
) -> "list[RenderableType]":
    """The tables, and what they are of."""
    from rich.table import Table

    first, last = run.days
    sent, received = counted(figures)
    due_sent, due_received = run.expected
    table = Table(title=words("simulate_title"))
    table.add_column(words("level"))
    for heading in ("sent_count", "received_count"):
        table.add_column(words(heading), justify="right")
        table.add_column(words("expected"), justify="right")
    rows = [(level_name(words, level), level) for level in sorted({*sent, *due_sent})]
    for name, level in rows:
        cells = (each.get(level, 0) for each in (sent, due_sent, received, due_received))
        table.add_row(name, *(f"{each:,}" for each in cells))
    totals = (sum(each.values()) for each in (sent, due_sent, received, due_received))
    table.add_row(words("total"), *(f"{each:,}" for each in totals))
    answers = Table(title=words("simulate_feedback"))
    for each in CLASSES:
        answers.add_column(words(f"feedback_{each}"), justify="right")
    found = first_level(feedback)
    answers.add_row(*(f"{getattr(found, each):,}" for each in CLASSES))
    note = words("simulate_days", first=first, last=last)
    return [table, note, answers, words("simulate_feedback_note", **ANSWERS)]


def first_level(feedback: FeedbackFigures) -> Classes:
    """Connected units by what they report: the organisations of level 1."""
    return next((each.units for each in feedback.items if each.level == 1), Classes())
