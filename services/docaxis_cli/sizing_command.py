"""`docaxis capacity`: what a country needs, from the benchmark's JSON and assumptions."""

import json
from dataclasses import asdict, fields
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from docaxis_cli import options
from docaxis_cli.capacity.demand import Demand
from docaxis_cli.session import OK, Session, UsageProblem

_Figures = Annotated[
    Path,
    typer.Argument(
        metavar="FIGURES",
        dir_okay=False,
        exists=True,
        help="JSON of `make bench`.",
        show_default=False,
    ),
]
_Markdown = Annotated[bool, typer.Option("--markdown", help="Print the page of the documentation.")]


def capacity(figures: Path, markdown: bool, as_json: bool, lang: str | None, **told: float) -> None:
    """Compute what a country needs from what the benchmark measured.

    Partitions, replicas, nodes, brokers, disks and lines at the peak, and which figure bounds.
    Every assumption is an option; the defaults: 30 million documents a year, 20 recipients each.
    """
    session = Session(as_json=as_json, language=lang)

    async def work() -> int:
        from docaxis_cli.capacity.measured import read_measured
        from docaxis_cli.capacity.page import capacity_page, rows
        from docaxis_cli.capacity.sizing import size

        try:
            measured = read_measured(_object(figures))
            demand = Demand(**told)
            sizing = size(demand, measured)
        except ValueError as error:
            raise UsageProblem(str(error)) from error
        session.give({"sizing": sizing, "measured": measured, "assumed": asdict(demand)})
        if markdown and not as_json:
            typer.echo(capacity_page(demand, measured, sizing, figures.as_posix()), nl=False)
            return OK
        if not as_json:
            from rich.table import Table

            table = Table(*(session.words(f"capacity_{each}") for each in ("what", "much", "why")))
            for row in rows(sizing):
                table.add_row(*row)
            session.show(table)
        session.say("capacity_bound", bound=sizing.bound)
        return OK

    session.run(work)


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no object")
    return content


def _signature() -> Signature:
    """An option for each assumption, so that none can be forgotten."""
    kind = Parameter.KEYWORD_ONLY
    given: list[tuple[str, Any, Any]] = [
        ("figures", _Figures, Parameter.empty),
        ("markdown", _Markdown, False),
    ]
    for each in fields(Demand):
        option = typer.Option(f"--{each.name.replace('_', '-')}", help=each.metadata["help"])
        given.append((each.name, Annotated[float, option], each.default))
    given += [("as_json", options.Json, False), ("lang", options.Lang, None)]
    return Signature(
        [Parameter(name, kind, annotation=of, default=default) for name, of, default in given]
    )


capacity.__signature__ = _signature()  # type: ignore[attr-defined]
capacity.__annotations__ = {
    name: each.annotation
    for name, each in capacity.__signature__.parameters.items()  # type: ignore[attr-defined]
}
