"""What the client's parts share: typed GET, POST and PUT, and paths made of foreign words."""

from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from docaxis_client.tokens import new_key
from docaxis_client.transport import Request, Transport

_T = TypeVar("_T")


class Calls:
    """Typed calls over one transport."""

    _transport: Transport

    async def _get(self, path: str, answer: type[_T]) -> _T:
        reply = await self._transport.call(Request("GET", path))
        return msgspec.json.decode(reply.body, type=answer)

    async def _post(self, path: str, content: Any, answer: type[_T], key: str | None) -> _T:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or new_key()}
        body = msgspec.json.encode(content)
        reply = await self._transport.call(Request("POST", path, headers, body))
        return msgspec.json.decode(reply.body, type=answer)

    async def _put(self, path: str, content: Any, answer: type[_T]) -> _T:
        headers = {"Content-Type": "application/json"}
        body = msgspec.json.encode(content)
        reply = await self._transport.call(Request("PUT", path, headers, body))
        return msgspec.json.decode(reply.body, type=answer)


def path_of(path: str, **query: object) -> str:
    """Add a query to a path; absent and empty values stay out."""
    given = {name: value for name, value in query.items() if value is not None and value != ""}
    return f"{path}?{urlencode(given)}" if given else path


def segment(text: str) -> str:
    """Make one segment of a path out of any words."""
    return quote(text, safe="")


def present(**fields: object) -> dict[str, object]:
    """Leave out what is not given: the axis refuses a field that says nothing."""
    return {name: value for name, value in fields.items() if value is not None}
