"""Several requests at once: as many as are good for the store, and none left behind."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AT_ONCE = 8


async def together(
    work: Callable[[Item], Awaitable[Result]], items: Iterable[Item]
) -> list[Result]:
    """`work` on each item, eight at a time; results in order.

    Raises the first error, when the work on all others has ended.
    """
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Item) -> Result:
        async with slots:
            return await work(item)

    tasks = [asyncio.create_task(one(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
