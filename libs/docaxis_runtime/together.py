"""Several things at once: all of them, or none."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def all_or_none(*works: Coroutine[Any, Any, Any]) -> list[Any]:
    """The results in order; where one fails, the others are cancelled and waited for.

    Raises what the first one to fail raised. A cancellation reaches all of them.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
