"""L1-L3: ids that are computed, and the partition of a key."""

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.identifiers import derived_id, leading_part, new_id, paired_id
from docaxis_eventsourcing.topics import document_partition, partition_of

_hash = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("event", "c1", 0), "93dd4282-9fcb-8e7d-afdb-a1fed5f441f5"),
        (("follow-up", "bank", "e1", 0, "t"), "daddf838-492d-8080-8b37-bb512594abba"),
        ((b"a", "b"), "3c9d5910-45bc-8876-b9d0-399bbfb05c6a"),
    ],
)
def test_L2_derived_ids_never_change(parts: tuple[str | int | bytes, ...], expected: str) -> None:
    assert derived_id(*parts) == expected


def test_L2_parts_cannot_run_into_each_other() -> None:
    assert derived_id("ab", "c") != derived_id("a", "bc")
    assert derived_id("ab") != derived_id("ab", "")


@given(st.lists(st.text() | st.integers() | st.binary(), max_size=4))
def test_L2_a_derived_id_is_a_uuid_of_version_8(parts: list[str | int | bytes]) -> None:
    found = UUID(derived_id(*parts))
    assert found.version == 8
    assert found.variant == "specified in RFC 4122"
    assert str(found) == derived_id(*parts)


@given(_hash, _hash)
def test_L1_a_paired_id_holds_60_bits_of_one_hash_and_62_of_the_other(
    first: bytes, second: bytes
) -> None:
    found = UUID(paired_id(first, second))
    assert found.version == 8
    assert found.int >> 62 & 0b11 == 0b10
    high = found.int >> 80 << 12 | found.int >> 64 & 0xFFF
    assert high == int.from_bytes(first[:8]) >> 4
    assert found.int & (1 << 62) - 1 == int.from_bytes(second[:8]) >> 2


@given(_hash, _hash, _hash)
def test_L1_all_contents_of_one_submission_meet_one_writer(
    first: bytes, second: bytes, other: bytes
) -> None:
    one, two = paired_id(first, second), paired_id(first, other)
    assert leading_part(one) == leading_part(two) == first.hex()[:15]
    assert document_partition(one, 12) == document_partition(two, 12)


def test_L1_a_paired_id_never_changes() -> None:
    assert paired_id(bytes(range(32)), bytes(range(100, 132))) == (
        "00010203-0405-8060-9919-5999da1a5a9a"
    )


def test_L2_new_ids_are_uuids_of_version_7_in_order() -> None:
    ids = [new_id() for _ in range(100)]
    assert {UUID(each).version for each in ids} == {7}
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("key", "partitions", "expected"),
    [("", 12, 0), ("a", 12, 11), ("H29.12.34", 12, 6), ("Bộ Nội vụ", 12, 4), ("a", 1, 0)],
)
def test_L3_the_partition_of_a_key_never_changes(key: str, partitions: int, expected: int) -> None:
    assert partition_of(key, partitions) == expected


def test_L3_keys_are_spread() -> None:
    spread = Counter(partition_of(str(number), 12) for number in range(12_000))
    assert len(spread) == 12
    assert min(spread.values()) > 800
