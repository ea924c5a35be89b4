"""The envelope as CloudEvents headers, messages as dataclasses, cursors: there and back."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.cursors import (
    DEFAULT_LIMIT,
    LONGEST_WAIT_S,
    MOST_LIMIT,
    Number,
    decode_cursor,
    encode_cursor,
    page_limit,
    page_wait,
)
from docaxis_eventsourcing.envelope import Envelope, from_headers, to_headers
from docaxis_eventsourcing.errors import DocaxisError

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_envelopes = st.builds(
    Envelope,
    id=_text,
    type=_text,
    source=_text,
    subject=_text,
    time=st.integers(0, 4_102_444_800_000),
    sequence=st.integers(0, 2**63 - 1),
    epoch=st.integers(0, 1000),
    correlation_id=_text,
    causation_id=_text,
    reply_to=st.integers(-1, 1000),
    actor=_text,
    outcome=st.binary(max_size=60),
    traceparent=_text,
)


@given(_envelopes)
def test_an_envelope_comes_back_from_its_headers(envelope: Envelope) -> None:
    assert from_headers(to_headers(envelope)) == envelope


def test_headers_are_those_of_cloudevents_binary_mode() -> None:
    envelope = Envelope(
        id="1", type="t", source="docaxis/bank", actor="Bộ Nội vụ", time=1_700_000_000_123
    )
    headers = dict(to_headers(envelope))
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_time"] == b"2023-11-14T22:13:20.123Z"
    assert headers["ce_actor"].decode() == "Bộ Nội vụ"
    assert "ce_subject" not in headers  # where there is one, CloudEvents wants it not empty


def test_unknown_headers_are_ignored_and_missing_ones_told() -> None:
    headers = to_headers(Envelope(id="1", type="t", source="s"))
    assert from_headers([*headers, ("ce_later", b"x")]).id == "1"
    with pytest.raises(KeyError):
        from_headers(header for header in headers if header[0] != "ce_id")


@given(
    st.integers(0, 100),
    st.dictionaries(_text, st.integers(0, 2**53)) | st.just({}),
)
def test_L4_a_cursor_comes_back_and_one_of_another_epoch_starts_again(
    epoch: int, content: dict[str, int]
) -> None:
    cursor = encode_cursor(epoch, content)
    assert cursor.isascii()
    assert not set(cursor) & set("+/=")
    assert decode_cursor(cursor, epoch, dict[str, int], {}) == content
    assert decode_cursor(cursor, epoch + 1, dict[str, int], {"start": 0}) == {"start": 0}
    assert decode_cursor("", epoch, dict[str, int], {"start": 0}) == {"start": 0}


def test_L4_an_old_cursor_of_another_shape_starts_again() -> None:
    assert decode_cursor(encode_cursor(1, [1, 2]), 2, dict[str, int], {}) == {}


@given(_text)
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    try:
        found = decode_cursor(cursor, 1, dict[str, int], {})
    except DocaxisError as error:
        assert error.code == "cursor_invalid"
    else:
        assert isinstance(found, dict)


@pytest.mark.parametrize(
    "content",
    [
        {"o": -1},
        {"o": 2**63 - 1},
        {"o": 2**64 - 1},
    ],
)
def test_a_number_in_a_cursor_that_no_store_can_count_to_is_refused(
    content: dict[str, int],
) -> None:
    with pytest.raises(DocaxisError) as refused:
        decode_cursor(encode_cursor(1, content), 1, dict[str, Number], {})
    assert refused.value.code == "cursor_invalid"


def test_a_cursor_nested_without_end_is_refused() -> None:
    hostile = urlsafe_b64encode(b"\x92\x01" + b"\x91" * 3000 + b"\x01").rstrip(b"=").decode()
    with pytest.raises(DocaxisError) as refused:
        decode_cursor(hostile, 1, dict[str, int], {})
    assert refused.value.code == "cursor_invalid"


def test_a_page_has_between_one_and_the_most_items() -> None:
    assert [page_limit(each) for each in (0, 1, MOST_LIMIT)] == [DEFAULT_LIMIT, 1, MOST_LIMIT]
    for limit in (-1, MOST_LIMIT + 1):
        with pytest.raises(DocaxisError) as refused:
            page_limit(limit)
        assert refused.value.code == "limit_invalid"


def test_a_wait_is_within_its_bounds() -> None:
    assert [page_wait(each) for each in (0.0, LONGEST_WAIT_S)] == [0.0, LONGEST_WAIT_S]
    for wait_s in (-1.0, LONGEST_WAIT_S + 1, float("nan"), float("inf")):
        with pytest.raises(DocaxisError) as refused:
            page_wait(wait_s)
        assert refused.value.code == "limit_invalid"
