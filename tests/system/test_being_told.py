"""Being told over REST while the axis is killed: webhooks at least once, the stream exactly once.

The receiver is a real HTTP server that fails now and then; the watcher is the client's own stream,
which goes on by itself. What has to be told is counted from what the axis accepted.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from docaxis_client.client import DocaxisClient
from docaxis_client.submission import OutgoingFile
from tests.system.axis_process import ROOT, AxisProcess, running_process
from tests.system.traffic import sample_document

KILLS = int(os.environ.get("DOCAXIS_TEST_STREAM_KILLS", "4"))
SEED = int(os.environ.get("DOCAXIS_TEST_SEED", str(random.randrange(2**32))))
SETTINGS = {
    "DOCAXIS_NOTIFICATION_ALLOW_LOOPBACK": "true",
    # After an attempt that met nobody the others of its address fail for 5 s: a machine so busy
    # that the receiver of this test is late must not use up all attempts meanwhile.
    "DOCAXIS_NOTIFICATION_RETRY_WAITS_S": ",".join(["0.2"] * 3 + ["1"] * 60),
    "DOCAXIS_GATEWAY_STREAM_HEARTBEAT_S": "1",
}


@dataclass
class Receiver:
    """Checks each signature, refuses every third message the first time."""

    url: str = ""
    secret: str = ""
    told: Counter[str] = field(default_factory=Counter)
    """How often each thing was told, by type and id."""
    forged: int = 0
    calls: int = 0

    async def take(self, request: web.Request) -> web.Response:
        body = await request.text()
        content = Webhook(self.secret).verify(body, dict(request.headers))
        self.calls += 1
        if self.calls % 3 == 0:
            return web.Response(status=503)
        about = content["data"]
        self.told[f"{content['type']} {about.get('delivery_id') or about['document_id']}"] += 1
        return web.Response(status=204)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = "http://{}:{}/hook".format(*runner.addresses[0][:2])
    try:
        yield receiver
    finally:
        await runner.cleanup()


class Watcher:
    """Follows the stream and keeps what it told, in order."""

    def __init__(self, client: DocaxisClient) -> None:
        self._client = client
        self.told: list[str] = []

    async def follow(self, cursor: str) -> None:
        async with aclosing(self._client.events(cursor=cursor)) as stream:
            async for event in stream:
                about = event.data.delivery_id or event.data.document_id
                self.told.append(f"{event.type} {about}")


async def first_cursor(axis: AxisProcess, name: str) -> str:
    """The cursor that the stream tells before anything happens."""
    async with axis.client(name) as client, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {await client.access_token()}"}
        async with session.get(f"{axis.url}/api/v1/events", headers=headers) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/event-stream"
            async for line in answer.content:
                if line.startswith(b"id: "):
                    return line[4:].decode().strip()
    raise AssertionError("the stream ended")


async def submit(axis: AxisProcess, count: int, series: str) -> list[str]:
    ids = []
    async with axis.client("office", attempts=50, patience_s=120) as office:
        for number in range(count):
            document = sample_document(f"{series}-{number}/CV-MAU")
            content = f"{series} {number}".encode()
            file = OutgoingFile("thu.bin", content, "application/octet-stream")
            sent = await office.submit(document, [file], decide_within_s=120)
            ids.append(sent.id)
    return ids


async def ready_of(code: str, documents: list[str], office: DocaxisClient) -> set[str]:
    """What is told of an organisation's deliveries, once each of these documents has made one."""
    found: dict[str, str] = {}
    async with asyncio.timeout(90):
        while len(found) < len(documents):
            for each in documents:
                for delivery in (await office.deliveries(each)).items:
                    if delivery.code == code:
                        found[each] = f"delivery.ready {delivery.id}"
    return set(found.values())


async def until(holds: Callable[[], bool], patience_s: float = 90.0) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.1)


@pytest.mark.timeout(600)
async def test_kills_in_between_lose_no_webhook_and_no_event_of_the_stream(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    print(f"{KILLS} kills, seed {SEED} (DOCAXIS_TEST_STREAM_KILLS, DOCAXIS_TEST_SEED)")
    async with running_process(tmp_path / "data", environment=SETTINGS) as axis, receiving() as to:
        async with (
            axis.client("office", attempts=50, patience_s=120) as office,
            axis.client("hanoi", attempts=50, patience_s=120) as hanoi,
        ):
            made = await office.subscribe(to.url)
            to.secret = made.secret or ""
            senders, recipients = Watcher(office), Watcher(hanoi)
            following = [
                asyncio.create_task(senders.follow(await first_cursor(axis, "office"))),
                asyncio.create_task(recipients.follow(await first_cursor(axis, "hanoi"))),
            ]
            sending = [
                asyncio.create_task(submit(axis, 12, f"{each}{SEED % 1000}")) for each in range(2)
            ]
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(0.2, 1.5))
                await axis.kill()
                await axis.start()
            documents = [each for ids in await asyncio.gather(*sending) for each in ids]
            expected = {f"document.accepted {each}" for each in documents} | {
                f"document.verified {each}" for each in documents
            }
            assert len(documents) == 24
            arrivals = await ready_of("H26", documents, office)
            await until(lambda: expected <= set(to.told))
            await until(lambda: expected <= set(senders.told))
            await until(lambda: arrivals <= set(recipients.told))
            assert set(to.told) == expected, "nothing else happened to the sender"
            assert Counter(senders.told) == Counter(expected), "exactly once"
            assert Counter(recipients.told) == Counter(arrivals), "exactly once"
            dead = await office.notifications(made.id, state="given_up")
            assert dead.items == ()
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)


@pytest.mark.timeout(300)
async def test_a_stream_ends_cleanly_with_the_process(tmp_path: Path) -> None:
    async with running_process(tmp_path / "data", environment=SETTINGS) as axis:
        async with axis.client("hanoi") as hanoi:
            token = await hanoi.access_token()
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{axis.url}/api/v1/events", headers=headers) as answer,
        ):
            assert await answer.content.readline() == b"retry: 1000\n"
            stopping = asyncio.create_task(axis.stop())
            async with asyncio.timeout(20):
                rest = await answer.content.read()  # raises where it was cut instead of ended
            assert rest.endswith(b"\n\n")
            assert await stopping == 0, axis.last_words()


@pytest.mark.timeout(300)
async def test_the_stream_refuses_what_it_cannot_give(tmp_path: Path) -> None:
    async with running_process(tmp_path / "data", environment=SETTINGS) as axis:
        async with axis.client("hanoi") as hanoi:
            token = await hanoi.access_token()
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
            for query, headers, status, code in (
                ({"type": "document.read"}, {}, 422, "field_invalid"),
                ({"organisation": "G22"}, {}, 403, "organisation_not_served"),
                ({"organisation": "H72"}, {}, 404, "unknown_organisation"),
                ({"cursor": "?"}, {}, 400, "cursor_invalid"),
                ({}, {"Last-Event-ID": "kgGQ"}, 400, "cursor_invalid"),
                ({"since": "yesterday"}, {}, 422, "unknown_field"),
                ({}, {"Authorization": "Bearer x"}, 401, "token_malformed"),
            ):
                address = f"{axis.url}/api/v1/events"
                async with session.get(address, params=query, headers=headers) as answer:
                    problem = await answer.json()
                    assert problem["code"] == code, problem
                    assert answer.status == status


@pytest.mark.timeout(300)
async def test_the_command_of_the_how_to_page_tells_what_was_sent(tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to/get-told.md").read_text()
    command = "docaxis watch --as office --json --type document.accepted --count 1"
    assert f".venv/bin/{command}\n" in page
    async with running_process(tmp_path / "data") as axis:
        watching = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "docaxis_cli",
            *command.split()[1:],
            env={**os.environ, "DOCAXIS_DATA": str(axis.data), "DOCAXIS_URL": axis.url},
            stdout=asyncio.subprocess.PIPE,
        )
        sent: list[str] = []
        told = asyncio.create_task(watching.communicate())
        while not told.done():  # it begins when it is connected: what came before is not told
            sent += await submit(axis, 1, f"watched-{len(sent)}")
            await asyncio.wait((told,), timeout=1.0)
        event = json.loads((await told)[0])
        assert event["type"] == "document.accepted"
        assert event["data"]["document_id"] in sent
        assert watching.returncode == 0
