"""A stored file on its way out, piece by piece; a whole read is checked against its digest."""

import os
from collections.abc import Callable
from hashlib import sha256
from io import FileIO
from threading import Lock

from docaxis_adapters.local_upload import CHUNK


class LocalReading:
    """Bytes `start` (inclusive) to `end` (exclusive) of a file that is opened with its first piece.

    So a small file is one step. `next` blocks; the other methods do not.
    """

    def __init__(
        self, opened: Callable[[], FileIO], digest: str, start: int, end: int | None
    ) -> None:
        self._opened = opened
        self._digest = digest
        self._at = start
        self._end = end
        self._file: FileIO | None = None
        self._size = self._stop = 0
        self._hasher = sha256() if start == 0 else None
        self._working = Lock()
        self._left = False
        self.ended = False
        """Nothing is left to read."""

    def next(self) -> bytes:
        """The next piece, empty where there is none; a whole read's last one is checked before.

        Raises `FileNotFoundError`, and `OSError` where the bytes give another digest.
        """
        with self._working:
            try:
                return self._next()
            except BaseException:
                self.ended = True
                raise
            finally:
                if self.ended or self._left:
                    self._close()

    def leave(self) -> None:
        """Read no more. A step that is under way in its thread closes the file at its end."""
        self._left = True
        if self._working.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._working.release()

    def _next(self) -> bytes:
        if self._file is None:
            self._open()
        assert self._file is not None  # noqa: S101 - opened by the lines above
        chunk = os.pread(self._file.fileno(), min(CHUNK, max(0, self._stop - self._at)), self._at)
        self._at += len(chunk)
        self.ended = self._at >= self._stop or not chunk
        if self._hasher is not None:
            self._hasher.update(chunk)
            if self.ended and self._hasher.hexdigest() != self._digest:
                raise OSError(f"{self._digest}: the bytes give another digest")
        return chunk

    def _open(self) -> None:
        self._file = self._opened()
        self._size = os.fstat(self._file.fileno()).st_size
        self._stop = self._size if self._end is None else min(self._end, self._size)
        if self._stop != self._size:
            self._hasher = None

    def _close(self) -> None:
        self.ended = True
        if self._file is not None:
            self._file.close()
            self._file = None
