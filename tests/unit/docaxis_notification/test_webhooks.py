"""The sender against a real server that checks signatures with the Standard Webhooks library."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest
from aiohttp import web

from docaxis_eventsourcing.processor import wall_clock
from docaxis_notification.domain.messages import NotificationQueued
from docaxis_notification.settings import NotificationSettings
from docaxis_notification.webhooks import WebhookSender, asked_wait, webhook_body
from tests.unit.docaxis_notification.endpoint import Endpoint, listening

SECRET = b"\x01" * 32
QUEUED = NotificationQueued("s", "n", "delivery.ready", "o", "d", "v", 1_795_300_000_123)
SETTINGS = NotificationSettings(allow_loopback=True, attempt_timeout_s=0.5)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with listening() as endpoint:
        endpoint.secret = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
        yield endpoint


@pytest.fixture
async def sender() -> AsyncIterator[WebhookSender]:
    sender = WebhookSender(SETTINGS, wall_clock)
    yield sender
    await sender.close()


def test_a_body_holds_ids_and_no_words() -> None:
    assert json.loads(webhook_body(QUEUED)) == {
        "type": "delivery.ready",
        "timestamp": "2026-11-21T22:26:40.123Z",
        "data": {"organisation_id": "o", "document_id": "d", "delivery_id": "v"},
    }
    accepted = NotificationQueued("s", "n", "document.accepted", "o", "d", "", 0)
    assert json.loads(webhook_body(accepted))["data"] == {
        "organisation_id": "o",
        "document_id": "d",
    }


async def test_a_signed_notification_is_taken(endpoint: Endpoint, sender: WebhookSender) -> None:
    assert (await sender.send(endpoint.url, (SECRET,), QUEUED)).failure == ""
    assert endpoint.received[0]["id"] == "n"
    assert (await sender.send(endpoint.url, (b"another",), QUEUED)).failure == "http_401"
    assert endpoint.forged == 1


@pytest.mark.parametrize(("status", "failure"), [(204, ""), (301, "http_301"), (410, "gone")])
async def test_an_answer_is_a_class(
    endpoint: Endpoint, sender: WebhookSender, status: int, failure: str
) -> None:
    headers = {"location": endpoint.url}
    endpoint.answers.append(lambda: web.Response(status=status, headers=headers))
    assert (await sender.send(endpoint.url, (SECRET,), QUEUED)).failure == failure
    assert len(endpoint.received) == 1, "no redirect is followed"


async def test_either_of_two_secrets_finds_its_signature(
    endpoint: Endpoint, sender: WebhookSender
) -> None:
    for secrets in ((b"newer", SECRET), (SECRET, b"older")):
        assert (await sender.send(endpoint.url, secrets, QUEUED)).failure == ""
    assert (len(endpoint.received), endpoint.forged) == (2, 0)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("120", 120_000),
        (" 0 ", 0),
        ("Sat, 21 Nov 2026 22:28:40 GMT", 120_000),
        ("Sat, 21 Nov 2026 22:00:00 GMT", 0),
        ("", 0),
        ("-5", 0),
        ("soon", 0),
        ("1e9", 0),
        ("\u0663", 0),
        ("9" * 4000, 30 * 86_400_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 30 * 86_400_000),
    ],
)
def test_a_receiver_asks_for_a_wait_in_seconds_or_by_a_date(told: str, expected: int) -> None:
    assert asked_wait(told, 1_795_300_000_000) == expected


def _same(answer: web.Response) -> web.Response:
    return answer


async def test_only_who_fails_is_asked_how_long(endpoint: Endpoint, sender: WebhookSender) -> None:
    for status, expected in ((503, 90_000), (200, 0), (410, 0)):
        answer = web.Response(status=status, headers={"Retry-After": "90"})
        endpoint.answers.append(partial(_same, answer))
        went = await sender.send(endpoint.url, (SECRET,), QUEUED)
        assert (went.status, went.retry_after) == (status, expected)


async def test_an_endless_answer_is_not_read(endpoint: Endpoint, sender: WebhookSender) -> None:
    endpoint.answers.append(lambda: web.Response(status=500, body=b"x" * 5_000_000))
    assert (await sender.send(endpoint.url, (SECRET,), QUEUED)).failure == "http_500"


async def test_nobody_there_is_a_class(sender: WebhookSender) -> None:
    assert (
        await sender.send("http://127.0.0.1:1/hook", (SECRET,), QUEUED)
    ).failure == "unreachable"
    assert (await sender.send("http://10.0.0.1/hook", (SECRET,), QUEUED)).failure == "url_forbidden"


async def test_plain_text_behind_https_is_a_class(
    endpoint: Endpoint, sender: WebhookSender
) -> None:
    url = endpoint.url.replace("http:", "https:")
    assert (await sender.send(url, (SECRET,), QUEUED)).failure == "tls_failed"


async def test_what_speaks_no_http_is_a_class(sender: WebhookSender) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        url = f"http://127.0.0.1:{port}/hook"
        assert (await sender.send(url, (SECRET,), QUEUED)).failure == "invalid_answer"


async def test_a_name_that_leads_to_this_machine_is_refused_when_it_is_resolved(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(self: object, host: str, port: int = 0, family: int = 0) -> list[object]:
        found = {"host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0}
        return [{"hostname": host, "flags": 0, **found}]

    monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", resolve)
    url = endpoint.url.replace("127.0.0.1", "a.example")
    for settings, failure in (
        (NotificationSettings(allow_http=True), "url_forbidden"),
        (NotificationSettings(allow_http=True, allow_loopback=True), ""),
    ):
        sender = WebhookSender(settings, wall_clock)
        assert (await sender.send(url, (SECRET,), QUEUED)).failure == failure
        await sender.close()
    assert len(endpoint.received) == 1


async def test_an_address_in_a_short_form_is_not_called(endpoint: Endpoint) -> None:
    """`127.1` is no address by its form, but some resolvers make one of it."""
    sender = WebhookSender(NotificationSettings(allow_http=True), wall_clock)
    for host in ("127.1", "2130706433", "0x7f000001", "017700000001"):
        went = await sender.send(endpoint.url.replace("127.0.0.1", host), (SECRET,), QUEUED)
        assert went.failure in ("url_forbidden", "url_invalid", "unreachable")
    assert endpoint.received == []
    await sender.close()


async def test_a_silent_address_costs_one_deadline_and_spares_the_rest(
    sender: WebhookSender,
) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        began = time.monotonic()
        many = [
            NotificationQueued("s", f"n{n}", "delivery.ready", "o", "d", "v", 0) for n in range(200)
        ]
        went = await asyncio.gather(*(sender.send(url, (SECRET,), each) for each in many))
        assert {each.failure for each in went} == {"timeout"}
        assert time.monotonic() - began < 5, "200 deadlines one after another would be 12 s"
    await sender.close()
