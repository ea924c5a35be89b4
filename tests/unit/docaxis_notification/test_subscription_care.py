"""What a subscriber does with a subscription: change, pause, rotate, test, replay."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiohttp import web

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.topics import document_partition
from docaxis_notification import effects
from docaxis_proto import notification_v1_pb2 as rpc
from docaxis_proto import routing_events_v1_pb2 as routing
from tests.unit.docaxis_notification.endpoint import Endpoint
from tests.unit.docaxis_notification.samples import (
    RECIPIENT,
    SENDER,
    brief,
    deliveries_made,
    recorded,
)
from tests.unit.docaxis_notification.test_service import (
    ROUTING,
    Axis,
    axis,
    endpoint,
    secret_is_gone,
    subscribed,
    until,
    until_state,
)

__all__ = ["axis", "endpoint"]


async def change(axis: Axis, id: str, url: str, **others: Any) -> rpc.Subscription:
    request = rpc.ChangeSubscriptionRequest(system_id="y", subscription_id=id, url=url, **others)
    return (await axis.servicer.ChangeSubscription(request, None)).subscription


async def replay(axis: Axis, id: str, notification_id: str = "", **others: Any) -> None:
    request = rpc.ReplayNotificationsRequest(
        **{"system_id": "y", "subscription_id": id, "notification_id": notification_id, **others}
    )
    await axis.servicer.ReplayNotifications(request, None)


async def given_up(axis: Axis, id: str, **others: Any) -> rpc.ListNotificationsReply:
    request = rpc.ListNotificationsRequest(
        system_id="y", subscription_id=id, state="given_up", **others
    )
    reply: rpc.ListNotificationsReply = await axis.servicer.ListNotifications(request, None)
    return reply


async def test_rule_14_a_pause_loses_nothing(axis: Axis, endpoint: Endpoint) -> None:
    id = await subscribed(axis, endpoint)
    shown = await change(axis, id, endpoint.url, paused=True)
    assert (shown.paused, shown.active) == (True, True)
    await axis.happen(deliveries_made(7))
    await until_state(axis, id, *["held"] * 7)
    assert endpoint.received == []
    await change(axis, id, endpoint.url)
    await until_state(axis, id, *["delivered"] * 7)
    assert {each["data"]["delivery_id"] for each in endpoint.received} == {
        f"v{number}" for number in range(7)
    }


async def test_rule_14_a_pause_in_the_middle_of_a_stream_of_events_loses_nothing(
    axis: Axis, endpoint: Endpoint
) -> None:
    id = await subscribed(axis, endpoint)

    async def pausing() -> None:
        for _ in range(6):
            await change(axis, id, endpoint.url, paused=True)
            await change(axis, id, endpoint.url)

    switching = asyncio.create_task(pausing())
    for number in range(40):
        await axis.happen(
            routing.DeliveriesReleased(
                document_id="d",
                deliveries=[
                    routing.DeliveryReleased(
                        delivery_id=f"r{number}", organisation_id=RECIPIENT, mailbox_number=1
                    )
                ],
            )
        )
    await switching
    await until_state(axis, id, *["delivered"] * 40)
    assert len({each["data"]["delivery_id"] for each in endpoint.received}) == 40


async def test_rule_11_a_change_tells_to_the_new_address_and_only_what_it_asks_for(
    axis: Axis, endpoint: Endpoint
) -> None:
    id = await subscribed(axis, endpoint)
    await change(axis, id, endpoint.url + "?new", event_types=["delivery.refused"])
    await axis.happen(deliveries_made())
    await change(axis, id, endpoint.url + "?new", event_types=["delivery.ready"])
    await axis.happen(deliveries_made(2))

    async def told() -> bool:
        return [each["data"]["delivery_id"] for each in endpoint.received] != []

    await until(told)
    assert all(each.state != "given_up" for each in await axis.states(id))
    with pytest.raises(DocaxisError) as refused:
        await change(axis, id, "http://10.0.0.1/")
    assert refused.value.code == "url_invalid"
    with pytest.raises(DocaxisError) as refused:
        await change(axis, "none", endpoint.url)
    assert refused.value.code == "unknown_subscription"


async def test_rule_5_a_document_type_is_looked_up_where_the_event_does_not_say(
    axis: Axis, endpoint: Endpoint
) -> None:
    await axis.system("x", SENDER)
    id = await subscribed(axis, endpoint, system_id="x", document_types=[2])
    normative, administrative, never_seen = new_id(), new_id(), new_id()
    versions: Counter[int] = Counter()

    async def happen(event: Any, document_id: str) -> None:
        partition = document_partition(document_id, axis.ports.log.partitions)
        versions[partition] += 1
        await axis.ports.log.append([recorded(event, ROUTING, versions[partition], partition)])

    for document_id, group in ((normative, 1), (administrative, 2)):
        about = brief(document_id)
        about.type_group = group
        await happen(routing.DocumentSubmitted(brief=about), document_id)
    for document_id in (normative, administrative, never_seen):
        verdict = routing.VerdictNoted(document_id=document_id, sender_organisation_id=SENDER)
        await happen(verdict, document_id)

    async def told() -> bool:
        return len(endpoint.received) == 3

    await until(told)
    verified = {
        each["data"]["document_id"]
        for each in endpoint.received
        if each["type"] == "document.verified"
    }
    assert verified == {administrative, never_seen}, "what is not known is told"
    request = rpc.ListNotificationsRequest(system_id="x", subscription_id=id)
    assert len((await axis.servicer.ListNotifications(request, None)).notifications) == 3


async def test_rule_12_a_secret_is_exchanged_without_a_gap(axis: Axis, endpoint: Endpoint) -> None:
    id = await subscribed(axis, endpoint)
    old = endpoint.secret
    request = rpc.RotateSecretRequest(
        system_id="y", subscription_id=id, overlap_s=60, idempotency_key="k"
    )
    rotated = await axis.servicer.RotateSecret(request, None)
    assert rotated.secret != old
    assert await axis.servicer.RotateSecret(request, None) == rotated, "L2: a repeat tells the same"
    for number, secret in enumerate((old, rotated.secret), start=1):
        endpoint.secret = secret
        await axis.happen(deliveries_made())
        await until_state(axis, id, *["delivered"] * number)
    assert endpoint.forged == 0
    axis.clock.ahead_ms += 61_000
    await until(lambda: secret_is_gone(axis, id))
    asked = rpc.GetSubscriptionRequest(system_id="y", subscription_id=id)

    async def is_told() -> bool:
        found = await axis.servicer.GetSubscription(asked, None)
        return bool(found.subscription.previous_secret_until == 0)

    await until(is_told)
    endpoint.secret = old
    await axis.happen(deliveries_made())
    await until_state(axis, id, "delivered", "delivered", "retrying")
    assert endpoint.forged == 1
    end = rpc.EndSubscriptionRequest(system_id="y", subscription_id=id)
    await axis.servicer.EndSubscription(end, None)

    async def no_secret_is_left() -> bool:
        return list((axis.folder / "secrets").glob(f"webhook.{id}*")) == []

    await until(no_secret_is_left)
    with pytest.raises(DocaxisError) as refused:
        await axis.servicer.RotateSecret(request, None)
    assert refused.value.code == "unknown_subscription"


async def test_a_late_repeat_of_a_rotation_brings_no_old_secret_back(
    axis: Axis, endpoint: Endpoint
) -> None:
    id = await subscribed(axis, endpoint)
    requests = [
        rpc.RotateSecretRequest(system_id="y", subscription_id=id, idempotency_key=key)
        for key in "abc"
    ]
    for request in requests:
        await axis.servicer.RotateSecret(request, None)
    with pytest.raises(DocaxisError) as refused:
        await axis.servicer.RotateSecret(requests[0], None)
    assert refused.value.code == "secret_superseded"


async def test_a_test_is_told_at_once_and_its_answer_is_status_and_time(
    axis: Axis, endpoint: Endpoint
) -> None:
    id = await subscribed(axis, endpoint, event_types=["delivery.ready"])
    request = rpc.TestSubscriptionRequest(system_id="y", subscription_id=id)
    went = await axis.servicer.TestSubscription(request, None)
    assert (went.failure, went.http_status) == ("", 200)
    (received,) = endpoint.received
    assert (received["type"], received["data"]) == ("subscription.test", {})
    assert received["id"] == went.notification_id
    endpoint.answers.append(lambda: web.Response(status=500, text="secret of the receiver"))
    went = await axis.servicer.TestSubscription(request, None)
    assert (went.failure, went.http_status) == ("http_500", 500)
    assert "secret" not in str(went)
    assert await axis.states(id) == [], "it is stored nowhere"
    endpoint.answers.append(lambda: web.Response(status=410))
    went = await axis.servicer.TestSubscription(request, None)
    assert went.failure == "gone"
    request.system_id = "z"
    with pytest.raises(DocaxisError) as refused:
        await axis.servicer.TestSubscription(request, None)
    assert refused.value.code == "unknown_subscription"


async def test_rule_13_dead_letters_are_listed_and_told_again_all_or_one(
    axis: Axis, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "REPLAY_PAGE", 2)
    id = await subscribed(axis, endpoint)
    for _ in range(5):
        endpoint.answers += [lambda: web.Response(status=500)] * 10
    await axis.happen(deliveries_made(5))

    async def all_given_up() -> bool:
        axis.clock.ahead_ms += 30 * 3_600_000
        return [each.state for each in await axis.states(id)] == ["given_up"] * 5

    await until(all_given_up, 60)
    page = await given_up(axis, id, limit=2)
    rest = await given_up(axis, id, cursor=page.next)
    assert len(page.notifications) + len(rest.notifications) == 5
    told_before = len(endpoint.received)
    await replay(axis, id, page.notifications[0].notification_id)
    await until_state(axis, id, "delivered", *["given_up"] * 4)
    await replay(axis, id)
    await until_state(axis, id, *["delivered"] * 5)
    again = [each["id"] for each in endpoint.received[told_before:]]
    assert sorted(again) == sorted(each.notification_id for each in await axis.states(id))
    assert not (await given_up(axis, id)).notifications
    for wrong, code in (
        ({"notification_id": "none"}, "unknown_notification"),
        ({"system_id": "z"}, "unknown_subscription"),
        ({"system_id": ""}, "unknown_subscription"),
    ):
        with pytest.raises(DocaxisError) as refused:
            await replay(axis, id, **wrong)
        assert refused.value.code == code
    with pytest.raises(DocaxisError) as refused:
        await axis.servicer.ListNotifications(
            rpc.ListNotificationsRequest(system_id="y", subscription_id=id, state="lost"), None
        )
    assert refused.value.fields[0].pointer == "/state"


async def test_rule_7_retry_after_is_honoured(axis: Axis, endpoint: Endpoint) -> None:
    endpoint.answers.append(lambda: web.Response(status=429, headers={"Retry-After": "3600"}))
    id = await subscribed(axis, endpoint)
    await axis.happen(deliveries_made())
    await until_state(axis, id, "retrying")
    (shown,) = await axis.states(id)
    ahead_s = (shown.retry_at - axis.clock()) / 1000
    assert 3500 < ahead_s < 3600 * 1.2
