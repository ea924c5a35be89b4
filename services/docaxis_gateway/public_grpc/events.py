"""The live stream of events: Server-Sent Events of REST, each as a message.

Of SSE's grammar this reads what our route writes: `id`, `event` and `data` of one line each, blocks
that end with an empty line. A block without data moves the cursor alone.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from google.protobuf.message import Message

from docaxis_gateway.public_grpc.answer_fields import shaped
from docaxis_gateway.public_grpc.call import Call, whole
from docaxis_gateway.public_grpc.exchange import Answer
from docaxis_gateway.public_grpc.messages import request_of
from docaxis_gateway.public_grpc.routes import Route
from docaxis_proto import gateway_v1_pb2 as pb

_RESTARTED = "restarted"


async def watch_events(
    call: Call, route: Route, message: Message, write: Callable[[Message], Awaitable[None]]
) -> None:
    """Write what the route streams, until it ends; raises what it refuses with."""
    request, _ = request_of(route, message)
    pending = bytearray()

    async def take(_: Answer, piece: bytes) -> None:
        pending.extend(piece)
        while (end := pending.find(b"\n\n")) >= 0:
            told = watched(bytes(pending[:end]))
            del pending[: end + 2]
            if told is not None:
                await write(told)

    await call.stream(request, whole(b""), take)


def watched(block: bytes) -> pb.WatchedEvent | None:
    """One block of the stream; None for one without an id."""
    fields: dict[str, str] = {}
    for line in block.decode().split("\n"):
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")
    if not fields.get("id"):
        return None
    found = pb.WatchedEvent(cursor=fields["id"], restarted=fields.get("event") == _RESTARTED)
    if "data" in fields and not found.restarted:
        content: dict[str, Any] = msgspec.json.decode(fields["data"])
        ids = content.pop("data", {})
        found.event.CopyFrom(pb.Event(**shaped(pb.Event.DESCRIPTOR, {**content, **ids})))
    return found
