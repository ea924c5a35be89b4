"""Timelines of deliveries: the statuses that their recipients, and the axis itself, report.

Codes are those of the status packet (QCVN 102:2016): 01 arrived, 02 returned with reason, 03
registered, 04 assigned, 05 in progress, 06 finished; 13 take-back asked by the sender, 15 agreed
to, 16 declined. In the field they come out of order, skipped and doubled. Rules (tests carry their
numbers):

- 1 Every sound status of a known delivery is recorded, in whatever order they come; none is
  checked against those before it.
- 2 The same status of the same report (code, source, time claimed, report id) is recorded once;
  the same code in another report is another status.
- 3 Illegal is only this, each status by itself: a code that does not exist (`status_unknown`); what
  the other side says (`status_wrong_side`): 13 is the sender's, all others the recipient's; 15 and
  16 while no take-back was ever asked (`status_without_request`). The others of the report are
  recorded all the same. That 13, 15 and 16 act on the delivery is not decided here.
- 4 A status of a delivery that is not known yet is held, and recorded when the delivery becomes
  known (rule L30). What rule 3 refuses is refused at once, never held. A 13 is never held: its
  sender has the delivery's id from the axis.
- 5 A delivery's id is computed from its document and its recipient: where a report names the
  document and the ids do not agree, the delivery is another organisation's, or none, and the
  answer is `unknown_delivery` without looking at anything. An aggregate is a delivery *as seen by
  an organisation* (`delivery/<organisation>.<delivery>`): without the document, a status of
  another's delivery is held like one of a delivery that does not exist, meets nothing, ever, and
  its reporter learns nothing. A 13 meets the delivery as seen by its recipient, and is recorded
  where it comes from the delivery's sender; from anybody else it is `unknown_delivery`.
- 6 A delivery is opened once; sender and document are taken from its opening, never from reports.
- 7 What a delivery keeps is bounded: `MOST_STATUSES` recorded, `MOST_HELD` held before it is known;
  further ones are refused with `too_many_items`. An event holds at most `CHUNK` statuses.
- 8 The furthest status is derived from all that was reported, in whatever order, and nothing is
  decided on it. 01 < 03 < 04 < 05 < 06 in the order of the work; 02 follows 01 and ends there, so
  it stands beside 03-06. Where both were reported, 02 is shown: a return asks the sender for
  something (Decree 30/2020: invalid or misdirected documents come back with the reason), 03-06 ask
  nothing. 13, 15 and 16 are a conversation about the delivery, no progress of it.
- 9 What an organisation holds of all deliveries that are not known is bounded by a setting: further
  statuses are refused with `too_many_unmatched`, each by itself, until deliveries become known.
  They can be reported again once theirs is. A hand-over, which the axis itself reports, is not
  refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, id_of
from docaxis_eventsourcing.last_argument import kept_for_the_last
from docaxis_eventsourcing.receipt_ids import delivery_id as computed_delivery_id
from docaxis_status.domain.holders import Facts, Holder, holder, holders
from docaxis_status.domain.messages import (
    Command,
    DeliveryOpened,
    Event,
    OpenTimelines,
    RecordHandOver,
    ReportAnswer,
    ReportResult,
    ReportStatuses,
    Status,
    StatusesHeld,
    StatusesReported,
    TimelinesOpened,
)

MOST_STATUSES = 500
MOST_HELD = 64
CHUNK = 500
RECIPIENT, AXIS, SENDER = "recipient", "axis", "sender"
ARRIVED, RETURNED, TAKE_BACK = "01", "02", "13"
RECORDED, ALREADY_RECORDED, HELD = "recorded", "already_recorded", "held"

_ANSWERS = ("15", "16")
_PROGRESS = (ARRIVED, "03", "04", "05", "06", RETURNED)
"""Rule 8: the order of the work, and 02 shown before what it stands beside."""


class Mark(NamedTuple):
    """What makes a status the same status (rule 2)."""

    code: str
    source: str
    claimed_at: str
    report_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as seen by an organisation. Not known while `document_id` is empty."""

    organisation_id: str
    delivery_id: str
    document_id: str = ""
    sender_organisation_id: str = ""
    recorded: tuple[Mark, ...] = ()
    held: tuple[Status, ...] = ()


def aggregate(organisation_id: str, delivery_id: str) -> str:
    """The name of a delivery as seen by an organisation (rule 5)."""
    return f"delivery/{organisation_id}.{delivery_id}"


def aggregates(command: Command) -> tuple[str, ...]:
    """The deliveries that a command is about, each once, and who holds or may release statuses."""
    if isinstance(command, OpenTimelines):
        names = _names((each.organisation_id, each.delivery_id) for each in command.deliveries)
        return (*names, *holders(each.organisation_id for each in command.deliveries))
    names = _names((command.organisation_id, each.delivery_id) for each in command.statuses)
    if isinstance(command, ReportStatuses) and command.sender_organisation_id:
        return names  # rule 4: a 13 is never held
    return (*names, holder(command.organisation_id))


def touched(event: Event) -> tuple[str, ...]:
    """The deliveries that an event is about, each once, and the holder that it counts for."""
    if isinstance(event, TimelinesOpened):
        return _names((each.organisation_id, each.delivery_id) for each in event.deliveries)
    names = _names((event.organisation_id, each.delivery_id) for each in event.statuses)
    counts = isinstance(event, StatusesHeld) or event.released
    return (*names, holder(event.organisation_id)) if counts else names


def initial(name: str) -> Delivery:
    """A delivery that nothing is known of."""
    organisation_id, _, delivery_id = id_of(name).partition(".")
    return Delivery(organisation_id, delivery_id)


def refusal(organisation_id: str, status: Status) -> str:
    """Why nobody may report this, whatever is known (rules 3 and 5); empty: it may."""
    if status.source == AXIS:
        return ""
    if status.code not in (*_PROGRESS, TAKE_BACK, *_ANSWERS):
        return "status_unknown"
    if (status.code == TAKE_BACK) != (status.source == SENDER):
        return "status_wrong_side"
    document_id = status.document_id
    if document_id and computed_delivery_id(document_id, organisation_id) != status.delivery_id:
        return "unknown_delivery"
    return ""


def furthest(codes: Iterable[str]) -> str:
    """The furthest of the statuses reported (rule 8); empty where there is none."""
    found = {code for code in codes if code in _PROGRESS}
    return max(found, key=_PROGRESS.index, default="")


def decide(states: Mapping[str, Delivery | Holder], facts: Facts, command: Command) -> Decision:
    """Decide a command upon the deliveries that it names."""
    known = {name: each for name, each in states.items() if isinstance(each, Delivery)}
    if isinstance(command, OpenTimelines):
        return _open(known, command)
    if isinstance(command, RecordHandOver):
        return _record(known, command.organisation_id, command.statuses, len(command.statuses))
    sender = command.sender_organisation_id
    source = SENDER if sender else RECIPIENT
    said = (replace(each, source=source, system_id=command.system_id) for each in command.statuses)
    holding = states.get(holder(command.organisation_id))
    room = facts.most_held - holding.held if isinstance(holding, Holder) else 0
    return _record(known, command.organisation_id, said, room, sender)


def evolve(state: Delivery, event: Event) -> Delivery:
    """Fold an event into one of the deliveries that it names."""
    if isinstance(event, TimelinesOpened):
        opened = _opened_by(event)[state.organisation_id, state.delivery_id]
        return replace(
            state,
            document_id=opened.document_id,
            sender_organisation_id=opened.sender_organisation_id,
            held=(),  # the event that follows records them
        )
    own = tuple(each for each in event.statuses if each.delivery_id == state.delivery_id)
    if isinstance(event, StatusesHeld):
        return replace(state, held=(*state.held, *own))
    return replace(state, recorded=(*state.recorded, *map(_mark, own)))


@kept_for_the_last
def _opened_by(event: TimelinesOpened) -> Mapping[tuple[str, str], DeliveryOpened]:
    return {(each.organisation_id, each.delivery_id): each for each in event.deliveries}


def _open(states: Mapping[str, Delivery], command: OpenTimelines) -> Decision:
    new: dict[str, DeliveryOpened] = {}
    for each in command.deliveries:
        name = aggregate(each.organisation_id, each.delivery_id)
        if not states[name].document_id:
            new.setdefault(name, each)
    if not new:
        return AlreadyDecided()  # rule 6
    waiting: dict[str, list[Status]] = {}
    for name, opened in new.items():
        held = (_completed(each, opened) for each in states[name].held)
        waiting.setdefault(opened.organisation_id, []).extend(held)
    reported = (
        StatusesReported(organisation_id, chunk, released=len(chunk))
        for organisation_id, statuses in waiting.items()
        for chunk in _chunks(statuses)
    )
    return Decided((TimelinesOpened(tuple(new.values())), *reported))


def _record(
    states: Mapping[str, Delivery],
    organisation_id: str,
    statuses: Iterable[Status],
    room: int,
    sender: str = "",
) -> Decision:
    """`room` is how many more statuses the organisation may hold (rule 9)."""
    known = dict(states)
    recorded: list[Status] = []
    held: list[Status] = []
    results: list[ReportResult] = []
    for status in statuses:
        name = aggregate(organisation_id, status.delivery_id)
        state = known[name]
        result = refusal(organisation_id, status) or _place(state, status, sender)
        if result == RECORDED:
            recorded.append(_completed(status, state))
            known[name] = replace(state, recorded=(*state.recorded, _mark(status)))
        elif result == HELD and _mark(status) not in map(_mark, state.held):
            if len(held) < room:
                held.append(status)
                known[name] = replace(state, held=(*state.held, status))
            else:
                result = "too_many_unmatched"
        results.append(ReportResult(status.delivery_id, status.code, result))
    events: list[Event] = [StatusesReported(organisation_id, each) for each in _chunks(recorded)]
    events += [StatusesHeld(organisation_id, each) for each in _chunks(held)]
    answer = ReportAnswer(tuple(results))
    return Decided(tuple(events), answer) if events else AlreadyDecided(answer)


def _place(state: Delivery, status: Status, sender: str) -> str:
    """What becomes of a sound status: recorded, known before, held, or why not."""
    mark = _mark(status)
    if sender and sender != state.sender_organisation_id:
        return "unknown_delivery"  # rule 5
    if status.code in _ANSWERS and all(each.code != TAKE_BACK for each in state.recorded):
        return "status_without_request"  # rule 3
    if not state.document_id:
        if len(state.held) >= MOST_HELD and mark not in map(_mark, state.held):
            return "too_many_items"
        return HELD
    if mark in state.recorded:
        return ALREADY_RECORDED
    return RECORDED if len(state.recorded) < MOST_STATUSES else "too_many_items"


def _completed(status: Status, by: Delivery | DeliveryOpened) -> Status:
    return replace(
        status,
        document_id=by.document_id,
        sender_organisation_id=by.sender_organisation_id,
    )


def _mark(status: Status) -> Mark:
    return Mark(status.code, status.source, status.claimed_at, status.report_id)


def _chunks(statuses: list[Status]) -> Iterator[tuple[Status, ...]]:
    for start in range(0, len(statuses), CHUNK):
        yield tuple(statuses[start : start + CHUNK])


def _names(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(aggregate(*pair) for pair in pairs))
