"""A document's timeline for people: one panel per recipient, with receipts and verdicts."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from docaxis_cli.messages import Words
from docaxis_cli.session import vietnam_time
from docaxis_client.models import Document
from docaxis_client.tracking import Receipt, RecipientTimeline, Timeline, Verdict

_GOOD = {"valid", "handed_over"}


def timeline_view(
    words: Words,
    document: Document,
    timeline: Timeline,
    verdict: Verdict | None,
    receipts: Sequence[Receipt],
    proven: Mapping[str, bool],
) -> RenderableType:
    """Lay it out; `proven` tells which receipts (by id) were checked, and with what result."""
    head = Text()
    head.append(f"{document.number}/{document.notation}  ", style="bold")
    head.append(document.subject)
    head.append(f"\n{document.sender} · {vietnam_time(document.accepted_at)} · ", style="dim")
    head.append(words("accepted_by_axis"), style="dim")
    if timeline.trace_id:
        head.append(f" · {words('trace_id')} {timeline.trace_id}", style="dim")
    parts: list[RenderableType] = [head]
    accepted = [each for each in receipts if each.kind == "accepted"]
    parts.extend(_receipt_line(words, each, proven) for each in accepted)
    if verdict is not None:
        parts.append(_verdict_lines(words, verdict))
    boxes: list[RenderableType] = [
        Panel(Group(*parts), title=words("timeline_of", id=document.id), box=box.HEAVY_EDGE)
    ]
    for recipient in timeline.items:
        own = [each for each in receipts if each.delivery_id == recipient.delivery_id]
        boxes.append(_recipient_box(words, recipient, own, proven))
    return Group(*boxes)


def _recipient_box(
    words: Words,
    recipient: RecipientTimeline,
    receipts: Sequence[Receipt],
    proven: Mapping[str, bool],
) -> RenderableType:
    table = Table(
        words("when"), words("what"), words("said_by"), words("reason"), box=box.SIMPLE_HEAD
    )
    for entry in recipient.entries:
        by = f"by_{entry.source}" if entry.source in ("axis", "sender") else "by_recipient"
        table.add_row(
            vietnam_time(entry.recorded_at),
            f"{entry.code} {entry.label}",
            words(by),
            entry.reason or "",
        )
    state = Text(f"{words('state')}: ")
    state.append(recipient.state, style="green" if recipient.state in _GOOD else "yellow")
    if recipient.reason:
        state.append(f" ({recipient.reason})")
    lines = [_receipt_line(words, each, proven) for each in receipts]
    identifier = Text(f"{words('delivery')} {recipient.delivery_id}", style="dim")
    return Panel(
        Group(state, table, *lines, identifier),
        title=Text(f"{recipient.code}  {recipient.name}", style="bold"),
        title_align="left",
    )


def _receipt_line(words: Words, receipt: Receipt, proven: Mapping[str, bool]) -> Text:
    line = Text(f"{words('receipt')} {receipt.kind}: {receipt.id}")
    if receipt.id in proven:
        good = proven[receipt.id]
        line.append("  ✔ " if good else "  ✘ ", style="green" if good else "bold red")
        line.append(words("verified") if good else "?", style="green" if good else "bold red")
    return line


def _verdict_lines(words: Words, verdict: Verdict) -> Text:
    lines = Text(f"{words('verdict')}: ")
    lines.append(verdict.status, style="green" if verdict.status in _GOOD else "yellow")
    for file in verdict.files:
        for found in file.signatures:
            kind = words("seal" if found.is_seal else "signature")
            mark = "✔" if found.status in _GOOD else "✘"
            lines.append(f"\n  {mark} {kind}: {found.signer_name or '?'}")
            lines.append(f" ({found.organisation_name or '?'}) {found.code}", style="dim")
    return lines
