"""The demonstration's report for people: timeline, checks, addresses, and what to do next."""

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from docaxis_cli.demonstration.play_report import Report
from docaxis_cli.messages import Words
from docaxis_cli.session import program
from docaxis_cli.timeline_view import timeline_view
from docaxis_client.tracking import Timeline


def report_view(words: Words, report: Report) -> RenderableType:
    """Lay out what was played and what was checked."""
    parts: list[RenderableType] = []
    if report.document is not None:
        timeline = Timeline(document_id=report.document.id, items=report.timeline)
        parts.append(
            timeline_view(
                words, report.document, timeline, report.verdict, report.receipts, report.proven
            )
        )
    table = Table("", words("check"), box=box.SIMPLE_HEAD)
    table.add_column(words("detail"), overflow="fold")
    for check in report.checks:
        mark = Text("✔", style="green") if check.ok else Text("✘", style="bold red")
        table.add_row(mark, check.name, check.detail)
    failed = sum(not check.ok for check in report.checks)
    count = len(report.checks)
    outcome = (
        Text(words("demo_passed", count=count), style="bold green")
        if report.passed
        else Text(words("demo_failed", failed=failed, count=count), style="bold red")
    )
    return Group(*parts, table, outcome)


def next_steps(words: Words, url: str, grpc: str, data: str, *, running: bool) -> RenderableType:
    """Tell where the axis is, and the commands to try."""
    lines = Text()
    commands: tuple[tuple[str, str], ...] = ()
    if running:
        lines.append(words("axis_at", url=url) + "\n")
        lines.append(words("api_docs", url=f"{url}/openapi.json") + "\n")
        lines.append(words("grpc_at", address=grpc) + "\n\n")
        lines.append(words("try_next") + "\n", style="bold")
        lines.append(f"  export DOCAXIS_DATA={data}\n")
        commands += (
            ("send my.pdf --as office --to H26", "comment_send"),
            ("inbox --as hanoi", "comment_inbox"),
            ("get DELIVERY --as hanoi -o received", "comment_get"),
            ("ack DELIVERY --as hanoi", "comment_ack"),
            ("status DELIVERY 03 --as hanoi", "comment_status"),
            ("trace DOCUMENT --as office", "comment_trace"),
        )
    else:
        lines.append(words("try_again") + "\n", style="bold")
        commands += (("demo", "comment_keep"),)
    commands = tuple((f"{program()} {command}", comment) for command, comment in commands)
    width = max(len(command) for command, _ in commands)
    for command, comment in commands:
        lines.append(f"  {command:<{width}}")
        lines.append(f"  # {words(comment)}\n", style="dim")
    if running:
        lines.append("\n" + words("running_until"))
    return Panel(lines, box=box.ROUNDED)
