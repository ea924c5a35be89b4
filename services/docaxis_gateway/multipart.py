"""A document with its files in one request (multipart/form-data), without holding a file in memory.

The parser is pushed with what comes from the network; file parts go on to the file store as they
come, measured on the way. Rules (tests carry their numbers):

- M1 The part `document` comes first: only then it is known which other parts are expected.
- M2 Every further part is one that `files[].part` or `files[].signature.part` names, and comes
  once.
- M3 Every part that is named has come at the end, complete, and none of them is empty.
- M4 Whatever goes wrong, a cut connection included, nothing stays in the staging area.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.ports.file_store import FileStore, StagedUpload, StoredFile
from docaxis_gateway.bodies import parse_json, require_declared_size
from docaxis_gateway.problems import field_error, fields_error
from docaxis_gateway.request_models import SubmitDocument
from docaxis_gateway.settings import GatewaySettings

_DOCUMENT = "document"
_LARGEST_HEADERS = 8 * 1024


@dataclass(frozen=True, slots=True)
class StagedPart:
    """A file part that lies in the staging area."""

    upload_id: str
    stored: StoredFile


@dataclass(frozen=True, slots=True)
class MultipartSubmission:
    """The document, and its staged parts by their names."""

    document: SubmitDocument
    parts: dict[str, StagedPart]


class MultipartReader:
    """Reads one request; `discard` takes back what it staged."""

    def __init__(self, files: FileStore, system_id: str, settings: GatewaySettings) -> None:
        self._files = files
        self._system_id = system_id
        self._settings = settings
        self._document: SubmitDocument | None = None
        self._expected: dict[str, str] = {}
        self._staged: dict[str, StagedPart] = {}
        self._open: tuple[str, str, StagedUpload] | None = None
        self._text = bytearray()
        self._size = 0

    async def read(self, request: Request) -> MultipartSubmission:
        """Read to the end. Raises `DocaxisError`, `ClientDisconnect`; nothing stays then (M4)."""
        try:
            async for kind, value in _events(request, self._settings.max_multipart_bytes):
                if kind == "begin":
                    await self._begin(value)
                elif kind == "data":
                    await self._data(value)
                else:
                    await self._end()
            return self._finish()
        except BaseException:
            await self.discard()
            raise

    async def discard(self) -> None:
        """Remove what was staged; harmless when called again."""
        if self._open is not None:
            await self._open[2].abort()
            self._open = None
        staged, self._staged = self._staged, {}
        for part in staged.values():
            await self._files.discard(self._system_id, part.upload_id)

    async def _begin(self, name: str) -> None:
        self._size = 0
        if self._document is None:
            if name != _DOCUMENT:
                raise field_error(f"/{_DOCUMENT}", "document_part_first")
            return
        if name not in self._expected or name in self._staged:
            raise DocaxisError("part_unknown", {"part": name[:100]})
        upload_id = new_id()
        self._open = (name, upload_id, await self._files.stage(self._system_id, upload_id))

    async def _data(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._open is None:
            if self._size > self._settings.max_json_bytes:
                raise DocaxisError("body_too_large", {"limit": str(self._settings.max_json_bytes)})
            self._text += chunk
            return
        if self._size > self._settings.max_file_bytes:
            pointer = self._expected[self._open[0]]
            raise field_error(pointer, "file_too_large", limit=str(self._settings.max_file_bytes))
        await self._open[2].write(chunk)

    async def _end(self) -> None:
        if self._open is None:
            self._document = parse_json(bytes(self._text), SubmitDocument)
            self._text.clear()
            self._expected = _named_parts(self._document)
            return
        name, upload_id, upload = self._open
        if self._size == 0:
            raise field_error(self._expected[name], "file_empty")
        stored = await upload.finish()
        self._open = None
        self._staged[name] = StagedPart(upload_id, stored)

    def _finish(self) -> MultipartSubmission:
        if self._document is None:
            raise field_error(f"/{_DOCUMENT}", "document_part_first")
        missing = [
            FieldProblem(pointer, "file_missing")
            for name, pointer in self._expected.items()
            if name not in self._staged
        ]
        if missing:
            raise fields_error(missing)
        return MultipartSubmission(self._document, dict(self._staged))


def _named_parts(document: SubmitDocument) -> dict[str, str]:
    """Names of the parts that the document speaks of, with the pointers that do."""
    pointers: dict[str, str] = {}
    for index, file in enumerate(document.files):
        named = [(file.part, f"/files/{index}/part")]
        if file.signature is not None:
            named.append((file.signature.part, f"/files/{index}/signature/part"))
        for name, pointer in named:
            if name is None:
                continue
            if name in pointers or name == _DOCUMENT:
                expected = "a part name of its own"
                raise field_error(pointer, "field_invalid", expected=expected)
            pointers[name] = pointer
    return pointers


async def _events(request: Request, limit: int) -> AsyncIterator[tuple[str, Any]]:
    """`("begin", name)`, `("data", bytes)`…, `("end", None)` for each part in turn."""
    require_declared_size(request, limit)
    collected: list[tuple[str, Any]] = []
    collector = _Collector(collected)
    try:
        parser = MultipartParser(_boundary(request), collector.callbacks())
        total = 0
        async for chunk in request.stream():
            total += len(chunk)
            if total > limit:
                raise DocaxisError("body_too_large", {"limit": str(limit)})
            parser.write(chunk)
            for event in collected:
                yield event
            collected.clear()
        parser.finalize()
    except FormParserError:
        raise DocaxisError("malformed_multipart") from None
    if not collector.complete:
        raise DocaxisError("malformed_multipart")


def _boundary(request: Request) -> bytes:
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise DocaxisError("malformed_multipart")
    return boundary


class _Collector:
    """Turns the parser's callbacks into events; they cannot wait, so they only collect."""

    def __init__(self, events: list[tuple[str, Any]]) -> None:
        self._events = events
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._headers_size = 0
        self.complete = False

    def callbacks(self) -> Any:
        """What the parser calls."""
        calls: dict[str, Callable[..., None]] = {
            "on_part_begin": self._part_begin,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_header_field": self._header_field,
            "on_header_value": self._header_data,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_end": self._end,
        }
        return calls

    def _part_begin(self) -> None:
        self._headers = {}
        self._headers_size = 0

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(("data", data[start:end]))

    def _part_end(self) -> None:
        self._events.append(("end", None))

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += self._counted(data[start:end])

    def _header_data(self, data: bytes, start: int, end: int) -> None:
        self._header_value += self._counted(data[start:end])

    def _header_end(self) -> None:
        self._headers[bytes(self._header_name).lower()] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        kind, options = parse_options_header(disposition)
        name = options.get(b"name", b"")
        if kind != b"form-data" or not name:
            raise DocaxisError("malformed_multipart")
        # The file's name is that of the document's JSON; the part's own is not looked at.
        self._events.append(("begin", name.decode("utf-8", "replace")))

    def _end(self) -> None:
        self.complete = True

    def _counted(self, data: bytes) -> bytes:
        self._headers_size += len(data)
        if self._headers_size > _LARGEST_HEADERS:
            raise DocaxisError("malformed_multipart")
        return data
