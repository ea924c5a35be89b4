"""A line to the axis that is cut again and again, in the middle of what it carries."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_CHUNK = 64 * 1024


@dataclass(slots=True)
class CutLine:
    """A proxy of one address; each connection that is open when a mark is passed is reset."""

    port: int
    """Of the axis."""
    url: str = ""
    up: int = 0
    """Bytes carried to the axis so far."""
    down: int = 0
    cuts: int = 0
    _marks_up: list[int] = field(default_factory=list)
    _marks_down: list[int] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut_at(self, *, up: Sequence[int] = (), down: Sequence[int] = ()) -> None:
        """Cut when so many further bytes were carried to the axis, or from it."""
        self._marks_up = [self.up + each for each in up]
        self._marks_down = [self.down + each for each in down]

    @property
    def left(self) -> int:
        """Cuts that are still to come."""
        return len(self._marks_up) + len(self._marks_down)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways."""
        try:
            there = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, there[1]}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, there[1], up=True))
                both.create_task(self._carry(there[0], writer, up=False))
        except* OSError:
            pass
        finally:
            for each in (writer, there[1]):
                each.transport.abort()
                self._open.discard(each)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
            if up:
                self.up += len(chunk)
            else:
                self.down += len(chunk)
            marks = self._marks_up if up else self._marks_down
            if marks and (self.up if up else self.down) >= marks[0]:
                marks.pop(0)
                self.cuts += 1
                for each in list(self._open):
                    each.transport.abort()
                raise ConnectionResetError
        raise ConnectionResetError  # one side has ended: so does the other


@asynccontextmanager
async def cut_line(port: int) -> AsyncIterator[CutLine]:
    """A line to the axis on this port; `url` is what clients are given."""
    line = CutLine(port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
