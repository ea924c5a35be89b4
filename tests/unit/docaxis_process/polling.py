"""Waiting in a test for something to become true, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable

WITHIN_S = 20.0


async def eventually(holds: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Return when it holds; fails the test where it does not within the deadline."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while True:
                found = holds()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {WITHIN_S} s: {what}") from None
