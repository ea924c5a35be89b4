"""`docaxis export` and `docaxis import`: an axis carried from one form, or place, to another."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from docaxis_cli import options
from docaxis_cli.running import session_with_axis
from docaxis_cli.session import NOT_PROVEN, OK, REFUSED, UNAVAILABLE, Session, UsageProblem

Progress = Callable[[str, int, int], None]
Folder = Annotated[Path, typer.Argument(file_okay=False, help="The export.", show_default=False)]
Cluster = Annotated[
    bool,
    typer.Option(
        "--cluster",
        help="The axis is a cluster, told of by the settings of its processes"
        " (DOCAXIS_KAFKA_SERVERS, DOCAXIS_S3_ENDPOINT and so on), not a data folder.",
    ),
]
Secrets = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="A private folder, apart from the export, for keys and secrets of a data folder.",
    ),
]


def export_axis(
    folder: Folder,
    data: options.Data = options.DEFAULT_DATA,
    cluster: Cluster = False,
    secrets: Secrets = None,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Carry an axis's log and files into a folder. The axis must be stopped.

    What was killed goes on with the same command. The digest that it ends with stands for the whole
    export: keep it apart, and give it to `docaxis import`.
    """
    session = session_with_axis(as_json=as_json, lang=lang)

    async def work() -> int:
        from docaxis_standalone.data_folder import DataFolder
        from docaxis_standalone.moving import export_from
        from docaxis_standalone.moving_secrets import carry_secrets, left_behind

        _check_secrets(session, folder, secrets, cluster=cluster)
        with _progress(session) as progress:
            exported = await export_from(None if cluster else data, folder, progress)
        carried = carry_secrets(data, secrets) if secrets else []
        session.give({"export": exported, "secrets": carried})
        session.say("exported", records=exported.records, files=exported.files, folder=folder)
        session.say("export_digest", digest=exported.digest)
        if cluster:
            session.say("secrets_of_cluster")
        elif secrets:
            session.say("secrets_carried", count=len(carried), folder=secrets)
        elif left := left_behind(DataFolder(data)):
            session.say("secrets_left", names=", ".join(left))
        return OK

    session.run(lambda: _moved(session, work))


def import_axis(
    folder: Folder,
    data: options.Data = options.DEFAULT_DATA,
    cluster: Cluster = False,
    secrets: Secrets = None,
    digest: Annotated[
        str, typer.Option(help="What `docaxis export` ended with: no other export is taken.")
    ] = "",
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Fill an empty axis with an export. No service of it may run.

    Everything is checked before it is written, and read back. What was killed goes on with the same
    command; until it is finished no service starts on this axis.
    """
    session = session_with_axis(as_json=as_json, lang=lang)

    async def work() -> int:
        from docaxis_standalone.moving import import_into
        from docaxis_standalone.moving_secrets import carry_secrets

        _check_secrets(session, folder, secrets, cluster=cluster)
        if secrets and not secrets.is_dir():
            raise FileNotFoundError(2, "there is no such folder", str(secrets))
        with _progress(session) as progress:
            imported = await import_into(None if cluster else data, folder, progress, digest)
        carried = carry_secrets(secrets, data) if secrets else []
        session.give({"import": imported, "secrets": carried})
        key = "imported_before" if imported.was_finished else "imported"
        session.say(key, records=imported.records, files=imported.files)
        session.say("import_start_with", partitions=imported.partitions)
        return OK

    session.run(lambda: _moved(session, work))


async def _moved(session: Session, work: Callable[[], Awaitable[int]]) -> int:
    """What a move raises, in words (or JSON) and an exit code."""
    from docaxis_eventsourcing.errors import Divergence, Unavailable
    from docaxis_moving import ExportDamaged, MoveRefused
    from docaxis_runtime.log_setup import configure_logging
    from docaxis_runtime.settings import SettingsInvalid

    configure_logging("console", "WARNING", sys.stderr)
    try:
        return await work()
    except ExportDamaged as error:
        return _told(session, error.code, str(error), NOT_PROVEN)
    except Divergence as error:
        return _told(session, "log_differs", str(error), NOT_PROVEN)
    except MoveRefused as error:
        return _told(session, error.code, str(error), REFUSED)
    except Unavailable as error:
        return _told(session, "unavailable", str(error), UNAVAILABLE)
    except SettingsInvalid as error:
        raise UsageProblem(str(error)) from error
    except ValueError as error:  # a log that was made otherwise, or is being filled
        return _told(session, "axis_made_otherwise", str(error), REFUSED)


def _told(session: Session, code: str, detail: str, exit_code: int) -> int:
    session.give({"error": {"code": code, "detail": detail}})
    if not session.as_json:
        typer.echo(f"{session.words('refused')}: {detail} [{code}]", err=True)
    return exit_code


def _check_secrets(session: Session, folder: Path, secrets: Path | None, *, cluster: bool) -> None:
    if secrets is None:
        return
    if cluster:
        raise UsageProblem(session.words("secrets_of_cluster"))
    inside, outside = secrets.resolve(), folder.resolve()
    if inside.is_relative_to(outside) or outside.is_relative_to(inside):
        raise UsageProblem(session.words("secrets_apart", folder=folder))


@contextmanager
def _progress(session: Session) -> Iterator[Progress]:
    """A bar for each stage, when a person is looking."""
    if session.as_json or not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(session.words(f"moving_{stage}"), total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield progress
