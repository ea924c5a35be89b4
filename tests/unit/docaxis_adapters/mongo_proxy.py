"""A MongoDB server as a client sees it through a bad line: answers lost, changed, or never asked.

It reads the messages that pass (OP_MSG, and OP_QUERY for the first `hello`), so a test can name the
command that meets the misfortune, and look at what was asked.
"""

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import bson

Document = dict[str, Any]
_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013


class MongoProxy:
    """Passes messages on. Commands are named as in the protocol: `find`, `commitTransaction`."""

    def __init__(self, address: str) -> None:
        server = urlsplit(address)
        assert server.hostname is not None and server.port is not None
        self._server = (server.hostname, server.port)
        self.address = ""
        self.commands: list[tuple[str, Document]] = []
        """What was asked, in order; `hello` is left out."""
        self.unheard: Counter[str] = Counter()
        """How many times the next such command does not reach the server: the line breaks."""
        self.unanswered: Counter[str] = Counter()
        """How many times the next such command is done and the line breaks before its answer."""
        self.held: Counter[str] = Counter()
        """How many times the next such command is kept: not done, and the line stays."""
        self.holds = asyncio.Event()
        """Set when a command was kept."""
        self.before_break: Callable[[], Awaitable[None]] | None = None
        """Awaited when an answer is lost, before the client can know."""
        self.answers: dict[str, Callable[[Document], Document]] = {}
        """Changes the answers to a command."""
        self._tasks: set[asyncio.Task[None]] = set()

    def asked(self, command: str) -> list[Document]:
        """All commands of this name that came."""
        return [document for name, document in self.commands if name == command]

    async def serve(
        self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter
    ) -> None:
        """One connection of a client."""
        with suppress(OSError, asyncio.IncompleteReadError):
            server_in, server_out = await asyncio.open_connection(*self._server)
            asked: asyncio.Queue[str] = asyncio.Queue()
            back = asyncio.create_task(self._answer(server_in, client_out, asked))
            self._tasks.add(back)
            try:
                while True:
                    message = await _message(client_in)
                    name = self._note(message)
                    if self.unheard[name] > 0:
                        self.unheard[name] -= 1
                        break
                    if self.held[name] > 0:
                        self.held[name] -= 1
                        self.holds.set()
                        continue
                    asked.put_nowait(name)
                    server_out.write(message)
                    await server_out.drain()
            finally:
                back.cancel()
                self._tasks.discard(back)
                server_out.close()
                client_out.close()

    async def _answer(
        self,
        server_in: asyncio.StreamReader,
        client_out: asyncio.StreamWriter,
        asked: "asyncio.Queue[str]",
    ) -> None:
        name = ""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                message = await _message(server_in)
                if not asked.empty():  # a streaming hello is answered again and again
                    name = asked.get_nowait()
                if self.unanswered[name] > 0:
                    self.unanswered[name] -= 1
                    if self.before_break is not None:
                        await self.before_break()
                    break
                if name in self.answers:
                    message = _changed(message, self.answers[name])
                client_out.write(message)
                await client_out.drain()
        client_out.close()

    def _note(self, message: bytes) -> str:
        document = _first_document(message)
        name = next(iter(document)).lower() if document else ""
        if name in ("hello", "ismaster"):
            return "hello"
        name = next(iter(document), "")
        self.commands.append((name, document))
        return name


@asynccontextmanager
async def mongo_proxy(address: str) -> AsyncIterator[MongoProxy]:
    """A proxy before the server at `address`, on a free port."""
    proxy = MongoProxy(address)
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with suppress(asyncio.CancelledError):  # the streams of Python 3.11 would complain of it
            await proxy.serve(reader, writer)
        connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy.address = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    try:
        yield proxy
    finally:
        server.close()
        for task in tuple(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def _message(reader: asyncio.StreamReader) -> bytes:
    length = await reader.readexactly(4)
    return length + await reader.readexactly(struct.unpack("<i", length)[0] - 4)


def _documents_at(message: bytes) -> int:
    """Where the first document of a message begins."""
    (opcode,) = struct.unpack_from("<i", message, 12)
    if opcode == _OP_MSG:
        return 21
    if opcode == _OP_REPLY:
        return 36
    assert opcode == _OP_QUERY
    return message.index(b"\0", 20) + 9


def _first_document(message: bytes) -> Document:
    at = _documents_at(message)
    (length,) = struct.unpack_from("<i", message, at)
    document = bson.decode(message[at : at + length])
    if struct.unpack_from("<i", message, 12)[0] == _OP_MSG and len(message) > at + length:
        document.update(_sequence(message, at + length))
    return document


def _sequence(message: bytes, at: int) -> Document:
    """A further section of documents, like `updates`, by its name."""
    if message[at] != 1:
        return {}
    (size,) = struct.unpack_from("<i", message, at + 1)
    end = message.index(b"\0", at + 5)
    return {message[at + 5 : end].decode(): bson.decode_all(message[end + 1 : at + 1 + size])}


def _changed(message: bytes, change: Callable[[Document], Document]) -> bytes:
    at = _documents_at(message)
    (length,) = struct.unpack_from("<i", message, at)
    document = change(bson.decode(message[at : at + length]))
    changed = message[:at] + bson.encode(document) + message[at + length :]
    return struct.pack("<i", len(changed)) + changed[4:]
