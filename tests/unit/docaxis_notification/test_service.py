"""The composed service on the embedded adapters: subscribe, be told, be told again, end."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.processor import wall_clock
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_notification.grpc_servicer import NotificationServicer
from docaxis_notification.service import compose
from docaxis_notification.settings import NotificationSettings
from docaxis_proto import notification_v1_pb2 as rpc
from docaxis_proto import registry_events_v1_pb2 as registry
from docaxis_proto import routing_events_v1_pb2 as routing
from docaxis_proto import status_events_v1_pb2 as status
from tests.embedded import at_work, ports_in
from tests.unit.docaxis_notification.endpoint import Endpoint, listening
from tests.unit.docaxis_notification.samples import (
    RECIPIENT,
    SENDER,
    brief,
    deliveries_made,
    recorded,
)

ROUTING, STATUS, REGISTRY = (f"docaxis.{each}.events" for each in ("routing", "status", "registry"))
FOREIGN = (ROUTING, STATUS, REGISTRY)
SETTINGS = NotificationSettings(allow_loopback=True)


@dataclass
class Clock:
    """This machine's, as far ahead as a test wants it."""

    ahead_ms: int = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead_ms


@dataclass
class Axis:
    """The service, its ports, and a pen for other services' events."""

    ports: Ports
    service: RunningService
    servicer: NotificationServicer
    clock: Clock
    folder: Path
    sequences: dict[str, int] = field(default_factory=dict)

    async def happen(self, event: Any, topic: str = ROUTING) -> None:
        self.sequences[topic] = sequence = self.sequences.get(topic, 0) + 1
        await self.ports.log.append([recorded(event, topic, sequence)])

    async def system(self, system_id: str, *organisation_ids: str) -> None:
        event = registry.SystemRegistered(system_id=system_id, organisation_ids=organisation_ids)
        await self.registry_tells(event)

    async def registry_tells(self, event: Any) -> None:
        await self.happen(event, REGISTRY)
        await self.service.views["notification_systems"].reader.pass_end(0)

    async def subscribe(self, url: str, **others: Any) -> rpc.SubscribeReply:
        request = rpc.SubscribeRequest(**{"system_id": "y", "url": url, **others})
        return await self.servicer.Subscribe(request, None)

    async def states(self, subscription_id: str) -> list[rpc.NotificationState]:
        request = rpc.ListNotificationsRequest(system_id="y", subscription_id=subscription_id)
        return list((await self.servicer.ListNotifications(request, None)).notifications)


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[Axis]:
    clock = Clock()
    async with ports_in(tmp_path, clock=clock) as ports:
        service = compose(ports, SETTINGS)
        async with at_work(ports, service, topics=FOREIGN):
            axis = Axis(ports, service, service.servicer, clock, tmp_path)
            await axis.system("y", RECIPIENT)
            yield axis


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with listening() as endpoint:
        yield endpoint


async def until(holds: Callable[[], Awaitable[bool]], patience_s: float = 20.0) -> None:
    deadline = time.monotonic() + patience_s
    while not await holds():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.02)


async def until_state(axis: Axis, subscription_id: str, *expected: str) -> None:
    async def holds() -> bool:
        return [each.state for each in await axis.states(subscription_id)] == list(expected)

    await until(holds)


async def subscribed(axis: Axis, endpoint: Endpoint, **others: Any) -> str:
    reply = await axis.subscribe(endpoint.url, **others)
    endpoint.secret = reply.secret
    return reply.subscription_id


async def test_a_subscriber_is_told_what_happens_after_the_answer(
    axis: Axis, endpoint: Endpoint
) -> None:
    id = await subscribed(axis, endpoint)
    await axis.happen(deliveries_made())
    await until_state(axis, id, "delivered")
    (received,) = endpoint.received
    assert received["type"] == "delivery.ready"
    assert received["data"] == {
        "organisation_id": RECIPIENT,
        "document_id": "d",
        "delivery_id": "v0",
    }
    (shown,) = await axis.states(id)
    assert (shown.notification_id, shown.attempts) == (received["id"], 1)
    assert endpoint.forged == 0


async def test_it_fails_twice_and_is_taken_the_third_time(axis: Axis, endpoint: Endpoint) -> None:
    endpoint.answers += [lambda: web.Response(status=500), lambda: web.Response(status=503)]
    id = await subscribed(axis, endpoint)
    await axis.happen(deliveries_made())
    await until_state(axis, id, "retrying")
    (shown,) = await axis.states(id)
    assert (shown.attempts, shown.failure) == (1, "http_500")
    assert 4_000 < shown.retry_at - axis.clock() <= 6_000
    axis.clock.ahead_ms += 6_000

    async def second_failed() -> bool:
        return (await axis.states(id))[0].attempts == 2

    await until(second_failed)
    assert (await axis.states(id))[0].failure == "http_503"
    axis.clock.ahead_ms += 36_000
    await until_state(axis, id, "delivered")
    assert [each["id"] for each in endpoint.received] == [endpoint.received[0]["id"]] * 3
    assert (await axis.states(id))[0].attempts == 3
    assert endpoint.forged == 0


async def test_a_chunk_of_500_is_told_one_by_one(axis: Axis, endpoint: Endpoint) -> None:
    id = await subscribed(axis, endpoint)
    await axis.happen(deliveries_made(500))

    async def all_taken() -> bool:
        return len(endpoint.received) >= 500

    await until(all_taken)
    told = {each["data"]["delivery_id"] for each in endpoint.received}
    assert told == {f"v{number}" for number in range(500)}
    request = rpc.ListNotificationsRequest(system_id="y", subscription_id=id, limit=300)
    first = await axis.servicer.ListNotifications(request, None)
    request.cursor = first.next
    second = await axis.servicer.ListNotifications(request, None)
    listed = [each.delivery_id for each in (*first.notifications, *second.notifications)]
    assert listed == [f"v{number}" for number in range(500)], "in order, no gap and no repeat"
    assert (first.next != "", second.next) == (True, "")


async def test_sender_and_recipient_are_told_what_concerns_them(
    axis: Axis, endpoint: Endpoint
) -> None:
    await axis.system("z", SENDER)
    to_recipient = await subscribed(axis, endpoint)
    async with listening() as senders:
        reply = await axis.subscribe(senders.url, system_id="z")
        senders.secret = reply.secret
        await axis.happen(routing.DocumentSubmitted(brief=brief()))
        await axis.happen(deliveries_made())
        hand_over = routing.HandOver(
            delivery_id="v0", document_id="d", sender_organisation_id=SENDER
        )
        await axis.happen(
            routing.DeliveriesHandedOver(organisation_id=RECIPIENT, deliveries=[hand_over])
        )
        reported = status.Status(
            delivery_id="v0", document_id="d", code="03", sender_organisation_id=SENDER
        )
        await axis.happen(
            status.StatusesReported(organisation_id=RECIPIENT, statuses=[reported]), STATUS
        )

        async def all_told() -> bool:
            return len(senders.received) == 3 and len(endpoint.received) == 1

        await until(all_told)
        assert {each["type"] for each in senders.received} == {
            "document.accepted",
            "delivery.handed_over",
            "status.reported",
        }
    assert [each.event_type for each in await axis.states(to_recipient)] == ["delivery.ready"]


async def test_only_the_organisations_and_types_asked_for_are_told(
    axis: Axis, endpoint: Endpoint
) -> None:
    other = await subscribed(axis, endpoint, organisation_ids=["another"])
    types = await subscribed(axis, endpoint, event_types=["delivery.refused"])
    wanted = await subscribed(axis, endpoint, organisation_ids=[RECIPIENT])
    await axis.happen(deliveries_made())
    await until_state(axis, wanted, "delivered")
    assert await axis.states(other) == await axis.states(types) == []


async def test_a_system_that_is_locked_or_no_longer_serves_is_told_nothing(
    axis: Axis, endpoint: Endpoint
) -> None:
    await axis.system("z", RECIPIENT)
    id = await subscribed(axis, endpoint)
    reply = await axis.subscribe(endpoint.url, system_id="z", organisation_ids=[RECIPIENT])
    await axis.registry_tells(registry.SystemLocked(system_id="y", locked=True))
    await axis.registry_tells(registry.SystemServes(system_id="z", organisation_ids=["another"]))
    await axis.system("w", RECIPIENT)
    endpoint.secret = (await axis.subscribe(endpoint.url, system_id="w")).secret
    await axis.happen(deliveries_made())

    async def told() -> bool:
        return len(endpoint.received) == 1

    await until(told)
    assert await axis.states(id) == []
    request = rpc.ListNotificationsRequest(system_id="z", subscription_id=reply.subscription_id)
    assert not (await axis.servicer.ListNotifications(request, None)).notifications


async def test_gone_ends_the_subscription_and_its_secret(axis: Axis, endpoint: Endpoint) -> None:
    endpoint.answers.append(lambda: web.Response(status=410))
    id = await subscribed(axis, endpoint)
    await axis.happen(deliveries_made())
    await until_state(axis, id, "given_up")
    assert (await axis.states(id))[0].failure == "gone"
    request = rpc.ListSubscriptionsRequest(system_id="y")
    (shown,) = (await axis.servicer.ListSubscriptions(request, None)).subscriptions
    assert not shown.active
    await until(lambda: secret_is_gone(axis, id))


async def secret_is_gone(axis: Axis, subscription_id: str) -> bool:
    try:
        await axis.ports.secrets.read(f"webhook.{subscription_id}")
    except FileNotFoundError:
        return True
    return False


async def test_the_end_is_final(axis: Axis, endpoint: Endpoint) -> None:
    id = await subscribed(axis, endpoint, idempotency_key="k")
    end = rpc.EndSubscriptionRequest(system_id="y", subscription_id=id, idempotency_key="e")
    await axis.servicer.EndSubscription(end, None)
    await axis.servicer.EndSubscription(end, None)
    end.idempotency_key = ""
    await axis.servicer.EndSubscription(end, None)
    await until(lambda: secret_is_gone(axis, id))
    with pytest.raises(DocaxisError) as refused:
        await axis.subscribe(endpoint.url, idempotency_key="k")
    assert refused.value.code == "unknown_subscription"
    assert await secret_is_gone(axis, id), "a repeat after the end leaves no secret behind"
    await axis.happen(deliveries_made())
    still = await subscribed(axis, endpoint)
    await axis.happen(routing.DeliveriesMade(brief=brief("e"), deliveries=[]))
    await axis.happen(deliveries_made(2))
    await until_state(axis, still, "delivered", "delivered")
    assert await axis.states(id) == []


async def test_an_end_is_shown_once_it_is_answered(axis: Axis, endpoint: Endpoint) -> None:
    for number in range(10):
        id = await subscribed(axis, endpoint)
        end = rpc.EndSubscriptionRequest(system_id="y", subscription_id=id)
        await axis.servicer.EndSubscription(end, None)
        request = rpc.ListSubscriptionsRequest(system_id="y")
        shown = (await axis.servicer.ListSubscriptions(request, None)).subscriptions
        assert [each.active for each in shown] == [False] * (number + 1)


async def test_L2_a_repeat_tells_the_same_subscription_and_secret(
    axis: Axis, endpoint: Endpoint
) -> None:
    first = await axis.subscribe(endpoint.url, idempotency_key="k")
    assert await axis.subscribe(endpoint.url, idempotency_key="k") == first
    other = await axis.subscribe(endpoint.url, idempotency_key="k", system_id="z")
    assert other.subscription_id != first.subscription_id, "a key is its system's own"
    assert first.secret.startswith("whsec_")
    assert len(base64.b64decode(first.secret.removeprefix("whsec_"))) == 32


async def test_another_systems_subscription_is_unknown(axis: Axis, endpoint: Endpoint) -> None:
    id = await subscribed(axis, endpoint)
    for asked in (id, "nobody"):
        with pytest.raises(DocaxisError) as refused:
            await axis.servicer.EndSubscription(
                rpc.EndSubscriptionRequest(system_id="z", subscription_id=asked), None
            )
        assert refused.value.code == "unknown_subscription"
        with pytest.raises(DocaxisError) as refused:
            await axis.servicer.ListNotifications(
                rpc.ListNotificationsRequest(system_id="z", subscription_id=asked), None
            )
        assert refused.value.code == "unknown_subscription"


async def test_what_cannot_be_subscribed_leaves_no_secret(axis: Axis) -> None:
    for others, code, pointer in (
        ({"url": "http://a.example/h"}, "url_invalid", "/url"),
        ({"url": "https://10.0.0.1/h"}, "url_forbidden", "/url"),
        ({"url": "https://a.example", "event_types": ["x"]}, "field_invalid", "/event_types/0"),
    ):
        with pytest.raises(DocaxisError) as refused:
            await axis.subscribe(**others)
        assert (refused.value.code, refused.value.fields[0].pointer) == (code, pointer)
    assert list((axis.folder / "secrets").iterdir()) == []


async def test_subscriptions_are_listed_in_pages(axis: Axis, endpoint: Endpoint) -> None:
    made = {(await axis.subscribe(endpoint.url)).subscription_id for _ in range(5)}
    await axis.subscribe(endpoint.url, system_id="z")
    listed: list[str] = []
    request = rpc.ListSubscriptionsRequest(system_id="y", limit=2)
    while True:
        reply = await axis.servicer.ListSubscriptions(request, None)
        listed += [each.subscription_id for each in reply.subscriptions]
        if not reply.next:
            break
        request.cursor = reply.next
    assert listed == sorted(made)
    for cursor in ("?", "ZZZZZ"):
        with pytest.raises(DocaxisError) as refused:
            await axis.servicer.ListSubscriptions(
                rpc.ListSubscriptionsRequest(system_id="y", cursor=cursor), None
            )
        assert refused.value.code == "cursor_invalid"


async def test_what_happened_while_the_service_was_away_is_told_when_it_comes_back(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    async with ports_in(tmp_path) as ports:
        service = compose(ports, SETTINGS)
        async with at_work(ports, service, topics=FOREIGN):
            axis = Axis(ports, service, service.servicer, Clock(), tmp_path)
            await axis.system("y", RECIPIENT)
            id = await subscribed(axis, endpoint)
        # A system that came, and a delivery, while nobody looked; the views are behind.
        await axis.happen(
            registry.SystemServes(system_id="y", organisation_ids=[RECIPIENT, SENDER]), REGISTRY
        )
        await axis.happen(routing.DocumentSubmitted(brief=brief()))
        await axis.happen(deliveries_made())
        service = compose(ports, SETTINGS)
        async with at_work(ports, service, topics=FOREIGN):
            axis = Axis(ports, service, service.servicer, Clock(), tmp_path)
            await until_state(axis, id, "delivered", "delivered")
    assert {each["type"] for each in endpoint.received} == {"document.accepted", "delivery.ready"}


async def test_a_secret_is_in_no_file_but_its_own(axis: Axis, endpoint: Endpoint) -> None:
    id = await subscribed(axis, endpoint, idempotency_key="k")
    await axis.happen(deliveries_made())
    await until_state(axis, id, "delivered")
    told = endpoint.secret.removeprefix("whsec_").encode()
    secret = base64.b64decode(told)
    for form in (secret, told.rstrip(b"="), secret.hex().encode()):
        holding = [
            str(path.relative_to(axis.folder))
            for path in axis.folder.rglob("*")
            if path.is_file() and form in path.read_bytes()
        ]
        assert [each for each in holding if not each.startswith("secrets/")] == []
    assert await axis.ports.secrets.read(f"webhook.{id}") == secret
