"""Documents' folders below a local root: `documents/ab/<id>/<digest>`, in generations (L31).

The port tells what the generations are for. The first one's files lie in the document's folder
itself, a later one's in `<generation>/` inside it. That a generation has begun is an empty folder
`retired/ab/<id>/<generation>`. Whoever writes a file links (or touches) it first and looks for
these then; `retire` makes its folder first and looks at the files then. When a file was put or
taken is its inode's change time: links and touches set it, and nobody can set it back.

Neither marks nor touches are synced: a crash that loses them also ends the doors that relied on
them and the sweeps that were about to remove. All are on one machine.

Everything here blocks. What writes answers descriptors to sync before it counts; who gets them
closes them.
"""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path
from uuid import uuid4

from docaxis_adapters.local_links import close_all, link_under_digest
from docaxis_adapters.local_upload import StagedNames
from docaxis_adapters.safe_folder import (
    checked_digest,
    checked_id,
    open_new,
    open_to_read,
    opened_folder,
    remove_quietly,
    write_all,
)
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.file_store import StoredFile

_DOCUMENTS = "documents"
_MARKS = "retired"
_SHARDS = tuple(f"{shard:02x}" for shard in range(256))
_TRIES = 5

Names = tuple[str, ...]
"""A folder below the root, step by step."""


class _Replaced(Exception):
    """An upload's name stands for another file by now, or for none."""


class LocalDocuments:
    """See the module."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._marks = str(root / _MARKS)

    def prepare(self) -> None:
        """Make the folders that all documents share, and remove what a crash left of a `put`."""
        with opened_folder(self._root, "incoming", make=True) as incoming:
            for name in os.listdir(incoming):
                remove_quietly(name, incoming)
        for shared in (_DOCUMENTS, _MARKS):
            with opened_folder(self._root, shared, make=True) as folder:
                # All shards now, so that a new document never waits for a third folder's sync.
                for shard in _SHARDS:
                    with suppress(FileExistsError):
                        os.mkdir(shard, 0o700, dir_fd=folder)
                os.fsync(folder)

    def take(
        self, uploads: StagedNames, system_id: str, upload_ids: Sequence[str], document_id: str
    ) -> tuple[list[int], list[StoredFile]]:
        """Link uploads into the document's folder. Raises `FileNotFoundError` before the first."""
        for _ in range(_TRIES):
            with suppress(_Replaced):
                return self._take(uploads, system_id, upload_ids, document_id)
        raise FileNotFoundError(f"{upload_ids} are replaced again and again")

    def _take(
        self, uploads: StagedNames, system_id: str, upload_ids: Sequence[str], document_id: str
    ) -> tuple[list[int], list[StoredFile]]:
        opened: list[int] = []
        taken: list[StoredFile] = []

        def link_all(folder: int) -> None:
            for descriptor, each in zip(opened, taken, strict=True):
                try:
                    link_under_digest(descriptor, each.digest, folder)
                except FileNotFoundError:
                    if os.fstat(descriptor).st_nlink == 0:
                        raise _Replaced from None
                    raise

        try:
            with opened_folder(self._root, "staging", system_id) as staging:
                for upload_id in upload_ids:
                    opened.append(open_to_read(upload_id, staging))
                    taken.append(uploads.digest_of(system_id, upload_id, opened[-1]))
            return opened + self._write(document_id, link_all), taken
        except BaseException:
            close_all(opened)
            raise

    def put(self, document_id: str, digest: str, content: bytes) -> list[int]:
        """Write a file and link it into the document's folder. Raises `ValueError`."""
        if sha256(content).hexdigest() != digest:
            raise ValueError(f"the bytes do not give {digest}")
        name = uuid4().hex
        with opened_folder(self._root, "incoming") as incoming:
            descriptor = open_new(name, incoming)
            try:
                write_all(descriptor, content)
                folders = self._write(
                    document_id, lambda folder: link_under_digest(descriptor, digest, folder)
                )
            except BaseException:
                os.close(descriptor)
                raise
            finally:
                remove_quietly(name, incoming)
        return [descriptor, *folders]

    def open(self, document_id: str, digest: str) -> FileIO:
        """A file object, so that a reader who is cancelled leaves no descriptor behind."""
        return self._find(document_id, digest)[0]

    def path(self, document_id: str, digest: str) -> Path:
        """Where the file lies. Raises `FileNotFoundError`."""
        file, names = self._find(document_id, digest)
        file.close()
        return self._root.joinpath(*names, digest)

    def remove(self, document_id: str, digests: Sequence[str] | None) -> list[int]:
        """Remove these files, or all, of every generation."""
        opened: list[int] = []
        for names in list(self._generations(document_id)):
            opened += self._remove_files(names, digests)
        return opened + self._remove_folders(document_id) if opened else opened

    def documents(self) -> list[str]:
        """Ids of the documents that have a folder, sorted."""
        found: list[str] = []
        for shard in _SHARDS:
            with opened_folder(self._root, _DOCUMENTS, shard) as folder:
                found += os.listdir(folder)
        return sorted(found)

    def digests(self, document_id: str) -> list[str]:
        """Names of the document's files, sorted."""
        found: set[str] = set()
        for names in self._generations(document_id):
            with suppress(FileNotFoundError), opened_folder(self._root, *names) as folder:
                found.update(_files_in(folder))
        return sorted(found)

    def retire(self, document_id: str, untouched_since_ms: int) -> int | None:
        """See the port."""
        last = self._last(document_id)
        touched = self._touched(document_id)
        if _any_since(untouched_since_ms, touched.values()):
            return None
        newest = max(touched, default=0)
        if newest >= last:
            last = newest + 1
            self._begin(document_id, last)
            touched = self._touched(document_id)
        older = [at for generation, at in touched.items() if generation < last]
        return None if _any_since(untouched_since_ms, older) else last

    def remove_retired(self, document_id: str, generation: int) -> list[int]:
        """See the port."""
        opened: list[int] = []
        for names in list(self._generations(document_id)):
            if _generation(names) < generation:
                opened += self._remove_files(names, None)
        return opened + self._remove_folders(document_id)

    def forget_retired(self, older_than_ms: int) -> None:
        """See the port."""
        for shard in _SHARDS:
            with opened_folder(self._root, _MARKS, shard) as marks:
                for document_id in os.listdir(marks):
                    with opened_folder(self._root, _MARKS, shard, document_id) as folder:
                        for name in os.listdir(folder):
                            if os.stat(name, dir_fd=folder).st_mtime_ns < older_than_ms * 10**6:
                                os.rmdir(name, dir_fd=folder)
                    with suppress(OSError):  # others are there
                        os.rmdir(document_id, dir_fd=marks)

    def _write(self, document_id: str, link: Callable[[int], None]) -> list[int]:
        """`link` into the last generation's folder; again where another began meanwhile.

        Answers descriptors of the folders whose names must be synced.
        """
        generation = 0
        for _ in range(_TRIES):
            names = _folder_of(document_id, generation)
            try:
                with opened_folder(self._root, *names, make=True) as folder:
                    link(folder)
                    last = self._last(document_id)
                    if last == generation:
                        parents = self._parents(names)
                        return [os.dup(folder), *parents]
                    generation = last
            except FileNotFoundError:
                continue  # a sweep removed the folder while it was empty
        raise Unavailable(f"{document_id} is being swept again and again")

    def _parents(self, names: Names) -> list[int]:
        """The folders above, as far as the shard, which was always there."""
        with ExitStack() as stack:
            parents = [
                stack.enter_context(opened_folder(self._root, *names[:above]))
                for above in range(len(names) - 1, 1, -1)
            ]
            return [os.dup(parent) for parent in parents]

    def _find(self, document_id: str, digest: str) -> tuple[FileIO, Names]:
        checked_digest(digest)
        for names in self._generations(document_id):
            with suppress(FileNotFoundError), opened_folder(self._root, *names) as folder:
                return FileIO(open_to_read(digest, folder)), names
        raise FileNotFoundError(f"{document_id}/{digest}")

    def _last(self, document_id: str) -> int:
        """The generation to write into. One system call for all but folders that were retired."""
        try:
            names = os.listdir(f"{self._marks}/{_shard(document_id)}/{document_id}")
        except FileNotFoundError:
            return 0
        return max((int(each) for each in names), default=0)

    def _begin(self, document_id: str, generation: int) -> None:
        names = (_MARKS, _shard(document_id), document_id, str(generation))
        with opened_folder(self._root, *names, make=True):
            pass

    def _generations(self, document_id: str) -> Iterator[Names]:
        """The generations' folders: the first, where nearly all files are, then the newest."""
        first = _folder_of(document_id, 0)
        yield first
        with suppress(FileNotFoundError):
            with opened_folder(self._root, *first) as folder:
                later = [int(each) for each in os.listdir(folder) if _is_generation(each)]
            yield from (_folder_of(document_id, each) for each in sorted(later, reverse=True))

    def _touched(self, document_id: str) -> dict[int, int]:
        """Generations that have files, and when one of each was last put or taken (Unix ns)."""
        found: dict[int, int] = {}
        for names in self._generations(document_id):
            with suppress(FileNotFoundError), opened_folder(self._root, *names) as folder:
                for name in _files_in(folder):
                    with suppress(FileNotFoundError):
                        at = os.stat(name, dir_fd=folder, follow_symlinks=False).st_ctime_ns
                        found[_generation(names)] = max(at, found.get(_generation(names), 0))
        return found

    def _remove_files(self, names: Names, digests: Sequence[str] | None) -> list[int]:
        try:
            with opened_folder(self._root, *names) as folder:
                for name in _files_in(folder) if digests is None else digests:
                    remove_quietly(name, folder)
                return [os.dup(folder)]
        except FileNotFoundError:
            return []

    def _remove_folders(self, document_id: str) -> list[int]:
        """Those that are empty; a file that was taken meanwhile keeps its folder."""
        first = _folder_of(document_id, 0)
        for names in [*list(self._generations(document_id))[1:], first]:
            with suppress(OSError), opened_folder(self._root, *names[:-1]) as above:
                os.rmdir(names[-1], dir_fd=above)
        return self._parents(first)


def _shard(document_id: str) -> str:
    """Of a hash of its own: the first letters of computed ids need not be spread evenly."""
    return sha256(checked_id(document_id).encode()).hexdigest()[:2]


def _folder_of(document_id: str, generation: int) -> Names:
    first = (_DOCUMENTS, _shard(document_id), document_id)
    return (*first, str(generation)) if generation else first


def _generation(names: Names) -> int:
    return int(names[3]) if len(names) > 3 else 0


def _is_generation(name: str) -> bool:
    return name.isdigit() and len(name) < 64  # a digest has 64 digits, all of them may be decimal


def _files_in(folder: int) -> list[str]:
    return [name for name in os.listdir(folder) if not _is_generation(name)]


def _any_since(moment_ms: int, times_ns: Collection[int]) -> bool:
    return any(each >= moment_ms * 10**6 for each in times_ns)
