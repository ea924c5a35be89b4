"""Ask once for many; where that fails by the fault of one, ask for each alone (L22)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from docaxis_eventsourcing.errors import DocaxisError, Unavailable

Item = TypeVar("Item")

_SURROUNDINGS = {"busy", "read_stale", "storage_full", "unavailable"}
"""Codes of a view or service that does not answer now."""


async def together(
    call: Callable[[Sequence[Item]], Awaitable[Sequence[Any]]], items: Sequence[Item]
) -> list[Any]:
    """One result an item, or the exception that it alone gave rise to.

    Raises `Unavailable` where the surroundings fail: that is nobody's fault.
    """
    if not items:
        return []
    try:
        return await _checked(call, items)
    except Unavailable:
        raise
    except DocaxisError as error:
        if error.code in _SURROUNDINGS:
            raise Unavailable(error.code) from error
        return await _alone(call, items, error)
    except Exception as error:  # noqa: BLE001 - whose fault it is shows when each is asked alone
        return await _alone(call, items, error)


async def _alone(
    call: Callable[[Sequence[Item]], Awaitable[Sequence[Any]]],
    items: Sequence[Item],
    error: Exception,
) -> list[Any]:
    if len(items) == 1:
        return [error]
    return [result for item in items for result in await together(call, (item,))]


async def _checked(
    call: Callable[[Sequence[Item]], Awaitable[Sequence[Any]]], items: Sequence[Item]
) -> list[Any]:
    results = list(await call(items))
    if len(results) != len(items):
        raise ValueError(f"{len(results)} results for {len(items)} items")
    return results
