"""Rules 1-10 of routing: documents and submissions."""

from dataclasses import replace

import pytest

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused
from docaxis_routing.domain.messages import (
    ContentDigest,
    DocumentSubmitted,
    NoteVerdict,
    RecipientsAdded,
    SubmitAnswer,
    VerdictNoted,
)
from tests.unit.docaxis_routing.routing_samples import (
    HANOI,
    SENDER,
    House,
    facts_of,
    identity,
    submit,
)


def answer(decision: Decision) -> SubmitAnswer:
    assert isinstance(decision, Decided | AlreadyDecided)
    assert isinstance(decision.answer, SubmitAnswer)
    return decision.answer


def test_rule_1_the_same_content_for_the_same_recipients_is_answered_as_the_first_time() -> None:
    house = House()
    first = house.give(submit("H26", "H27"))
    again = house.give(submit("H26", "H27"), facts_of(submit("H26", "H27"), now=9_999))
    assert isinstance(again, AlreadyDecided)
    assert again.answer == answer(first)
    assert len(house.events) == 1


def test_rule_1_the_order_of_recipients_is_no_difference() -> None:
    house = House()
    first = house.give(submit("H26", "H27"))
    assert house.give(submit("H27", "H26")) == AlreadyDecided(answer(first))


def test_rule_2_the_same_submission_with_other_content_is_a_conflict() -> None:
    house = House()
    house.give(submit("H26"))
    refused = house.give(submit("H26", subject="Nội dung khác"))
    assert refused == Refused("content_conflict", {"document_id": identity().document_id}, "/id")
    assert len(house.events) == 1


def test_rule_2_contents_are_compared_under_the_newest_canonical_form_that_both_know() -> None:
    house = House()
    house.give(submit("H26"))
    digest = identity().content_digest
    newer = replace(
        submit("H26"), content_digests=(ContentDigest(1, digest), ContentDigest(2, "f" * 64))
    )
    assert isinstance(house.give(newer), AlreadyDecided)
    stranger = replace(submit("H26"), content_digests=(ContentDigest(2, "f" * 64),))
    assert isinstance(house.give(stranger), Refused)


def test_rule_3_one_id_for_two_submissions_is_refused() -> None:
    house = House()
    house.give(submit("H26"))
    collided = replace(submit("H26"), submission_key="e" * 64)
    decision = house.give(collided)
    assert isinstance(decision, Refused)
    assert decision.code == "id_hash_collision"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"system_known": False}, "system_unknown"),
        ({"system_locked": True}, "system_locked"),
        ({"serves_sender": False}, "sender_not_served"),
        ({"sender_locked": True}, "organisation_locked"),
    ],
)
def test_rule_4_the_system_and_sender_must_be_in_order(facts: dict[str, bool], code: str) -> None:
    house = House()
    decision = house.give(submit("H26"), facts_of(submit("H26"), **facts))
    assert isinstance(decision, Refused)
    assert decision.code == code
    assert house.events == []


def test_rule_5_an_unknown_or_locked_recipient_is_refused_by_itself() -> None:
    told = answer(House().give(submit("H26", "H2X", "H99")))
    assert [each.code for each in told.recipients] == ["H26"]
    assert [(each.code, each.reason, each.suggestions) for each in told.refused] == [
        ("H2X", "unknown_organisation", ("H26",)),
        ("H99", "organisation_locked", ()),
    ]


def test_rule_6_two_codes_of_one_organisation_are_one_recipient() -> None:
    told = answer(House().give(submit("000.00.00.H26", "H26")))
    assert [(each.code, each.organisation_id) for each in told.recipients] == [
        ("000.00.00.H26", HANOI)
    ]


def test_rule_7_a_document_without_a_valid_recipient_is_refused_whole() -> None:
    house = House()
    decision = house.give(submit("H2X"))
    assert isinstance(decision, Refused)
    assert decision.code == "no_valid_recipient"
    (field,) = decision.fields
    assert (field.pointer, field.code) == ("/recipients/0", "unknown_organisation")
    assert field.params["suggestions"] == "H26"
    assert house.events == []


def test_rule_7_the_same_submission_is_taken_when_its_recipients_are_mended() -> None:
    house = House()
    house.give(submit("H2X"))
    assert isinstance(house.give(submit("H26")), Decided)


def test_rule_8_a_required_signature_holds_the_copy() -> None:
    told = answer(House().give(submit("H26", "H50")))
    assert [(each.code, each.held) for each in told.recipients] == [("H26", False), ("H50", True)]


def test_rule_9_further_recipients_have_an_answer_of_their_own() -> None:
    house = House()
    first = answer(house.give(submit("H26")))
    more = answer(house.give(submit("H26", "H27"), facts_of(submit("H26", "H27"), now=5_000)))
    assert [type(event) for event in house.events] == [DocumentSubmitted, RecipientsAdded]
    assert more.recipients_digest != first.recipients_digest
    assert more.accepted_at == first.accepted_at == 1_000
    assert [each.code for each in more.recipients] == ["H26", "H27"]
    assert house.give(submit("H26")) == AlreadyDecided(first)


def test_rule_10_the_first_verdict_counts_and_goes_to_those_who_wait() -> None:
    house = House()
    house.give(submit("H26", "H50"))
    document_id = identity().document_id
    noted = house.give(NoteVerdict(document_id, "valid", "signature_valid"))
    assert noted == Decided(
        (VerdictNoted(document_id, "valid", "signature_valid", ("org-strict",), SENDER),)
    )
    assert house.give(NoteVerdict(document_id, "tampered", "file_tampered")) == AlreadyDecided()


@pytest.mark.parametrize(
    ("status", "code", "held", "reason"),
    [
        ("valid", "signature_valid", False, None),
        ("unsigned", "file_unsigned", None, "file_unsigned"),
    ],
)
def test_rule_10_a_known_verdict_decides_for_recipients_that_are_added_later(
    status: str, code: str, held: bool | None, reason: str | None
) -> None:
    house = House()
    house.give(submit("H26"))
    house.give(NoteVerdict(identity().document_id, status, code))
    told = answer(house.give(submit("H26", "H50")))
    assert [each.held for each in told.recipients if each.code == "H50"] == (
        [] if held is None else [held]
    )
    assert [each.reason for each in told.refused] == ([] if reason is None else [reason])


def test_rule_10_a_verdict_for_a_document_that_is_not_there_changes_nothing() -> None:
    house = House()
    assert house.give(NoteVerdict(identity().document_id, "valid", "ok")) == AlreadyDecided()
    assert isinstance(house.give(submit("H26")), Decided)


def test_a_submission_states_the_senders_level_of_the_day_of_acceptance() -> None:
    house = House()
    house.give(submit("H26"), facts_of(submit("H26"), level=2))
    house.give(submit("H26", "H27"), facts_of(submit("H26", "H27"), level=1))
    first, further = house.events
    assert isinstance(first, DocumentSubmitted)
    assert isinstance(further, RecipientsAdded)
    assert first.sender_level == 2
