"""The live stream over gRPC: what REST's route streams, by the same rules."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from docaxis_proto import gateway_v1_pb2 as pb
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.fake_notification import FakeNotification
from tests.unit.docaxis_gateway.public_grpc import Rpc, refusal, rpc_of, until
from tests.unit.docaxis_gateway.test_events import fake, page

__all__ = ["fake"]  # a fixture


@pytest.fixture
async def rpc(world: World) -> AsyncIterator[Rpc]:
    async with rpc_of(world) as made:
        yield made


async def test_events_come_with_their_cursors_and_a_cancelled_stream_ends(
    rpc: Rpc,
    fake: FakeNotification,
) -> None:
    fake.pages = [[page("c2", 1, 2), page("c3"), page("c9", restarted=True)]]
    asked = pb.WatchEventsRequest(type=["delivery.ready"], organisation=["H29"], cursor="c0")
    call: Any = rpc.stub.WatchEvents(asked, metadata=rpc.metadata(rpc.world.receiver))
    told = [await call.read() for _ in range(6)]
    assert [each.event.delivery_id for each in told[:2]] == ["v1", "v2"]
    assert [each.cursor for each in told] == ["c1", "c2", "c2", "c3", "c9", "c9"]
    assert [each.restarted for each in told] == [False, False, False, False, True, False]
    (request,) = fake.watched
    assert (list(request.event_types), request.cursor) == (["delivery.ready"], "c0")
    assert rpc.world.gateway.in_flight._all == 1
    call.cancel()
    await until(lambda: rpc.world.gateway.in_flight._all == 0)


async def test_what_cannot_be_watched_is_refused(
    rpc: Rpc,
    fake: FakeNotification,
) -> None:
    asked = pb.WatchEventsRequest(organisation=["G22"])
    call: Any = rpc.stub.WatchEvents(asked, metadata=rpc.metadata(rpc.world.receiver))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    refused = refusal(raised.value)
    assert (refused.code, refused.fields) == (
        "organisation_not_served",
        [("/organisation/0", "organisation_not_served")],
    )
