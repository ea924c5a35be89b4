"""Waiting for what is away, and saying so."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_process.waiting import until_there
from tests.unit.docaxis_process.polling import eventually


@pytest.fixture
def told() -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines


class Away:
    """Raises some exceptions, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)

    async def __call__(self) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return "there"


def words(told: list[Any]) -> list[str]:
    return [line["event"] for line in told]


async def test_what_is_there_is_not_told(told: list[Any]) -> None:
    assert await until_there("kafka", "a:1", Away()) == "there"
    assert words(told) == []


async def test_what_is_away_is_told_at_once_and_again_and_when_it_is_found(told: list[Any]) -> None:
    away = Away(Unavailable("no broker answers"), DocaxisError("unavailable"), Unavailable("x"))
    assert await until_there("kafka", "a:1", away, say_every_s=0.05) == "there"
    assert words(told)[0] == "waiting_for"
    assert words(told)[-1] == "found"
    assert words(told).count("waiting_for") > 1
    first = told[0]
    assert (first["part"], first["address"]) == ("kafka", "a:1")
    assert first["reason"] == "no broker answers"


async def test_it_is_told_once_while_its_time_has_not_come(told: list[Any]) -> None:
    away = Away(*[Unavailable("x")] * 3)
    await until_there("kafka", "a:1", away, say_every_s=60)
    assert words(told) == ["waiting_for", "found"]


async def test_an_attempt_that_hangs_is_told_before_it_fails(
    told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_process.waiting._SLOW_S", 0.01)
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await eventually(lambda: bool(told), "a line")

    await until_there("mongodb", "m:1", hang)
    assert begun.is_set()
    assert words(told) == ["waiting_for", "found"]
    assert told[0]["reason"] == "no answer yet"


@pytest.mark.parametrize("error", [ValueError("disagrees"), DocaxisError("system_unknown")])
async def test_other_failures_are_not_waited_for(error: Exception, told: list[Any]) -> None:
    with pytest.raises(type(error)):
        await until_there("kafka", "a:1", Away(error))
    assert words(told) == []


async def test_a_wait_can_be_cancelled(told: list[Any]) -> None:
    async def never() -> None:
        raise Unavailable("x")

    task = asyncio.create_task(until_there("kafka", "a:1", never))
    await eventually(lambda: bool(told), "a line")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert others == set()
