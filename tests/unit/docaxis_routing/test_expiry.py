"""Rules 23-25 of routing: deliveries that nobody takes over, and sending them again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, NotYet, Refused
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.identifiers import new_id
from docaxis_eventsourcing.receipt_ids import delivery_id
from docaxis_proto import routing_v1_pb2 as pb
from docaxis_routing.domain.deliveries import EXPIRED, READY
from docaxis_routing.domain.expiry import timer
from docaxis_routing.domain.facts import RoutingFacts
from docaxis_routing.domain.messages import (
    AcknowledgeAnswer,
    AcknowledgeDeliveries,
    ExpireDelivery,
    MakeDeliveries,
    Recipient,
    RefuseDeliveries,
    ReleaseDeliveries,
    ResendAnswer,
    ResendDelivery,
)
from docaxis_routing.settings import RoutingSettings
from tests.unit.docaxis_routing.routing_samples import HANOI, SENDER, House, submit
from tests.unit.docaxis_routing.running_routing import CONTEXT, Running, running_in

BRIEF = submit("H26").brief
COPY = delivery_id(BRIEF.document_id, HANOI)
HOUR_MS = 3_600_000
HOUR = RoutingFacts(1_000, "command", expire_after_ms=HOUR_MS)
RESEND = ResendDelivery(COPY, HANOI, SENDER, "system-office")
WITHIN_S = 60.0


def later(ms: int) -> RoutingFacts:
    return RoutingFacts(1_000 + ms, "command", expire_after_ms=HOUR_MS)


def made(*, held: bool = False, facts: RoutingFacts = HOUR) -> House:
    house = House()
    house.give(MakeDeliveries(BRIEF, (Recipient("H26", HANOI, held),)), facts)
    return house


def expired() -> House:
    house = made()
    house.give(ExpireDelivery(COPY, 1_000 + HOUR_MS), later(HOUR_MS))
    assert house.state(f"delivery/{COPY}").state == EXPIRED
    return house


def test_rule_23_a_ready_delivery_expires_when_its_time_has_passed() -> None:
    house = made()
    found = timer(house.state(f"delivery/{COPY}"))
    assert found is not None
    assert found.due == 1_000 + HOUR_MS
    assert house.give(found.command, later(HOUR_MS - 1)) == NotYet()  # L5
    decision = house.give(found.command, later(HOUR_MS))
    assert isinstance(decision, Decided)
    assert timer(house.state(f"delivery/{COPY}")) is None
    assert house.give(found.command, later(HOUR_MS)) == AlreadyDecided()  # it came twice


def test_rule_23_without_a_setting_it_never_does() -> None:
    house = made(facts=RoutingFacts(1_000, "command"))
    assert timer(house.state(f"delivery/{COPY}")) is None


def test_rule_23_what_was_handed_over_does_not_expire() -> None:
    house = made()
    house.give(AcknowledgeDeliveries(HANOI, "system", (COPY,)), HOUR)
    assert timer(house.state(f"delivery/{COPY}")) is None
    assert house.give(ExpireDelivery(COPY, 1_000 + HOUR_MS), later(HOUR_MS)) == AlreadyDecided()


def test_rule_23_a_held_copys_time_begins_when_it_is_released() -> None:
    house = made(held=True)
    assert timer(house.state(f"delivery/{COPY}")) is None
    house.give(ReleaseDeliveries(BRIEF.document_id, (HANOI,)), later(500))
    found = timer(house.state(f"delivery/{COPY}"))
    assert found is not None
    assert found.due == 1_500 + HOUR_MS


def test_rule_23_an_expired_delivery_is_not_handed_over() -> None:
    house = expired()
    answer = house.give(AcknowledgeDeliveries(HANOI, "system", (COPY,)), HOUR)
    assert isinstance(answer, AlreadyDecided)
    assert isinstance(answer.answer, AcknowledgeAnswer)
    assert answer.answer.results[0].result == "delivery_closed"


def test_rule_24_it_is_sent_again_under_the_next_number_with_its_full_time() -> None:
    house = expired()
    decision = house.give(RESEND, later(2 * HOUR_MS))
    assert isinstance(decision, Decided)
    assert decision.answer == ResendAnswer(COPY, READY)
    (again,) = decision.events[0].deliveries
    assert again.mailbox_number == 2
    assert house.state(f"mailbox/{HANOI}").last_number == 2
    found = timer(house.state(f"delivery/{COPY}"))
    assert found is not None
    assert found.due == 1_000 + 3 * HOUR_MS
    # the timer of its first time, late: it is not this one's
    assert house.give(ExpireDelivery(COPY, 1_000 + HOUR_MS), later(9 * HOUR_MS)) == AlreadyDecided()
    assert house.give(RESEND, later(2 * HOUR_MS)) == AlreadyDecided(ResendAnswer(COPY, READY))


def test_rule_25_what_cannot_be_sent_again_says_why() -> None:
    house = made(held=True)
    assert house.give(RESEND, HOUR) == Refused("delivery_not_ready")
    house.give(RefuseDeliveries(BRIEF.document_id, "file_tampered", (HANOI,), SENDER), HOUR)
    assert house.give(RESEND, HOUR) == Refused(
        "resend_refused_by_policy", {"reason": "file_tampered"}
    )
    house = made()
    house.give(AcknowledgeDeliveries(HANOI, "system", (COPY,)), HOUR)
    assert house.give(RESEND, HOUR) == Refused("delivery_closed", {"state": "handed_over"})
    assert House().give(RESEND, HOUR) == Refused("unknown_delivery")
    stranger = ResendDelivery(COPY, HANOI, "org-stranger", "system")
    assert expired().give(stranger, HOUR) == Refused("unknown_delivery")


@asynccontextmanager
async def expiring(folder: Path) -> AsyncIterator[Running]:
    """An axis on which what is not taken over expires within a second."""
    async with running_in(folder, RoutingSettings(expire_after_hours=1 / 3600)) as axis:
        yield axis


async def found(axis: Running, state: str, asker: str, *, received: bool = False) -> list[Any]:
    request = pb.FindDeliveriesRequest(
        state=state, organisation_ids=[axis.organisations[asker]], received=received, limit=1
    )
    items: list[Any] = []
    while True:
        reply = await axis.rpc.FindDeliveries(request, CONTEXT)
        items += reply.deliveries
        if not reply.next:
            return items
        request.cursor = reply.next


async def until_expired(axis: Running, count: int) -> list[Any]:
    until = time.monotonic() + WITHIN_S
    while len(items := await found(axis, "expired", "G22")) < count:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    return items


async def test_L21_deliveries_expire_are_told_to_both_sides_and_are_sent_again(
    tmp_path: Path,
) -> None:
    async with expiring(tmp_path) as axis:
        await axis.submit("H26", "H27")
        first, second = await until_expired(axis, 2)
        assert first.expired_at >= first.ready_at + 1_000
        for code in ("H26", "H27"):
            (mine,) = await found(axis, "expired", code, received=True)
            assert mine.code == code
            assert list((await axis.inbox(code, wait_s=0)).deliveries) == []
        request = pb.ResendDeliveryRequest(
            system_id=axis.system_id,
            delivery_id=first.delivery_id,
            organisation_ids=[axis.organisations["G22"]],
            idempotency_key=new_id(),
        )
        assert (await axis.rpc.ResendDelivery(request, CONTEXT)).state == "ready"
        assert (await axis.rpc.ResendDelivery(request, CONTEXT)).state == "ready"
        request.delivery_id = second.delivery_id
        for organisations in ([axis.organisations["H26"]], []):
            del request.organisation_ids[:]
            request.organisation_ids.extend(organisations)
            with pytest.raises(DocaxisError) as caught:
                await axis.rpc.ResendDelivery(request, CONTEXT)
            assert caught.value.code == "unknown_delivery"
        again = first
        until = time.monotonic() + WITHIN_S
        while again.mailbox_number != 2 or again.state != "expired":  # its second time passes, too
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
            items = await found(axis, "expired", "G22")
            again = next((e for e in items if e.delivery_id == first.delivery_id), first)
        assert again.expired_at > first.expired_at


async def test_L21_what_expired_while_the_axis_was_down_expires_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with expiring(tmp_path) as axis:
        await axis.submit("H26")
        organisations, system_id = axis.organisations, axis.system_id
    await asyncio.sleep(1.2)
    async with running_in(
        tmp_path, RoutingSettings(), organisations=organisations, system_id=system_id
    ) as axis:  # the setting is off now: what was made with a time keeps it
        until = time.monotonic() + WITHIN_S
        while not await found(axis, "expired", "G22") and not await found(axis, "ready", "G22"):
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        made_before = [each.expires_at for each in await found(axis, "ready", "G22")]
        if made_before != [0]:  # else it was made only now, without a time
            assert len(await until_expired(axis, 1)) == 1
