"""Rules 18-21 of routing: documents for more than 500 recipients, resolved slice by slice (L9)."""

from dataclasses import replace

import msgspec

from docaxis_eventsourcing.decider import AlreadyDecided, Decided
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.front_door import MAX_MESSAGE
from docaxis_eventsourcing.topics import Lane, document_partition, organisation_partition
from docaxis_proto.signature_events_v1_pb2 import DocumentVerified
from docaxis_routing.codec import CODEC
from docaxis_routing.domain.facts import Resolved
from docaxis_routing.domain.messages import (
    DocumentSubmitted,
    FileRef,
    MakeDeliveries,
    NoteVerdict,
    RecipientsAdded,
    RecipientsResolved,
    RefuseDeliveries,
    ReleaseDeliveries,
    ResolveSlice,
    SettleSlice,
    SliceSettled,
    SubmitAnswer,
    SubmitDocument,
)
from docaxis_routing.reactions import RoutingReactions
from docaxis_routing.recipient_slices import MOST_RIDING, arrange
from tests.unit.docaxis_routing.routing_samples import HANOI, HATINH, House, facts_of, submit

PARTITIONS = 12
ENVELOPE = Envelope(id="event", type="type", source="docaxis/routing")
MANY = tuple(f"X{number:06}" for number in range(1_200))


def large(*codes: str, slices: int = 3) -> SubmitDocument:
    """A submission whose recipients are a file."""
    command = submit(*codes)
    return replace(
        command,
        recipient_codes=(),
        slices=slices,
        recipients_file="f" * 64,
        recipient_count=len(codes),
    )


def resolve_slice(command: SubmitDocument, number: int) -> ResolveSlice:
    return ResolveSlice(command.brief, command.recipients_digest, command.recipients_file, number)


def settle_slice(command: SubmitDocument, number: int) -> SettleSlice:
    return SettleSlice(command.brief.document_id, command.recipients_digest, number)


def resolved(house: House, command: ResolveSlice, **registry: Resolved) -> RecipientsResolved:
    decision = house.give(command, facts_of(command, recipients=registry))
    assert isinstance(decision, Decided)
    (event,) = decision.events
    assert isinstance(event, RecipientsResolved)
    return event


def test_rule_18_a_large_document_is_accepted_with_its_count_and_its_state_stays_small() -> None:
    house, command = House(), large(*MANY)
    decision = house.give(command)
    assert isinstance(decision, Decided)
    (event,) = decision.events
    assert isinstance(event, DocumentSubmitted)
    assert (event.recipients, event.refused, event.slices) == ((), (), 3)
    assert event.recipient_count == 1_200
    assert isinstance(decision.answer, SubmitAnswer)
    assert decision.answer.recipient_count == 1_200
    document = house.state(f"document/{command.brief.document_id}")
    assert document.recipients == ()
    again = house.give(command)
    assert isinstance(again, AlreadyDecided)
    assert again.answer == decision.answer


def test_rule_18_each_slice_goes_by_the_registry_as_it_stands_when_it_is_decided() -> None:
    house, command = House(), large("H26", "H27", slices=2)
    house.give(command)
    first = resolved(house, resolve_slice(command, 0), H26=Resolved(HANOI))
    assert [each.organisation_id for each in first.recipients] == [HANOI]
    second = resolved(house, resolve_slice(command, 1), H27=Resolved(HATINH, locked=True))
    assert second.recipients == ()
    assert [(each.code, each.reason) for each in second.refused] == [("H27", "organisation_locked")]


def test_rule_18_who_moved_between_slices_is_sent_where_it_lies_now() -> None:
    house, command = House(), large("H26", "H27", slices=1)
    house.give(command)
    event = resolved(
        house, resolve_slice(command, 0), H26=Resolved(HANOI), H27=Resolved("org-elsewhere")
    )
    follow_ups = RoutingReactions(PARTITIONS).to_own_events(event, ENVELOPE, None)
    made = {
        each.organisation_id: follow_up.partition
        for follow_up in follow_ups
        for each in follow_up.command.recipients
    }
    assert made == {each: organisation_partition(each, PARTITIONS) for each in made}
    assert set(made) == {HANOI, "org-elsewhere"}


def test_rule_18_further_recipients_may_be_many_too() -> None:
    house, command = House(), large(*MANY)
    house.give(submit("H26"))
    decision = house.give(command)
    assert isinstance(decision, Decided)
    (event,) = decision.events
    assert isinstance(event, RecipientsAdded)
    assert event.slices == 3
    assert house.give(submit("H26")) == AlreadyDecided(
        house.state(f"document/{command.brief.document_id}").answers[0]
    )


def test_rule_19_a_slice_of_a_document_that_was_never_accepted_makes_nothing() -> None:
    house, command = House(), large(*MANY)
    facts = facts_of(command, recipients={"H26": Resolved(HANOI)})
    assert house.give(resolve_slice(command, 0), facts) == AlreadyDecided()
    assert house.events == []


def test_rule_19_a_verdict_between_slices_decides_for_the_later_ones_at_once() -> None:
    house, command = House(), large(*MANY)
    house.give(command)
    strict = Resolved("org-strict", signature_required=True)
    first = resolved(house, resolve_slice(command, 0), H50=strict)
    assert [each.held for each in first.recipients] == [True]
    house.give(NoteVerdict(command.brief.document_id, "invalid", "file_tampered"))
    later = resolved(
        house, resolve_slice(command, 1), H51=Resolved("org-strict-2", signature_required=True)
    )
    assert [(each.code, each.reason) for each in later.refused] == [("H51", "file_tampered")]


def test_rule_20_a_slice_that_comes_twice_makes_one_chunk_event() -> None:
    house, command = House(), large(*MANY)
    house.give(command)
    resolved(house, resolve_slice(command, 0), H26=Resolved(HANOI))
    other = facts_of(command, recipients={"H27": Resolved(HATINH)})
    assert house.give(resolve_slice(command, 0), other) == AlreadyDecided()
    assert len(house.events) == 2


def test_rule_21_the_verdict_reaches_the_copies_of_each_slice_once() -> None:
    house, command = House(), large(*MANY)
    house.give(command)
    strict = Resolved("org-strict", signature_required=True)
    resolved(house, resolve_slice(command, 1), H50=strict, H26=Resolved(HANOI))
    assert house.give(settle_slice(command, 1)) == AlreadyDecided()  # no verdict yet
    noted = house.give(NoteVerdict(command.brief.document_id, "valid", ""))
    assert isinstance(noted, Decided)
    asked = RoutingReactions(PARTITIONS).to_own_events(noted.events[0], ENVELOPE, None)
    assert [each.command for each in asked] == [settle_slice(command, each) for each in range(3)]
    settled = house.give(settle_slice(command, 1))
    assert isinstance(settled, Decided)
    (event,) = settled.events
    assert isinstance(event, SliceSettled)
    (released,) = RoutingReactions(PARTITIONS).to_own_events(event, ENVELOPE, None)
    assert released.command == ReleaseDeliveries(command.brief.document_id, ("org-strict",))
    assert house.give(settle_slice(command, 1)) == AlreadyDecided()
    assert house.give(settle_slice(command, 0)) == AlreadyDecided()  # nobody waits there


def test_rule_21_an_invalid_verdict_refuses_the_copies_of_a_slice() -> None:
    event = SliceSettled("d", "r", 0, "invalid", "file_tampered", ("org-strict",), "org-office", 0)
    (refused,) = RoutingReactions(PARTITIONS).to_own_events(event, ENVELOPE, None)
    assert refused.command == RefuseDeliveries("d", "file_tampered", ("org-strict",), "org-office")


def test_L9_slices_are_whole_bounded_and_lie_on_one_partition_each() -> None:
    ids = {code: f"org-{code}" for code in MANY[:1_000]}
    file = arrange(MANY, ids, PARTITIONS)
    slices = msgspec.json.decode(file.content, type=list[list[str]])
    assert len(slices) == file.slices
    assert sorted(code for each in slices for code in each) == sorted(MANY)
    for each in slices:
        assert 0 < len(each) <= MOST_RIDING
        lie = {organisation_partition(ids[c], PARTITIONS) if c in ids else -1 for c in each}
        assert len(lie) == 1


def test_L9_no_message_of_the_fullest_slice_passes_256_kb() -> None:
    house = House()
    command = large(*MANY)
    files = tuple(FileRef(f"{n:064}", 16_000_000, "application/pdf", "e" * 64) for n in range(100))
    command = replace(command, brief=replace(command.brief, files=files))
    house.give(command)
    registry = {
        f"{number:035}": Resolved(f"{number:08}-0000-8000-8000-000000000000", False, True)
        for number in range(MOST_RIDING)
    }
    event = resolved(house, resolve_slice(command, 0), **registry)
    assert len(event.recipients) == MOST_RIDING
    made = RoutingReactions(1).to_own_events(event, ENVELOPE, None)
    assert isinstance(made[0].command, MakeDeliveries)
    house.give(made[0].command)
    for each in (event, made[0].command, house.events[-1]):
        assert len(CODEC.encode(each)[1]) < MAX_MESSAGE


def test_L10_one_documents_commands_on_a_partition_have_one_lane() -> None:
    reactions, command = RoutingReactions(PARTITIONS), large(*MANY)
    for priority, lane in ((0, Lane.BULK), (1, Lane.URGENT), (4, Lane.URGENT)):
        house = House()
        urgent = replace(command, brief=replace(command.brief, priority=priority))
        house.give(urgent)
        strict = Resolved("org-strict", signature_required=True)
        chunk = resolved(house, resolve_slice(urgent, 0), H50=strict)
        house.give(NoteVerdict(command.brief.document_id, "valid", ""))
        house.give(settle_slice(urgent, 0))
        follow_ups = [
            each
            for event in house.events
            for each in reactions.to_own_events(event, ENVELOPE, None)
        ]
        assert {each.lane for each in follow_ups} == {lane}
        slices = [each for each in follow_ups if isinstance(each.command, ResolveSlice)]
        assert len(slices) == 3
        partition = document_partition(command.brief.document_id, PARTITIONS)
        assert {each.partition for each in slices} == {partition}
        assert chunk.recipients[0].held


def test_L10_a_verdict_comes_in_its_documents_lane() -> None:
    document_id, reactions = large(*MANY).brief.document_id, RoutingReactions(PARTITIONS)
    for priority, lane in ((0, Lane.NORMAL), (1, Lane.URGENT), (4, Lane.URGENT)):
        verified = DocumentVerified(document_id=document_id, status="valid", priority=priority)
        (follow_up,) = reactions.to_signature_events(verified, ENVELOPE, None)
        assert follow_up.command == NoteVerdict(document_id, "valid", "")
        assert follow_up.lane is lane
        assert follow_up.partition == document_partition(document_id, PARTITIONS)
    # What a release before this recorded has no priority.
    old = DocumentVerified.FromString(DocumentVerified(document_id=document_id).SerializeToString())
    assert reactions.to_signature_events(old, ENVELOPE, None)[0].lane is Lane.NORMAL


def test_L10_up_to_500_recipients_stay_in_the_documents_lane() -> None:
    for priority, lane in ((0, Lane.NORMAL), (1, Lane.URGENT)):
        house, command = House(), submit("H26")
        house.give(replace(command, brief=replace(command.brief, priority=priority)))
        (event,) = house.events
        (follow_up,) = RoutingReactions(PARTITIONS).to_own_events(event, ENVELOPE, None)
        assert follow_up.lane is lane
