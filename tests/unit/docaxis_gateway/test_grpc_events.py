"""Server-Sent Events as messages: what our route writes, and nothing lost between pieces."""

from docaxis_gateway.public_grpc.events import watched
from docaxis_proto import gateway_v1_pb2 as pb


def test_an_event_has_its_cursor_and_its_ids() -> None:
    block = (
        b"id: c1\n"
        b'data: {"id":"e1","type":"delivery.ready","timestamp":"2026-11-27T13:00:00.123Z",'
        b'"data":{"organisation_id":"o","delivery_id":"d"}}'
    )
    told = watched(block)
    assert told is not None
    assert (told.cursor, told.restarted) == ("c1", False)
    event = told.event
    assert (event.id, event.type, event.organisation_id) == ("e1", "delivery.ready", "o")
    assert (event.delivery_id, event.document_id) == ("d", "")
    assert event.timestamp.ToJsonString() == "2026-11-27T13:00:00.123Z"


def test_a_sign_of_life_moves_the_cursor_alone() -> None:
    assert watched(b": \nid: c2") == pb.WatchedEvent(cursor="c2")
    assert watched(b"retry: 1000\nid: c3") == pb.WatchedEvent(cursor="c3")


def test_a_restart_is_told() -> None:
    told = watched(b"event: restarted\nid: c4\ndata: {}")
    assert told == pb.WatchedEvent(cursor="c4", restarted=True)


def test_a_block_without_an_id_is_nothing() -> None:
    assert watched(b"retry: 1000") is None
    assert watched(b": ") is None
