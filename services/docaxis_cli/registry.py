"""`docaxis registry …`: what the operator does to the registry, over its own gRPC.

The registry takes calls of its own kind alone: over the socket of a standalone's data folder, which
is its user's, or at an address (`--registry`). Agencies' systems have no part in it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docaxis_cli import options
from docaxis_cli.session import OK, REFUSED, Session, UsageProblem

if TYPE_CHECKING:
    from docaxis_registry.imports.rows import RowFault
    from docaxis_registry.imports.sending import ImportReport

_MOST_SHOWN = 50
"""Rows at fault on the screen; `--json` tells all."""

Registry = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="ADDRESS",
        help="gRPC address of the registry on this machine; else the socket in the data folder.",
    ),
]


def import_organisations(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV (header in English or Vietnamese) or JSON.", exists=True, dir_okay=False
        ),
    ],
    registry: Registry = None,
    data: options.Data = options.DEFAULT_DATA,
    check: Annotated[
        bool, typer.Option("--check", help="Only read the file and say what is wrong in it.")
    ] = False,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Import organisations; what is there unchanged stays as it is.

    Every bad row is told with its line and what is wrong; the others are taken. Exit code 1 where a
    row was refused.
    """
    session = Session(as_json=as_json, language=lang)

    async def work() -> int:
        from docaxis_registry.imports.plan import plan
        from docaxis_registry.imports.rows import ImportUnreadable, read_rows
        from docaxis_registry.imports.sending import ImportReport, send

        started = perf_counter()
        try:
            planned = plan(tuple(read_rows(file)))
        except ImportUnreadable as error:
            raise UsageProblem(
                session.words(
                    "import_unreadable", line=error.line, code=error.code, what=error.what
                )
            ) from error
        if check:
            report = ImportReport(planned.rows, faults=list(planned.faults))
            report.counts.update(fault.code for fault in planned.faults)
        else:
            with _reached(session, registry, data) as address:
                report = await _send(session, address, planned, send)
        _tell(session, report, perf_counter() - started)
        return REFUSED if report.refused else OK

    session.run(work)


async def _send(session: Session, address: str, planned: Any, send: Any) -> "ImportReport":
    from docaxis_client.errors import AxisUnavailable
    from docaxis_eventsourcing.errors import DocaxisError
    from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
    from docaxis_runtime.error_table import row_of
    from docaxis_runtime.grpc_client import Connection

    try:
        connection = Connection(address)
    except ValueError as error:  # an address elsewhere, which would need TLS
        raise UsageProblem(str(error)) from error
    try:
        with _bar(session, planned.rows) as done:
            report: ImportReport = await send(
                connection.client(RegistryStub), planned, actor=f"cli:{getuser()}", done=done
            )
            return report
    except DocaxisError as error:
        words = row_of(error.code).message(error.params, session.words.language)
        raise AxisUnavailable(f"{address}: {words} [{error.code}]") from error
    finally:
        await connection.close()


@contextmanager
def _reached(session: Session, registry: str | None, data: Path) -> Iterator[str]:
    """The address to call. Raises `UsageProblem` where nothing listens."""
    if registry is not None:
        yield registry
        return
    from docaxis_standalone.data_folder import DataFolder

    socket = DataFolder(data.absolute()).socket
    if not socket.exists():
        raise UsageProblem(session.words("no_registry", folder=data))
    yield f"unix:{socket}"


@contextmanager
def _bar(session: Session, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr when a person is looking."""
    if session.as_json or not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(session.words("importing"), total=total)
        yield lambda rows: bar.update(task, advance=rows)


def _tell(session: Session, report: "ImportReport", seconds: float) -> None:
    session.give(
        {
            "rows": report.rows,
            "counts": dict(sorted(report.counts.items())),
            "errors": [_fault(session, each) for each in report.faults],
            "seconds": round(seconds, 3),
        }
    )
    for each in report.faults[:_MOST_SHOWN]:
        told = _fault(session, each)
        session.line("{line}: {pointer} {detail} [{code}]".format(**told))
    if len(report.faults) > _MOST_SHOWN:
        session.say("import_more", count=len(report.faults) - _MOST_SHOWN)
    session.say(
        "import_done",
        rows=report.rows,
        registered=report.counts["registered"],
        unchanged=report.counts["unchanged"],
        refused=report.refused,
        seconds=f"{seconds:.1f}",
    )


def _fault(session: Session, fault: "RowFault") -> dict[str, Any]:
    from docaxis_runtime.error_table import row_of

    field = fault.pointer.strip("/").partition("/")[0]
    params = {"organisation": fault.organisation, "field": field}
    return {
        "line": fault.line,
        "organisation": fault.organisation,
        "code": fault.code,
        "pointer": fault.pointer,
        "detail": row_of(fault.code).message(params, session.words.language),
    }
