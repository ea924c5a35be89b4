"""Waiting for news on a caller's behalf, for no longer than it makes sense.

A long-poll ends early when the process stops (it is answered with what there is, so that a stop
waits for nobody) and when its caller has gone (nobody would read the answer).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from docaxis_gateway.authentication import Caller

T = TypeVar("T")


async def long_poll(caller: Caller, wait_s: float, ask: Callable[[float], Awaitable[T]]) -> T:
    """What `ask` answers within `wait_s`; asked again without waiting where that is cut short.

    Raises what the door would, where the caller may not have the answer any more (G4).
    """
    if not wait_s:
        return await ask(0.0)
    answer = await _waited_for(caller, wait_s, ask)
    await caller.require_still_allowed()
    return answer


async def _waited_for(caller: Caller, wait_s: float, ask: Callable[[float], Awaitable[T]]) -> T:
    asking = asyncio.ensure_future(ask(wait_s))
    ends = (
        asyncio.ensure_future(caller.gateway.stopping.wait()),
        asyncio.ensure_future(_gone(caller)),
    )
    try:
        await asyncio.wait((asking, *ends), return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
    finally:
        for task in (asking, *ends):
            task.cancel()
        await asyncio.gather(asking, *ends, return_exceptions=True)
    return await ask(0.0)


async def _gone(caller: Caller) -> None:
    while (await caller.request.receive())["type"] != "http.disconnect":
        continue
