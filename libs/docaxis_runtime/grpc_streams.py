"""Methods that answer with a stream of messages: the same behind a server, a channel and a twin.

A stream has no deadline of its own: it ends when its servicer, its caller or the connection does.
Servers end connections after a while, so whoever reads a stream for long asks again from where it
stands. Each end raises nothing but `DocaxisError`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

import grpc

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_runtime.call_context import (
    CallContext,
    calling,
    current_call,
    from_metadata,
    to_metadata,
)
from docaxis_runtime.grpc_calls import TwinContext, not_served
from docaxis_runtime.grpc_errors import from_rpc_error, public_error, to_status

StreamBehaviour = Callable[[Any, Any], AsyncIterator[Any]]
"""A servicer's method: `async (request, context)` that yields replies."""


async def run_stream(
    method: str, behaviour: StreamBehaviour, request: Any, context: Any, call: CallContext
) -> AsyncIterator[Any]:
    """One call's replies under its context; raises nothing but `DocaxisError`."""
    replies = cast(Any, behaviour(request, context))
    async with aclosing(replies):
        while True:
            with calling(call):
                try:
                    reply = await anext(replies)
                except StopAsyncIteration:
                    return
                except Exception as error:
                    public = public_error(error, method)
                    if public is error:
                        raise
                    raise public from error
            yield reply


def guarded_stream(method: str, behaviour: StreamBehaviour) -> Any:
    """The method as a gRPC server runs it."""

    async def run(request: Any, context: Any) -> AsyncIterator[Any]:
        call = from_metadata(context.invocation_metadata() or ())
        replies = cast(Any, run_stream(method, behaviour, request, context, call))
        try:
            async with aclosing(replies):
                async for reply in replies:
                    yield reply
            return
        except DocaxisError as error:
            status, details, metadata = to_status(error)
        await context.abort(status, details, metadata)

    return run


def remote_stream(
    channel: Callable[[], grpc.aio.Channel], method: str, options: dict[str, Any]
) -> Callable[..., AsyncIterator[Any]]:
    """The method as a client over the network calls it; `channel` is asked for at each call."""

    async def replies(request: Any) -> AsyncIterator[Any]:
        call: Any = None
        try:
            call = cast(Any, channel()).unary_stream(method, **options)(
                request, metadata=to_metadata(current_call())
            )
            async for reply in call:
                yield reply
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None
        except grpc.aio.UsageError:
            raise DocaxisError("unavailable", retry_after_s=1.0) from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody cancelled us: the channel was closed under the call.
            raise DocaxisError("unavailable", retry_after_s=1.0) from None
        finally:
            if call is not None:
                call.cancel()

    return replies


def twin_stream(servicer: object, method: str) -> Callable[..., AsyncIterator[Any]]:
    """The method called in this process: no bytes, no socket."""
    behaviour: StreamBehaviour | None = getattr(servicer, method.rpartition("/")[2], None)

    def replies(request: Any) -> AsyncIterator[Any]:
        if behaviour is None:
            raise not_served(method)
        call = current_call()
        return run_stream(method, behaviour, request, TwinContext(call, float("inf")), call)

    return replies
