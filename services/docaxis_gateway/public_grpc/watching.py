"""Pages without end: the route's long-poll, asked again and again with the cursor it gave.

The cursor is the route's own, and each page carries the one that follows it: whoever comes again
with the last one that was worked off has skipped nothing. Each round asks anew who calls and what
is allowed, so a lock, a revoked credential or an expired token ends the stream with its code.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.limits import InFlight
from docaxis_gateway.public_grpc.call import Call
from docaxis_gateway.public_grpc.exchange import Request
from docaxis_gateway.public_grpc.messages import reply_of
from docaxis_gateway.public_grpc.routes import Route

LONGEST_WAIT_S = 50


async def watch(
    call: Call,
    route: Route,
    message: Message,
    write: Callable[[Any], Awaitable[None]],
    streams: InFlight,
    stopping: Callable[[], bool],
) -> None:
    """Write a page whenever there is news, the first one in any case.

    Ends with `unavailable` when the process stops; raises what the route refuses with, and `busy`
    where the system, or all together, have too many streams.
    """
    query = MessageToDict(message, preserving_proto_field_name=True)
    system_id, first = "", True
    streams.enter()
    try:
        while True:
            asked = {**query, "wait": LONGEST_WAIT_S} if query.get("cursor") else query
            request = Request(route.method, route.path, urlencode(asked).encode())
            answer, body = await call.ask(request)
            if not system_id:
                streams.enter_for(answer.system_id)
                system_id = answer.system_id
            page = reply_of(route, body)
            if first or page.items:
                await write(page)
            first = False
            if stopping():
                raise DocaxisError("unavailable", retry_after_s=1.0)
            if not page.next:
                return  # nothing can follow; without a cursor all of it would come again
            query["cursor"] = page.next
    finally:
        streams.leave()
        if system_id:
            streams.leave_for(system_id)
