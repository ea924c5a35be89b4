"""Dataclasses and protobuf messages: there and back, and what differs fails at the start."""

from dataclasses import dataclass, field, make_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.errors import UnknownType
from docaxis_eventsourcing.message_codec import MessageCodec
from tests.unit.docaxis_eventsourcing.bank import CODEC, Balance, Deposited, Number, Opened
from tests.unit.docaxis_eventsourcing.bank_messages import MESSAGES, PACKAGE

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_int = st.integers(-(2**63), 2**63 - 1)
_balances = st.builds(Balance, account=_text, amount=_int)


@dataclass(frozen=True, slots=True)
class Nested:
    name: str
    one: Balance
    many: tuple[Balance, ...] = ()
    words: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


_NESTED = MessageCodec([(Nested, MESSAGES["Nested"]), (Balance, MESSAGES["Balance"])])
_nested = st.builds(
    Nested,
    name=_text,
    one=_balances,
    many=st.lists(_balances, max_size=3).map(tuple),
    words=st.lists(_text, max_size=3).map(tuple),
    counts=st.dictionaries(_text, _int, max_size=4),
)


@given(_nested)
def test_nested_messages_come_back_and_equal_values_give_equal_bytes(value: Nested) -> None:
    name, data = _NESTED.encode(value)
    assert name == f"{PACKAGE}.Nested"
    assert _NESTED.decode(name, data) == value
    assert _NESTED.from_message(_NESTED.to_message(value)) == value
    backwards = Nested(
        value.name, value.one, value.many, value.words, dict(reversed(value.counts.items()))
    )
    assert _NESTED.encode(backwards) == (name, data)


def test_L16_an_unknown_type_is_told() -> None:
    assert not CODEC.knows(f"{PACKAGE}.Future")
    with pytest.raises(UnknownType, match="Future"):
        CODEC.decode(f"{PACKAGE}.Future", b"")


def test_a_reader_of_few_types_knows_no_others() -> None:
    few = CODEC.only(MESSAGES["Opened"])
    name, data = CODEC.encode(Opened("a.1", "An"))
    assert few.decode(name, data) == Opened("a.1", "An")
    assert not few.knows(f"{PACKAGE}.Deposited")
    assert CODEC.knows(f"{PACKAGE}.Deposited")
    with pytest.raises(UnknownType, match="Nested"):
        CODEC.only(MESSAGES["Nested"])


def test_foreign_messages_are_decoded_as_they_are() -> None:
    codec = MessageCodec([], foreign=[MESSAGES["Opened"]])
    name, data = CODEC.encode(Opened("a.1", "An"))
    assert codec.decode(name, data).owner == "An"


def test_an_upcaster_turns_an_old_type_into_todays() -> None:
    codec = MessageCodec(
        [(Deposited, MESSAGES["Deposited"])],
        upcasters={
            f"{PACKAGE}.Balance": (
                MESSAGES["Balance"],
                lambda old: Deposited(old.account, old.amount, 0),
            )
        },
    )
    name, data = CODEC.encode(Balance("a.1", 7))
    assert codec.decode(name, data) == Deposited("a.1", 7, 0)


def test_what_differs_fails_when_the_table_is_built() -> None:
    with pytest.raises(TypeError, match="amount"):
        MessageCodec([(make_dataclass("Balance", ["account"]), MESSAGES["Balance"])])
    with pytest.raises(TypeError, match="not a dataclass"):
        MessageCodec([(int, MESSAGES["Balance"])])
    with pytest.raises(TypeError, match="not registered"):
        MessageCodec([(Nested, MESSAGES["Nested"]), (Number, MESSAGES["Number"])])
