"""`docaxis standalone`, `rebuild` and `demo`: an axis on one's own machine."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options, registry_connection
from docaxis_cli.session import OK, REFUSED, UNAVAILABLE, Session, UsageProblem

if TYPE_CHECKING:
    from docaxis_standalone.composition import Axis

Port = Annotated[
    int,
    typer.Option("--http-port", envvar="DOCAXIS_HTTP_PORT", min=0, max=65535, help="REST port."),
]


def standalone(
    data: options.Data = options.DEFAULT_DATA,
    http_port: Port = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Run an axis: all services in one process, until Ctrl-C.

    When it serves, its address is printed; the log goes to stderr.
    """
    session = session_with_axis(as_json=as_json, lang=lang)

    async def tell(axis: "Axis") -> None:
        session.give({"url": axis.url, "data": str(data)})
        session.say("axis_at", url=axis.url)

    with session.errors_told():
        from docaxis_runtime.log_setup import configure_logging
        from docaxis_runtime.settings import SettingsInvalid
        from docaxis_standalone.main import run_standalone

        configure_logging()
        try:
            code = run_standalone(data, http_port, host=host, after_start=tell)
        except SettingsInvalid as error:
            raise UsageProblem(str(error)) from error
    raise typer.Exit(code)


def rebuild(
    views: Annotated[
        list[str] | None,
        typer.Argument(metavar="VIEW", help="Views; none named means all.", show_default=False),
    ] = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Make the views again from the log, and compare. The axis must be stopped.

    Exit code 1 when a view came out otherwise than it was.
    """
    session = session_with_axis(as_json=as_json, lang=lang)

    async def work() -> int:
        from docaxis_runtime.log_setup import configure_logging
        from docaxis_standalone.rebuild import rebuild_views

        configure_logging("console", "WARNING", sys.stderr)
        try:
            rebuilt = await rebuild_views(data, views or ())
        except KeyError as error:
            raise UsageProblem(session.words("unknown_view", name=error.args[0])) from error
        session.give([_row(each.view, each.before, each.after) for each in rebuilt])
        if not session.as_json:
            from rich.table import Table

            table = Table(session.words("view"), session.words("result"))
            for each in rebuilt:
                same = "same" if each.same else "differs" if each.before else "built"
                table.add_row(each.view, session.words(f"rebuilt_{same}"))
            session.show(table)
        return OK if all(each.same or not each.before for each in rebuilt) else REFUSED

    session.run(work)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Play and end; else the axis stays for you to try.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Play on this axis, instead of one of its own.")
    ] = None,
    credentials_folder: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="With --url: holds office, hanoi and hatinh .json."),
    ] = None,
    registry: registry_connection.Registry = "",
    tls_certificate: registry_connection.Certificate = None,
    tls_key: registry_connection.Key = None,
    tls_authority: registry_connection.Authority = None,
    data: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keep everything here; else nowhere.")
    ] = None,
    http_port: Annotated[
        int, typer.Option("--http-port", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 0,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Play one signed letter to two recipients, and check it.

    There and back, every step. Starts an axis of its own in a temporary folder; needs nothing
    else. With --url and --registry: registers its agencies and systems there, and plays with
    credentials of --data. With --json: the report. Exit code 0 only when every check passed.
    """
    session = (
        Session(as_json=as_json, language=lang)
        if url
        else session_with_axis(as_json=as_json, lang=lang)
    )

    async def work() -> int:
        from docaxis_cli.demonstration.demo import demonstrate, registered_systems

        folder = credentials_folder
        if url is not None and registry and data is not None:
            folder = await registered_systems(
                registry, data, url, (tls_certificate, tls_key, tls_authority)
            )
        if url is not None and folder is None:
            raise UsageProblem(session.words("demo_needs_folder"))
        return await demonstrate(
            session,
            url=url,
            credentials_folder=folder,
            data=data,
            port=http_port,
            once=once,
        )

    session.run(work)


def session_with_axis(*, as_json: bool, lang: str | None) -> Session:
    """A session of a command that needs the axis itself; ends where it is not installed."""
    session = Session(as_json=as_json, language=lang)
    if find_spec("docaxis_standalone") is None:
        typer.echo(session.words("no_standalone"), err=True)
        raise typer.Exit(UNAVAILABLE)
    return session


def _row(view: str, before: str, after: str) -> dict[str, object]:
    return {"view": view, "before": before, "after": after, "same": before == after}
