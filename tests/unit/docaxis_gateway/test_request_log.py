"""One's own requests: rules Q1-Q5."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from docaxis_adapters.sqlite_store import SqliteReadStore
from docaxis_eventsourcing.errors import CheckpointMoved, DocaxisError, Unavailable
from docaxis_eventsourcing.ports.read_store import RowRange
from docaxis_gateway.request_log import SPACE, Entry, Place, RequestLog
from docaxis_gateway.response_models import RequestPage
from tests.unit.docaxis_gateway.conftest import World

DAY = 86_400_000


def entry(number: int, at: int | None = None) -> Entry:
    at = number if at is None else at
    return Entry(at, "GET", "/api/v1/me", 200, "", f"r{number}", 1.5, 0, 10)


class Clock:
    now = 100 * DAY

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteReadStore]:
    store = await SqliteReadStore.open(tmp_path / "store.db")
    yield store
    await store.close()


async def opened(store: SqliteReadStore, **changes: Any) -> RequestLog:
    log = RequestLog(store, Clock(), **{"days": 30, "most_per_system": 1000, **changes})
    await log.page("nobody", None, 1)
    return log


async def everything(log: RequestLog, system: str, limit: int) -> list[str]:
    found: list[str] = []
    place: Place | None = None
    while True:
        entries, place = await log.page(system, place, limit)
        found += [each.request_id for each in entries]
        if place is None:
            return found


async def written(world: World) -> None:
    await world.gateway.request_log.stop()


async def test_rule_Q1_a_request_is_noted_by_template_without_what_was_asked(world: World) -> None:
    await world.call("GET", "/organisations?query=bi+mat", headers={"X-Request-Id": "mine-1"})
    await world.call("GET", "/documents/01890a5d-ac96-774b-bcce-b302099a8057")
    await world.call("POST", "/deliveries:acknowledge", json={"deliveries": ["x"]})
    await written(world)
    status, page, _ = await world.call("GET", "/requests")
    assert status == 200
    RequestPage.model_validate(page)
    refused, unknown, first = page["items"]
    assert (first["route"], first["status"], first["code"]) == ("/api/v1/organisations", 200, None)
    assert (first["request_id"], first["bytes_received"]) == ("mine-1", 0)
    assert first["bytes_sent"] > 10
    assert unknown["route"] == "/api/v1/documents/{document_id}"
    assert (unknown["status"], unknown["code"]) == (404, "unknown_document")
    assert (refused["status"], refused["code"]) == (422, "field_invalid")
    assert refused["bytes_received"] == len(json.dumps({"deliveries": ["x"]}))
    text = json.dumps(page)
    assert "mat" not in text
    assert "01890a5d" not in text


async def test_rule_Q1_a_request_is_its_systems_alone(world: World) -> None:
    await world.call("GET", "/me", world.receiver)
    await world.call("GET", "/me", headers={"Authorization": "Bearer forged"})
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": world.sender.assertion(),
    }
    async with world.http.post(world.base + "/token", data=form) as answer:
        assert answer.status == 200
    form["client_assertion"] = world.sender.assertion(key_id="other")
    async with world.http.post(world.base + "/token", data=form) as answer:
        assert answer.status == 401
    await written(world)
    _, page, _ = await world.call("GET", "/requests")
    assert [each["route"] for each in page["items"]] == ["/api/v1/token"]
    _, page, _ = await world.call("GET", "/requests", world.receiver)
    assert [each["route"] for each in page["items"]] == ["/api/v1/me"]
    # A cursor into another's requests shows nothing of them.
    system = world.sender.system_id
    (row,) = await world.gateway.store.range(SPACE, "batches", RowRange("system", (system,)))
    place = Place(int(str(row.fields["at"])), row.key, 1)
    entries, _ = await world.gateway.request_log.page(world.receiver.system_id, place, 10)
    assert all(each.route != "/api/v1/token" for each in entries)


async def test_cursors_that_nobody_gave_are_refused(world: World) -> None:
    for cursor in ("x", "gQA", "AAAA"):
        status, problem, _ = await world.call("GET", f"/requests?cursor={cursor}")
        assert (status, problem["code"]) == (400, "cursor_invalid")


async def test_rule_Q2_many_requests_are_one_row(store: SqliteReadStore) -> None:
    log = await opened(store)
    for number in range(1200):
        log.note(f"s{number % 2}", entry(number))
    await log._write()
    rows = await store.range(SPACE, "batches", RowRange("at", limit=100))
    assert len(rows) == 4, "500 and 100 of each"
    assert len(await everything(log, "s0", 500)) == 600


async def test_rule_Q3_a_store_that_is_away_keeps_nobody(
    store: SqliteReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await opened(store)

    async def away(*arguments: Any) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(store, "apply", away)
    for number in range(20_005):
        log.note("s", entry(number))
    with pytest.raises(Unavailable):
        await log._write()
    monkeypatch.undo()
    await log._write()
    found = await everything(log, "s", 500)
    assert len(found) == 20_000, "what did not fit was dropped, all else is there once"
    assert len(set(found)) == 20_000
    monkeypatch.setattr(store, "range", away)
    with pytest.raises(DocaxisError) as refused:
        await log.page("s", None, 1)
    assert refused.value.code == "unavailable"


async def test_rule_Q4_after_thirty_days_a_batch_is_gone(store: SqliteReadStore) -> None:
    clock = Clock()
    log = RequestLog(store, clock, days=30, most_per_system=1000)
    await log.page("s", None, 1)
    for days in (0, 1, 2):
        log.note("s", entry(days, clock.now + days * DAY))
        await log._write()
    clock.now += 31 * DAY
    await log.sweep()
    assert await everything(log, "s", 10) == ["r2"]
    (row,) = await store.range(SPACE, "systems", RowRange(""))
    assert row.counters["requests"] == 1


async def test_rule_Q4_the_oldest_of_too_many_go_and_others_stay(store: SqliteReadStore) -> None:
    log = await opened(store, most_per_system=100)
    for number in range(250):
        log.note("busy", entry(number, 100 * DAY + number))
        if number % 50 == 49:
            await log._write()
    log.note("calm", entry(0, 100 * DAY))
    await log._write()
    await log.sweep()
    assert await everything(log, "busy", 10) == [f"r{n}" for n in range(249, 149, -1)]
    assert await everything(log, "calm", 10) == ["r0"]


async def test_rule_Q4_two_replicas_never_count_a_removal_twice(store: SqliteReadStore) -> None:
    one, two = await opened(store, most_per_system=50), await opened(store, most_per_system=50)
    for number in range(10):
        for log in (one, two):
            log.note("s", entry(number, 100 * DAY))
            await log._write()
    for number in range(100):
        one.note("s", entry(100 + number, 100 * DAY))
        await one._write()
    outcomes = await asyncio.gather(one.sweep(), two.sweep(), return_exceptions=True)
    assert all(each is None or isinstance(each, CheckpointMoved) for each in outcomes)
    (row,) = await store.range(SPACE, "systems", RowRange(""))
    assert row.counters["requests"] == len(await everything(one, "s", 500)) == 50


@pytest.mark.parametrize("limit", [1, 7, 100, 500])
async def test_rule_Q5_each_request_is_on_one_page_the_newest_first(
    store: SqliteReadStore, limit: int
) -> None:
    log = await opened(store)
    count = 130
    for number in range(count):
        log.note("s", entry(number))
        if number % 9 == 0:
            await log._write()
    await log._write()
    assert await everything(log, "s", limit) == [f"r{n}" for n in range(count - 1, -1, -1)]


async def test_a_stop_writes_what_waits_and_days_of_0_note_nothing(
    store: SqliteReadStore,
) -> None:
    log = RequestLog(store, Clock(), days=30, most_per_system=1000)
    await log.start()
    log.note("s", entry(1))
    await log.stop()
    assert await everything(log, "s", 10) == ["r1"]
    none = await opened(store, days=0)
    none.note("s", entry(2))
    assert not none._waiting
