"""What every command shares: who calls, where the axis is, how answers and errors are told."""

import asyncio
import sys
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from docaxis_cli.messages import Words, words_of
from docaxis_client.errors import (
    AxisUnavailable,
    CredentialsUnusable,
    DigestMismatch,
    ProblemError,
    ReceiptInvalid,
)

if TYPE_CHECKING:
    from rich.console import Console

    from docaxis_client.client import DocaxisClient
    from docaxis_client.credentials import Credentials

OK, REFUSED, USAGE, UNAVAILABLE, NOT_PROVEN = range(5)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def program() -> str:
    """How this command was called, so that what is printed can be typed again."""
    called = sys.argv[0]
    return "docaxis" if which("docaxis") == called or not called.endswith("docaxis") else called


class UsageProblem(Exception):
    """The command cannot start as it was called; the message says what to do."""


class Session:
    """One run of a command. `say` and `show` are for people: silent with `--json`."""

    def __init__(self, *, as_json: bool, language: str | None) -> None:
        self.as_json = as_json
        try:
            self.words: Words = words_of(language)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--lang") from error

    @property
    def console(self) -> "Console":
        """Where tables go; made when first needed."""
        from rich.console import Console

        # Without markup: what is told was written by others.
        return Console(highlight=False, markup=False, soft_wrap=False)

    def say(self, key: str, **params: object) -> None:
        """Print one message of the catalogue."""
        if not self.as_json:
            typer.echo(self.words(key, **params))

    def line(self, text: str) -> None:
        """Print a line as it is; control characters that others wrote into it are left out."""
        if not self.as_json:
            typer.echo("".join(each for each in text if unicodedata.category(each) != "Cc"))

    def show(self, *renderables: Any) -> None:
        """Print tables and their like."""
        if not self.as_json:
            self.console.print(*renderables)

    def give(self, answer: object) -> None:
        """Print the answer as JSON, if that is asked for; one line for each call."""
        if self.as_json:
            typer.echo(msgspec.json.encode(answer).decode())

    def run(self, work: Callable[[], Awaitable[int]]) -> None:
        """Run a command's work and end with its exit code; errors become words and codes."""
        with self.errors_told():
            code = asyncio.run(_awaited(work))
            raise typer.Exit(code)

    @contextmanager
    def errors_told(self) -> Iterator[None]:
        """Turn what the library raises into words (or JSON) and an exit code."""
        try:
            yield
        except ProblemError as problem:
            self._tell_problem(problem)
            raise typer.Exit(REFUSED) from problem
        except AxisUnavailable as error:
            self._tell("unavailable", str(error))
            raise typer.Exit(UNAVAILABLE) from error
        except DigestMismatch as error:
            self._tell("digest_mismatch", self.words("digest_mismatch", detail=error))
            raise typer.Exit(NOT_PROVEN) from error
        except ReceiptInvalid as error:
            self._tell(error.code, self.words("receipt_invalid", detail=error))
            raise typer.Exit(NOT_PROVEN) from error
        except (CredentialsUnusable, UsageProblem) as error:
            self._tell("usage", str(error))
            raise typer.Exit(USAGE) from error
        except OSError as error:
            named = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            self._tell("file", named)
            raise typer.Exit(USAGE) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(130) from error

    def _tell(self, code: str, detail: str) -> None:
        self.give({"error": {"code": code, "detail": detail}})
        if not self.as_json:
            typer.echo(f"{self.words('error')}: {detail}", err=True)

    def _tell_problem(self, problem: ProblemError) -> None:
        content = {
            "code": problem.code,
            "status": problem.status,
            "detail": problem.detail or problem.title,
            "errors": problem.errors,
            "suggestions": problem.suggestions,
            "request_id": problem.request_id,
            "retryable": problem.retryable,
        }
        self.give({"error": content})
        if self.as_json:
            return
        typer.echo(f"{self.words('refused')}: {content['detail']} [{problem.code}]", err=True)
        for field in problem.errors:
            typer.echo(f"  {field.pointer}: {field.detail or field.code}", err=True)
            if field.suggestions:
                self._tell_suggestions(field.suggestions)
        if problem.suggestions:
            self._tell_suggestions(problem.suggestions)
        if problem.request_id:
            typer.echo(f"  {self.words('request_id')}: {problem.request_id}", err=True)

    def _tell_suggestions(self, suggestions: tuple[str, ...]) -> None:
        typer.echo(f"  {self.words('did_you_mean')}: {', '.join(suggestions)}", err=True)


class AxisSession(Session):
    """A run that calls the axis as one system."""

    def __init__(
        self,
        *,
        data: Path,
        name: str | None,
        credentials: Path | None,
        url: str | None,
        as_json: bool,
        language: str | None,
    ) -> None:
        super().__init__(as_json=as_json, language=language)
        self._data = data
        self._name = name
        self._file = credentials
        self.as_whom = f" --as {name}" if name else ""
        """How to call the next command as the same system."""
        self.url = url
        """The address that was given; else the credentials' own counts."""

    def call(self, work: "Callable[[DocaxisClient], Awaitable[int]]") -> None:
        """Run a command's work with a connected client."""

        async def connected() -> int:
            from docaxis_client.client import DocaxisClient

            credentials = self.credentials()
            if not (self.url or credentials.base_url):
                raise UsageProblem(self.words("no_url"))
            language = self.words.language
            async with DocaxisClient(self.url, credentials, language=language) as axis:
                return await work(axis)

        self.run(connected)

    def credentials(self) -> "Credentials":
        """Load the credentials that the options name, or the only ones there are."""
        from docaxis_client.credentials import Credentials

        folder = self._data / "clients"
        if self._file is not None:
            return Credentials.load(self._file)
        names = sorted(each.stem for each in folder.glob("*.json"))
        if self._name is not None:
            if self._name not in names:
                known = ", ".join(names) or "-"
                raise UsageProblem(
                    self.words("unknown_name", name=self._name, folder=folder, known=known)
                )
            return Credentials.load(folder / f"{self._name}.json")
        if len(names) == 1:
            return Credentials.load(folder / f"{names[0]}.json")
        if names:
            raise UsageProblem(self.words("which_name", known=", ".join(names)))
        raise UsageProblem(self.words("no_credentials", folder=folder))


@contextmanager
def progress(session: Session, title: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Show a bar on stderr for what takes a while, when a person is looking."""
    if session.as_json or total < 4 * 1024 * 1024 or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, advance=done)


def vietnam_time(moment: datetime | None) -> str:
    """Write a time as Vietnam's clocks show it: that is what deadlines count in."""
    return f"{moment.astimezone(ZONE):%d/%m/%Y %H:%M:%S}" if moment else "-"


async def _awaited(work: Callable[[], Awaitable[int]]) -> int:
    return await work()
