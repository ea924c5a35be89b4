"""The rules of signature, by their numbers; codecs and stored states."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Moment
from docaxis_signature.codec import CODEC
from docaxis_signature.domain import (
    DECIDER,
    WORST_FIRST,
    Command,
    DocumentVerified,
    FileVerdict,
    ReceiptsSealed,
    RecordReceipts,
    RecordVerdict,
    SealedReceipt,
    SignatureFound,
    document_verdict,
)
from docaxis_trust.verdicts import CODES

VALID = FileVerdict("a" * 64, "valid", "signature_valid")
UNSIGNED = FileVerdict("b" * 64, "unsigned", "file_unsigned")
TAMPERED = FileVerdict("c" * 64, "tampered", "file_tampered")
UNTRUSTED = FileVerdict("d" * 64, "untrusted", "certificate_untrusted")
SLOW = FileVerdict("e" * 64, "indeterminate", "verification_timed_out")


class Signatures:
    """Decides commands one after another; states in memory."""

    def __init__(self) -> None:
        self.states: dict[str, Any] = {}

    def give(self, command: Command) -> Decision:
        named = DECIDER.aggregates(command)
        states = {name: self._state(name) for name in named}
        decision = DECIDER.decide(states, Moment(0, "command"), command)
        for event in decision.events if isinstance(decision, Decided) else ():
            assert set(DECIDER.touched(event)) <= set(named)
            for name in DECIDER.touched(event):
                self.states[name] = DECIDER.evolve(self._state(name), event)
        return decision

    def _state(self, name: str) -> Any:
        return self.states.get(name, DECIDER.initial(name))


def receipt(number: int, jws: str = "jws") -> SealedReceipt:
    return SealedReceipt(f"receipt-{number}", "handed_over", "document", f"{number}", "org", jws)


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ((VALID, UNSIGNED), "valid"),
        ((UNSIGNED, VALID, VALID), "valid"),
        ((VALID, SLOW), "indeterminate"),
        ((SLOW, UNTRUSTED, VALID), "untrusted"),
        ((UNTRUSTED, TAMPERED, VALID), "tampered"),
        ((UNSIGNED, TAMPERED), "tampered"),
    ],
)
def test_rule_1_the_worst_of_the_signed_files_counts(
    files: tuple[FileVerdict, ...], status: str
) -> None:
    assert document_verdict(files)[0] == document_verdict(reversed(files))[0] == status


def test_rule_1_the_order_is_that_of_the_trust_library_but_for_unsigned() -> None:
    assert set(WORST_FIRST) == set(CODES)
    signed = [code for code in CODES if code != "file_unsigned"]
    assert [code for code in WORST_FIRST if code != "file_unsigned"] == signed
    assert WORST_FIRST[-1] == "file_unsigned"


def test_rule_2_unsigned_only_where_nothing_is_signed() -> None:
    assert document_verdict((UNSIGNED, UNSIGNED)) == ("unsigned", "file_unsigned")
    assert document_verdict(()) == ("unsigned", "file_unsigned")


@given(st.lists(st.sampled_from((VALID, UNSIGNED, TAMPERED, UNTRUSTED, SLOW))))
def test_rule_2_valid_means_that_every_signed_file_is(files: list[FileVerdict]) -> None:
    found = {each.status for each in files}
    assert (document_verdict(files)[0] == "valid") == (found in ({"valid"}, {"valid", "unsigned"}))


def test_rule_3_an_unknown_code_is_never_valid_by_mistake() -> None:
    strange = FileVerdict("f" * 64, "indeterminate", "something_new")
    assert document_verdict((VALID, strange, TAMPERED)) == ("indeterminate", "something_new")


def test_rule_4_a_verdict_is_recorded_once() -> None:
    signatures = Signatures()
    first = signatures.give(RecordVerdict("document", (VALID, UNSIGNED)))
    assert first == Decided(
        (DocumentVerified("document", "valid", "signature_valid", (VALID, UNSIGNED)),)
    )
    assert isinstance(signatures.give(RecordVerdict("document", (TAMPERED,))), AlreadyDecided)
    assert isinstance(signatures.give(RecordVerdict("another", (TAMPERED,))), Decided)


def test_L10_a_verdict_tells_its_documents_priority() -> None:
    decided = Signatures().give(RecordVerdict("document", (VALID,), 3))
    assert isinstance(decided, Decided)
    (event,) = decided.events
    assert isinstance(event, DocumentVerified)
    assert event.priority == 3
    assert CODEC.decode(*CODEC.encode(event)) == event


def test_rule_5_a_receipt_is_never_replaced() -> None:
    signatures = Signatures()
    both = signatures.give(RecordReceipts("document", (receipt(1), receipt(2))))
    assert both == Decided((ReceiptsSealed("document", (receipt(1), receipt(2))),))
    again = RecordReceipts("document", (receipt(1, "other bytes"), receipt(3)))
    assert signatures.give(again) == Decided((ReceiptsSealed("document", (receipt(3),)),))
    assert isinstance(signatures.give(again), AlreadyDecided)


def test_rule_5_of_two_under_one_id_the_first_stays() -> None:
    twice = RecordReceipts("document", (receipt(1, "first"), receipt(2), receipt(1, "second")))
    decision = Signatures().give(twice)
    assert decision == Decided((ReceiptsSealed("document", (receipt(1, "first"), receipt(2))),))


def test_rule_6_states_do_not_grow_with_the_receipts() -> None:
    signatures = Signatures()
    for number in range(1000):
        signatures.give(RecordReceipts("document", (receipt(number),)))
    assert max(len(msgspec.msgpack.encode(state)) for state in signatures.states.values()) < 64


@pytest.mark.parametrize(
    "value",
    [
        RecordVerdict(
            "document",
            (
                FileVerdict(
                    "a" * 64,
                    "valid",
                    "signature_valid",
                    (
                        SignatureFound(
                            kind="pades",
                            status="valid",
                            code="signature_valid",
                            certificate_sha256="ab" * 32,
                            is_seal=True,
                            claimed_at="2026-11-22T09:00:00Z",
                            covers_whole_file=True,
                            signer_name="Người ký mẫu",
                            organisation_name="Văn phòng (mẫu)",
                        ),
                    ),
                ),
            ),
        ),
        RecordReceipts("document", (receipt(1),)),
        DocumentVerified("document", "unsigned", "file_unsigned", (UNSIGNED,)),
        ReceiptsSealed("document", (receipt(1), receipt(2))),
    ],
)
def test_round_trip(value: object) -> None:
    assert CODEC.decode(*CODEC.encode(value)) == value


def test_states_survive_their_store() -> None:
    signatures = Signatures()
    signatures.give(RecordReceipts("document", (receipt(1),)))
    signatures.give(RecordVerdict("document", (VALID,)))
    for name, state in signatures.states.items():
        kind = DECIDER.states[name.partition("/")[0]]
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=kind) == state
