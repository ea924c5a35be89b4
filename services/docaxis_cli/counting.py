"""`docaxis statistics` and `unmatched`: what the axis counts, and what it could not count."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.session import OK, ZONE, AxisSession, vietnam_time

if TYPE_CHECKING:
    from rich.table import Table

    from docaxis_cli.messages import Words
    from docaxis_client.client import DocaxisClient
    from docaxis_client.statistics import FeedbackFigures, Statistics

CLASSES = ("full", "part", "arrived_only", "none")


def statistics(
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day; else today's month's.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day; else today.")
    ] = None,
    own: Annotated[
        bool, typer.Option("--own", help="Own organisations, instead of the whole axis by level.")
    ] = False,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Count documents sent and deliveries received by level, and how recipients report.

    Days are Viet Nam's. Feedback is counted by the months that the days lie in.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        today = today_in_vietnam()
        begin, end = first or f"{today[:7]}-01", last or today
        by = "organisation" if own else "level"
        figures = await axis.statistics(begin, end, by=by)
        feedback = await axis.feedback(begin[:7], end[:7], by=by)
        session.give({"from": begin, "to": end, "figures": figures, "feedback": feedback})
        if not session.as_json:
            session.say("figures_of", first=begin, last=end)
            session.show(figures_table(session.words, figures))
            session.show(feedback_table(session.words, feedback))
        return OK

    session.call(work)


def unmatched(
    organisation: Annotated[
        str | None, typer.Option("--organisation", help="One of those that you serve.")
    ] = None,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """List what you reported for deliveries that the axis does not know.

    They are kept, and recorded when their delivery comes; what stays names none of yours.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        page = await axis.unmatched_statuses(organisation, cursor=cursor)
        session.give(page)
        for each in page.items:
            session.line(f"{each.delivery_id}  {each.code}  {vietnam_time(each.held_since)}")
        if not page.items:
            session.say("unmatched_none")
        if page.next:
            session.say("more", cursor=page.next)
        return OK

    session.call(work)


def today_in_vietnam() -> str:
    """Today's full-date where the axis counts its days."""
    return datetime.now(ZONE).date().isoformat()


def level_name(words: "Words", level: int) -> str:
    """The conference reports' name of a level."""
    return words(f"level_{level}") if 0 <= level <= 4 else str(level)


def figures_table(words: "Words", figures: "Statistics") -> "Table":
    """One row for each level (and organisation), and their total."""
    from rich.table import Table

    table = Table()
    table.add_column(words("level"))
    table.add_column(words("sent_count"), justify="right")
    table.add_column(words("received_count"), justify="right")
    for each in figures.items:
        name = level_name(words, each.level)
        whose = f"{each.code or each.organisation_id}  {name}" if each.organisation_id else name
        table.add_row(whose, f"{each.sent:,}", f"{each.received:,}")
        for one in each.apart:
            table.add_row(f"  {one.business_type}", f"{one.sent:,}", f"{one.received:,}")
    total = figures.total
    table.add_row(words("total"), f"{total.sent:,}", f"{total.received:,}")
    return table


def feedback_table(words: "Words", feedback: "FeedbackFigures") -> "Table":
    """Units by class, and the deliveries behind them."""
    from rich.table import Table

    table = Table(words("level"), *(words(f"feedback_{each}") for each in CLASSES))
    for each in feedback.items:
        name = level_name(words, each.level)
        whose = f"{each.code or each.organisation_id}  {name}" if each.organisation_id else name
        cells = (
            f"{getattr(each.units, one):,} ({getattr(each.deliveries, one):,})" for one in CLASSES
        )
        table.add_row(whose, *cells)
    return table
