"""Runs what a how-to page tells its reader to type, as the reader would, and compares the output.

What a page's fences mean:

- `sh` is run. All of a page's blocks run in order in one bash, so variables stay; the first
  command that fails ends it (`set -euo pipefail`).
- `sh background until="words"` is what the page has running in another terminal: it is started,
  and the page goes on when it has printed the words. It is ended with the page.
- `text` directly below an `sh` block is what that block prints. `…` stands for anything, also for
  whole lines.
- All else (`console`, `json`, `python`, …) is shown and not run.

The page runs in a scratch folder that looks like a fresh checkout: links to the repository's
files, `clients/` copied, no data. `127.0.0.1:8080` becomes a free port, so pages say 8080.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.repository.repository import ROOT

_FENCE = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_UNTIL = re.compile(r'until="([^"]+)"')
_NOT_COPIED = {".git", "data", "cluster-data", "clients"}
_BLOCK_S = 300.0
_STOP_S = 30.0


class PageFailedError(AssertionError):
    """A page's command failed, hung, or printed something else than the page says."""


@dataclass(frozen=True, slots=True)
class Block:
    """Commands of a page; `expected` is the output that the page shows, where it shows one."""

    line: int
    commands: str
    until: str | None = None
    expected: str | None = None


def blocks_of(page: str) -> list[Block]:
    """Read a page's `sh` blocks in order."""
    blocks: list[Block] = []
    end_of_last = -1
    for fence in _FENCE.finditer(page):
        language, rest, text = fence.groups()
        follows = end_of_last >= 0 and not page[end_of_last : fence.start()].strip()
        end_of_last = -1
        if language == "sh":
            until = _UNTIL.search(rest)
            line = page.count("\n", 0, fence.start()) + 2
            blocks.append(Block(line, text, until.group(1) if until else None))
            end_of_last = fence.end()
        elif language == "text" and follows:
            told = blocks[-1]
            blocks[-1] = Block(told.line, told.commands, told.until, text)
    return blocks


def matches(expected: str, found: str) -> bool:
    """Whether output is as the page shows it; `…` stands for anything."""
    parts = expected.strip().split("…")
    return re.fullmatch(".*?".join(map(re.escape, parts)), found.strip(), re.DOTALL) is not None


def run_page(path: Path, folder: Path, port: int) -> None:
    """Run a page in `folder`, where an axis that it starts takes `port`.

    Raises `PageFailedError`, which names the line of the page.
    """
    blocks = blocks_of(path.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{port}"))
    assert blocks, f"{path} has nothing to run"
    checkout = folder / "docaxis"
    _lay_out(checkout)
    environment = _environment(port)
    started: list[subprocess.Popen[bytes]] = []
    try:
        with _shell(checkout, environment) as shell:
            for block in blocks:
                output = folder / f"line-{block.line}.out"
                if block.until is None:
                    _run(shell, block, output, path)
                    continue
                started.append(_started(block, checkout, environment, output))
                _await_words(started[-1], block, output, path)
    finally:
        for process in reversed(started):
            _end(process)


def _lay_out(checkout: Path) -> None:
    checkout.mkdir(parents=True)
    for entry in ROOT.iterdir():
        if entry.name not in _NOT_COPIED:
            (checkout / entry.name).symlink_to(entry)
    ignored = shutil.ignore_patterns("target")
    if (ROOT / "clients").is_dir():
        shutil.copytree(ROOT / "clients", checkout / "clients", ignore=ignored)


def _environment(port: int) -> dict[str, str]:
    """A newcomer's environment: nothing of ours is set, words are English."""
    ours = ("DOCAXIS_", "PYTEST_", "PYTHON", "MAKE", "MFLAGS", "COV_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "DOCAXIS_HTTP_PORT": str(port)}


@contextmanager
def _shell(checkout: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """One bash for the page: it sources a file for each line of its stdin, and says so."""
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-euo", "pipefail"],
        cwd=checkout,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _run(shell: subprocess.Popen[bytes], block: Block, output: Path, page: Path) -> None:
    assert shell.stdin is not None
    assert shell.stdout is not None
    script = output.with_suffix(".sh")
    script.write_text(block.commands)
    shell.stdin.write(f"source {script} >{output} 2>&1 </dev/null; echo done\n".encode())
    shell.stdin.flush()
    readable, _, _ = select.select([shell.stdout], [], [], _BLOCK_S)
    told = output.read_text(errors="replace") if output.exists() else ""
    if not readable:
        raise PageFailedError(f"{page}:{block.line} hangs:\n{block.commands}\n{told[-4000:]}")
    if not shell.stdout.readline():
        code = shell.wait()
        raise PageFailedError(
            f"{page}:{block.line} ends with {code}:\n{block.commands}\n{told[-4000:]}"
        )
    _compare(block, told, page)


def _compare(block: Block, told: str, page: Path) -> None:
    if block.expected is not None and not matches(block.expected, told):
        raise PageFailedError(
            f"{page}:{block.line} prints\n{told[-4000:]}\nbut the page says\n{block.expected}"
        )


def _started(
    block: Block, checkout: Path, environment: dict[str, str], output: Path
) -> subprocess.Popen[bytes]:
    with output.open("wb") as file:
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", block.commands],
            cwd=checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def _await_words(process: subprocess.Popen[bytes], block: Block, output: Path, page: Path) -> None:
    assert block.until is not None
    deadline = time.monotonic() + _BLOCK_S
    while block.until not in (told := output.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise PageFailedError(
                f"{page}:{block.line} has not printed “{block.until}”:\n{told[-4000:]}"
            )
        time.sleep(0.1)
    _compare(block, told, page)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started: first asked, then forced."""
    for each in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        os.killpg(process.pid, each)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            continue
    if process.stdin is not None:
        process.stdin.close()
    if process.stdout is not None:
        process.stdout.close()
