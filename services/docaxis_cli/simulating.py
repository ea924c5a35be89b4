"""`docaxis simulate 2019`: the national axis's first year, played at a scale."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.session import OK, REFUSED, Session, UsageProblem

if TYPE_CHECKING:
    from docaxis_cli.simulation.plan import Plan
    from docaxis_cli.simulation.playing import Progress, Run
    from docaxis_client.statistics import Statistics

YEARS = ("2019",)


def simulate(
    year: Annotated[str, typer.Argument(help="The year to play: 2019, the first one.")],
    scale: Annotated[
        str, typer.Option(help="How much of it: 1 is all 230,398 documents, 0.01 a hundredth.")
    ] = "0.01",
    stopped: Annotated[
        str, typer.Option(metavar="CODE", help="A unit whose system takes nothing, such as H27.")
    ] = "",
    url: Annotated[
        str | None, typer.Option(help="Play on this axis, instead of one of its own.")
    ] = None,
    credentials_folder: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="With --url: holds CODE.json of each of the 95 units."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, help="Keep the axis here; the same again goes on. Else nowhere."
        ),
    ] = None,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Play the eight months of the second conference report, and print its table as counted.

    95 units send and receive over the public interface on an axis of the simulation's own. The
    axis's time is now: the table is the statistics query over the run's days, not over 2019's.
    Exit code 0 only when every cell is what the scale says.
    """
    session = Session(as_json=as_json, language=lang)

    async def work() -> int:
        if year not in YEARS:
            raise UsageProblem(session.words("simulate_year", years=", ".join(YEARS)))
        return await _simulate(session, scale, stopped, url, credentials_folder, data)

    session.run(work)


async def _simulate(
    session: Session,
    scale: str,
    stopped: str,
    url: str | None,
    credentials_folder: Path | None,
    data: Path | None,
) -> int:
    from docaxis_cli.simulation.counts import counted
    from docaxis_cli.simulation.playing import ATTEMPTS, PATIENCE_S, Run, SimulationFailed
    from docaxis_cli.simulation.result import as_answer, result_view
    from docaxis_cli.simulation.units import units
    from docaxis_client.client import DocaxisClient
    from docaxis_client.credentials import Credentials

    plan = _plan(session, scale)
    everyone = units()
    if stopped and stopped not in {each.code for each in everyone}:
        raise UsageProblem(session.words("simulate_no_unit", code=stopped))
    async with AsyncExitStack() as stack:
        if url is None:
            url, credentials_folder = await _own_axis(session, stack, data)
        elif credentials_folder is None:
            raise UsageProblem(session.words("simulate_needs_folder"))
        clients: Mapping[str, DocaxisClient] = {
            each.code: await stack.enter_async_context(
                DocaxisClient(
                    url,
                    Credentials.load(credentials_folder / f"{each.code}.json"),
                    language=session.words.language,
                    attempts=ATTEMPTS,
                    patience_s=PATIENCE_S,
                    connections=8,
                )
            )
            for each in everyone
        }
        session.say("simulate_playing", documents=plan.documents, deliveries=plan.deliveries)
        with _progress(session, plan) as progress:
            run = Run(plan, everyone, clients, stopped, progress)
            began = _now()
            try:
                await run.play()
            except SimulationFailed as error:
                raise UsageProblem(str(error)) from error
            took_s = _now() - began
        figures, feedback = await run.figures()
    session.give(as_answer(run, figures, feedback, took_s))
    if not session.as_json:
        session.show(*result_view(session.words, run, figures, feedback))
        _say_what_differs(session, run, figures)
        _say_speed(session, run, took_s)
    return OK if counted(figures) == run.expected else REFUSED


def _plan(session: Session, scale: str) -> "Plan":
    from docaxis_cli.simulation.plan import Plan

    try:
        return Plan(Decimal(scale))
    except (InvalidOperation, ValueError) as error:
        raise UsageProblem(session.words("simulate_scale", scale=scale)) from error


async def _own_axis(session: Session, stack: AsyncExitStack, data: Path | None) -> tuple[str, Path]:
    from importlib.util import find_spec

    if find_spec("docaxis_standalone") is None:
        raise UsageProblem(session.words("no_standalone"))
    from docaxis_cli.simulation.axis import own_axis
    from docaxis_cli.simulation.units import units

    if data is None:
        data = Path(stack.enter_context(TemporaryDirectory(prefix="docaxis-2019-")))
    session.say("simulate_starting", folder=data)
    # A supervisor's SIGTERM ends it as Ctrl-C does: the axis is stopped in order.
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: os.kill(os.getpid(), signal.SIGINT))
    url = await stack.enter_async_context(own_axis(data, units()))
    return url, data / "clients"


@contextmanager
def _progress(session: Session, plan: "Plan") -> "Iterator[Progress]":
    """A bar over documents sent and deliveries taken, when a person is looking."""
    if session.as_json or not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("2019", total=plan.documents + plan.deliveries)
        yield lambda count: bar.update(task, advance=count)


def _say_what_differs(session: Session, run: "Run", figures: "Statistics") -> None:
    from docaxis_cli.simulation.counts import beyond, counted

    found = counted(figures)
    for key, (documents, deliveries) in (
        ("simulate_more", beyond(found, run.expected)),
        ("simulate_short", beyond(run.expected, found)),
    ):
        if documents or deliveries:
            session.say(key, documents=documents, deliveries=deliveries)


def _say_speed(session: Session, run: "Run", took_s: float) -> None:
    per_s = run.documents / took_s if took_s else 0.0
    session.say(
        "simulate_speed",
        documents=run.documents,
        deliveries=run.deliveries,
        seconds=f"{took_s:.1f}",
        per_s=f"{per_s:.1f}",
    )


def _now() -> float:
    from time import monotonic

    return monotonic()
