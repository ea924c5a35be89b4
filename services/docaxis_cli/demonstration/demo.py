"""`docaxis demo`: an axis of one's own (or one that runs elsewhere), the play, and its report."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from docaxis_cli.demonstration.play_report import Report
from docaxis_cli.demonstration.report import next_steps, report_view
from docaxis_cli.demonstration.scenario import Play, play
from docaxis_cli.session import OK, REFUSED, Session, UsageProblem
from docaxis_client.credentials import Credentials
from docaxis_trust.demo_pki import create_demo_pki

_SYSTEMS = ("office", "hanoi", "hatinh")


async def demonstrate(
    session: Session,
    *,
    url: str | None,
    credentials_folder: Path | None,
    data: Path | None,
    port: int,
    once: bool,
) -> int:
    """Play, report, and, unless `once`, keep the axis for the caller to try; gives an exit code."""
    async with AsyncExitStack() as stack:
        if url is not None and credentials_folder is not None:
            report = await _play_at(session, url, credentials_folder)
            _tell(session, report)
            return OK if report.passed else REFUSED
        if data is None:
            data = Path(stack.enter_context(TemporaryDirectory(prefix="docaxis-demo-")))
        session.say("demo_starting", folder=data)
        address, grpc = await stack.enter_async_context(_own_axis(data, port))
        report = await _play_at(session, address, data / "clients", data / "demo-pki")
        _tell(session, report)
        keep = not once and report.passed and not session.as_json
        session.show(next_steps(session.words, address, grpc, str(data), running=keep))
        if keep:
            await _until_interrupted()
    return OK if report.passed else REFUSED


async def _play_at(
    session: Session, url: str, clients: Path, pki_folder: Path | None = None
) -> Report:
    session.say("demo_playing")
    office, hanoi, hatinh = (Credentials.load(clients / f"{name}.json") for name in _SYSTEMS)
    with TemporaryDirectory(prefix="docaxis-play-") as folder:
        pki = await asyncio.to_thread(create_demo_pki, pki_folder or clients.parent / "demo-pki")
        language = session.words.language
        return await play(Play(url, office, hanoi, hatinh, pki, Path(folder), language))


@asynccontextmanager
async def _own_axis(data: Path, port: int) -> AsyncIterator[tuple[str, str]]:
    """An axis in this process, with the demonstration's agencies; gives its two addresses."""
    from docaxis_runtime.log_setup import configure_logging
    from docaxis_runtime.settings import SettingsInvalid
    from docaxis_standalone.bootstrap import bootstrap_demo
    from docaxis_standalone.composition import running_axis

    # Warnings only, and to stderr: stdout belongs to the report.
    configure_logging("console", "WARNING", sys.stderr)
    try:
        async with running_axis(data, http_port=port, keep_traces=True) as axis:
            await bootstrap_demo(axis.clients, axis.folder, axis.url)
            yield axis.url, axis.grpc_address
    except SettingsInvalid as error:
        raise UsageProblem(str(error)) from error


async def _until_interrupted() -> None:
    # Ctrl-C, or a supervisor's SIGTERM, is how one ends it: the axis then stops in order.
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, interrupted.set)
    await interrupted.wait()


def _tell(session: Session, report: Report) -> None:
    session.give(report)
    if not session.as_json:
        session.show(report_view(session.words, report))
