"""A document with its small files: one message becomes the body that `POST /documents` takes, and
`POST /documents:check`.

Without parts that is JSON; with parts it is multipart, so that the files are staged, bounded and
removed by the code that does it for REST.
"""

import secrets
from typing import Any

import msgspec

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.public_grpc.exchange import Request
from docaxis_gateway.public_grpc.messages import json_request, members
from docaxis_gateway.public_grpc.routes import Route

_NOT_IN_A_NAME = '"\\'


def submit_request(route: Route, message: Any) -> tuple[Request, bytes]:
    """The request, and its body. Raises `part_unknown` for a name that no document can have."""
    parts = dict(message.parts)
    message.ClearField("parts")
    document = members(message)
    document.pop("parts", None)
    if not parts:
        return json_request(route, route.path, document)
    boundary = secrets.token_hex(16).encode()
    body = bytearray(_part(boundary, b"document", msgspec.json.encode(document)))
    for name, content in parts.items():
        if not name or not name.isprintable() or any(each in name for each in _NOT_IN_A_NAME):
            raise DocaxisError("part_unknown", {"part": name[:100]})
        body += _part(boundary, name.encode(), content)
    body += b"--%s--\r\n" % boundary
    headers = (
        (b"content-type", b"multipart/form-data; boundary=" + boundary),
        (b"content-length", str(len(body)).encode()),
    )
    return Request(route.method, route.path, headers=headers), bytes(body)


def _part(boundary: bytes, name: bytes, content: bytes) -> bytes:
    head = b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n'
    return head % (boundary, name, name) + content + b"\r\n"
