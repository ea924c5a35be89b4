"""Doors and sweeps of L31 on real stores that a test stops at each of their steps."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from obstore.store import MemoryStore

from docaxis_adapters.local_documents import LocalDocuments
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_routing.card import Cards
from docaxis_routing.domain.facts import Resolved
from docaxis_routing.domain.messages import DocumentBrief, SubmitDocument
from docaxis_routing.file_sweep import FileSweep
from docaxis_routing.folder_marks import FolderMarks
from docaxis_routing.submission import SubmissionDoor
from tests.unit.docaxis_routing.interleaving import Process, Run, Work

LETTER = b"%PDF-1.7 letter"
DAY_MS = 24 * 3_600_000
AHEAD = 100
"""Folders that are left behind together: one wait for the clock is enough for all."""
OpenFiles = Callable[[Process], Awaitable[FileStore]]


class SteppedDocuments(LocalDocuments):
    """A local store's folders, one visible change or look at a time."""

    def __init__(self, root: Path, turn: Callable[[], None]) -> None:
        super().__init__(root)
        self._turn = turn

    def _write(self, document_id: str, link: Callable[[int], None]) -> list[int]:
        def step(folder: int) -> None:
            self._turn()
            link(folder)

        return super()._write(document_id, step)

    def _last(self, document_id: str) -> int:
        self._turn()
        return super()._last(document_id)

    def _begin(self, document_id: str, generation: int) -> None:
        self._turn()
        super()._begin(document_id, generation)

    def _touched(self, document_id: str) -> dict[int, int]:
        self._turn()
        return super()._touched(document_id)

    def _remove_files(self, names: tuple[str, ...], digests: Sequence[str] | None) -> list[int]:
        self._turn()
        return super()._remove_files(names, digests)

    def _remove_folders(self, document_id: str) -> list[int]:
        self._turn()
        return super()._remove_folders(document_id)


class SteppedObjects:
    """obstore's store in memory, one request at a time; staging is no part of what is shared."""

    keep = False
    """Whether an object that is there is left as it is: it would not be touched."""

    def __init__(self, memory: MemoryStore, turn: Callable[[], None]) -> None:
        self._memory = memory
        self._turn = turn

    def _step(self, key: str) -> None:
        if not key.startswith("staging/"):
            self._turn()

    async def head_async(self, key: str) -> Any:
        self._step(key)
        return self._memory.head(key)

    async def get_async(self, key: str, **options: Any) -> Any:
        self._step(key)
        return _Got(self._memory.get(key, **options))

    async def put_async(self, key: str, content: bytes, **_: Any) -> None:
        self._step(key)
        if not self._kept(key):
            self._memory.put(key, content)

    async def copy_async(self, source: str, target: str) -> None:
        self._step(target)
        if not self._kept(target):
            self._memory.copy(source, target)

    def _kept(self, key: str) -> bool:
        if self.keep:
            with suppress(FileNotFoundError):
                return bool(self._memory.head(key))
        return False

    async def delete_async(self, keys: list[str]) -> None:
        for key in keys:  # a store may stop between two
            self._step(key)
            self._memory.delete(key)

    async def list_with_delimiter_async(self, prefix: str) -> Any:
        return self._memory.list_with_delimiter(prefix)

    async def list(self, prefix: str, chunk_size: int) -> AsyncIterator[Any]:
        if prefix.count("/"):  # of one document
            self._step(prefix)
        for page in self._memory.list(prefix, chunk_size=chunk_size):
            yield page


class _Got:
    def __init__(self, got: Any) -> None:
        self._got = got
        self.meta = got.meta

    async def bytes_async(self) -> Any:
        return self._got.bytes()


class OneFolder:
    """A store as a sweep sees it that has one folder to look at."""

    def __init__(self, files: FileStore, document_id: str) -> None:
        self._files = files
        self._document_id = document_id

    async def documents(self) -> list[str]:
        return [self._document_id]

    async def remove_all(self, document_id: str, _: int) -> None:
        await self._files.remove(document_id)

    async def expire_staging(self, _: int) -> int:
        return 0

    async def forget_retired(self, _: int) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)


@dataclass(frozen=True, slots=True)
class Door:
    """A front door, a view and a registry: what is appended is decided at once, and seen."""

    submitted: dict[str, DocumentBrief]
    turn: Callable[[], None]
    view_behind: bool = False

    async def ask(self, command: Any, **_: Any) -> object | None:
        """None stands for an answer that did not come in time."""
        if not isinstance(command, SubmitDocument):
            return object()
        self.turn()
        self.submitted[command.brief.document_id] = command.brief
        return None

    async def get_many(self, _: str, keys: Sequence[str]) -> dict[str, object]:
        return {key: object() for key in keys if key in self.submitted and not self.view_behind}

    async def get_passing_end(self, _: str, key: str, __: int) -> object | None:
        self.turn()
        return self.submitted.get(key)

    async def resolve(self, codes: Sequence[str], _: int) -> dict[str, Resolved]:
        return {code: Resolved(f"org-{code}") for code in codes}


class Axis:
    """Processes on one file store and one log."""

    def __init__(self, open_files: OpenFiles) -> None:
        self._open_files = open_files
        self.submitted: dict[str, DocumentBrief] = {}
        self.files: dict[str, FileStore] = {}
        self._processes: list[Process] = []
        self._reader = self.process("reader")
        self._left_behind: list[tuple[str, str]] = []
        self._untouched_since = 0
        self._documents = 0

    def process(self, name: str) -> Process:
        """A new process, with the store open."""
        process = Process(name)

        async def prepare() -> None:
            self.files[name] = await self._open_files(process)

        process.do(prepare)
        self._processes.append(process)
        return process

    def known(self, name: str) -> Process:
        """The process of this name; a new one the first time."""
        found = [each for each in self._processes if each.name == name]
        return found[0] if found else self.process(name)

    def submit(
        self,
        process: Process,
        document: str,
        into: dict[str, DocumentBrief] | None = None,
        clock: Callable[[], int] = lambda: 0,
    ) -> Work:
        """A door's work."""
        door = cast(Any, Door(self.submitted if into is None else into, process.turn))
        files = self.files[process.name]
        submission = SubmissionDoor(door, files, Cards(files), door, FolderMarks(), clock, 4, 500)
        return lambda: submission.submit(_request(document))

    def sweep(
        self, process: Process, document_id: str, *, later: bool = False, view_behind: bool = False
    ) -> Work:
        """A sweep's work: a day after the folder was left behind, or many days."""
        door = cast(Any, Door(self.submitted, process.turn, view_behind))
        now = self._untouched_since + DAY_MS * (10 if later else 1)
        sweep = FileSweep(
            cast(FileStore, OneFolder(self.files[process.name], document_id)),
            door,
            door,
            FolderMarks(),
            4,
            lambda: now,
            keep_hours=24.0,
            every_s=3600.0,
        )
        return sweep.sweep

    def left_behind(self) -> tuple[str, str]:
        """A document, by number and id, whose folder a door left behind: it appended nothing."""
        if not self._left_behind:
            for _ in range(AHEAD):
                self._documents += 1
                lost: dict[str, DocumentBrief] = {}
                number = str(self._documents)
                self._reader.do(partial(self._upload, number))
                self._reader.do(self.submit(self._reader, number, into=lost))
                self._left_behind.append((number, next(iter(lost))))
            # Inodes' clocks tick every few ms: this moment is behind what was touched above, and
            # before what is touched below.
            time.sleep(0.02)
            self._untouched_since = time.time_ns() // 10**6
            time.sleep(0.02)
        return self._left_behind.pop()

    async def _upload(self, upload_id: str) -> None:
        staged = await self.files["reader"].stage("system", upload_id)
        await staged.write(LETTER)
        await staged.finish()

    def check_files(self, document_id: str) -> None:
        """What must never fail: a submitted document has its files, whole."""
        if (brief := self.submitted.get(document_id)) is not None:
            for digest in (brief.card_digest, brief.files[0].digest):
                assert self._content(document_id, digest), "a submitted file is gone"

    def _content(self, document_id: str, digest: str) -> bytes:
        found: list[bytes] = []

        async def read() -> None:
            with suppress(FileNotFoundError):
                async for chunk in self.files["reader"].read(document_id, digest):
                    found.append(chunk)

        self._reader.do(read)
        return b"".join(found)

    def check_recovery(self, run: Run, number: str, document_id: str) -> None:
        """Whoever stopped: no folder stays for ever, and the document can be sent again."""
        if document_id not in self.submitted:
            for each in run.stopped:
                if each.name.startswith("door"):
                    each.kill()
            self._reader.do(self.sweep(self._reader, document_id, later=True))
            assert document_id not in self._folders(), "a folder stays"
            self._reader.do(self.submit(self._reader, number))
        for each in run.stopped:
            each.finish()
        self.check_files(document_id)

    def remove(self, document_id: str) -> None:
        """Make room."""
        self._reader.do(lambda: self.files["reader"].remove(document_id))

    def _folders(self) -> list[str]:
        found: list[str] = []

        async def ask() -> None:
            found.extend(await self.files["reader"].documents())

        self._reader.do(ask)
        return found

    def end(self) -> None:
        """Close the stores and end the threads."""
        for process in self._processes:
            store = cast(Any, self.files[process.name])
            process.do(store.close)
            process.end()


def _request(document: str) -> pb.SubmitDocumentRequest:
    file = pb.UploadedFile(upload_id=document, name="a.pdf", media_type="application/pdf")
    return pb.SubmitDocumentRequest(
        system_id="system",
        sender_code="G22",
        recipient_codes=["H26"],
        served_organisation_ids=["org-G22"],
        sender_document_id=document,
        business_type="new",
        promulgated_on="2026-11-22",
        subject="Về việc tiếp nhận văn bản điện tử",
        files=[file],
    )
