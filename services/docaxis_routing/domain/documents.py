"""Documents and submissions.

1. A submission (sender, sender's document id, year, business type) accepts one content; the same
   content for the same recipients again is answered as the first time.
2. The same submission with other content is a conflict.
3. An id only names: where the full hashes differ under one id, the command is refused.
4. The system must be known, not locked, and serve the sender, who must not be locked.
5. A recipient that nobody is, or that is locked, is refused by itself, with reason and
   suggestions; it has no delivery.
6. Two codes of one organisation are one recipient: the first code counts.
7. A document without any valid recipient is refused whole.
8. Where a recipient's policy requires a signature, its copy is held until the verdict.
9. The same content with further recipients adds deliveries for those alone, and has an answer of
   its own; those who have it already are answered, not served again.
10. The first verdict is noted and counts; it goes to those who wait for it, and decides at once
    for recipients that are added later.
22. A check is decided as the submit would be, and changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused
from docaxis_eventsourcing.errors import FieldProblem
from docaxis_routing.domain.facts import Resolved, RoutingFacts
from docaxis_routing.domain.messages import (
    CheckAnswer,
    CheckDocument,
    ContentDigest,
    DocumentBrief,
    DocumentSubmitted,
    NoteVerdict,
    Recipient,
    RecipientsAdded,
    RefusedRecipient,
    SlicedRecipients,
    SubmitAnswer,
    SubmitDocument,
    VerdictNoted,
)

VALID = "valid"


@dataclass(frozen=True, slots=True)
class Submission:
    """What a submission key has accepted."""

    key: str
    document_id: str = ""
    content_digests: tuple[ContentDigest, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document, its recipients and its verdict; an empty `submission_key`: not accepted yet."""

    document_id: str
    submission_key: str = ""
    sender_organisation_id: str = ""
    accepted_at: int = 0
    recipients: tuple[Recipient, ...] = ()
    answers: tuple[SubmitAnswer, ...] = ()
    """One for each set of recipients as sent (rule L8)."""
    verdict_status: str = ""
    verdict_code: str = ""
    sliced: tuple[SlicedRecipients, ...] = ()
    """Sets of more than 500: their recipients are the slices' (rule 18)."""
    priority: int = 0


def decide_submit(
    states: Mapping[str, Any], facts: RoutingFacts, command: SubmitDocument
) -> Decision:
    """Rules 1-9."""
    document: Document = states[f"document/{command.brief.document_id}"]
    submission: Submission = states[f"submission/{command.submission_key}"]
    if submission.document_id and not _same(submission.content_digests, command.content_digests):
        return Refused("content_conflict", {"document_id": submission.document_id}, "/id")  # rule 2
    if document.submission_key and document.submission_key != command.submission_key:
        return Refused("id_hash_collision", {"document_id": document.document_id})  # rule 3
    for answer in document.answers:
        if answer.recipients_digest == command.recipients_digest:
            return AlreadyDecided(answer)  # rule 1
    if refusal := _sender_refused(facts, command):
        return refusal
    recipients, refused = resolve(facts.recipients, command.recipient_codes, document)
    if not recipients and not command.slices:
        return _nobody(command, refused)
    accepted_at = document.accepted_at or facts.now
    brief = replace(command.brief, accepted_at=accepted_at, content_digest=_stated(command))
    digest = command.recipients_digest
    count = command.recipient_count
    answer = SubmitAnswer(brief.document_id, digest, recipients, refused, accepted_at, count)
    to = (digest, recipients, refused, command.slices, command.recipients_file, count)
    if not document.submission_key:
        # The sender's level on the day of acceptance is what figures count.
        first = DocumentSubmitted(
            brief, command.submission_key, command.content_digests, *to, facts.level
        )
        return Decided((first,), answer)
    return Decided((RecipientsAdded(brief, *to),), answer)  # rule 9


def decide_check(
    states: Mapping[str, Any], facts: RoutingFacts, command: CheckDocument
) -> Decision:
    """Rule 22: no event, whatever a submit would be answered."""
    decision = decide_submit(states, facts, command.submission)
    if isinstance(decision, Decided | AlreadyDecided) and isinstance(decision.answer, SubmitAnswer):
        return AlreadyDecided(CheckAnswer(decision.answer, isinstance(decision, Decided)))
    return decision


def decide_verdict(document: Document, command: NoteVerdict) -> Decision:
    """Rule 10."""
    if document.verdict_status or not document.submission_key:
        return AlreadyDecided()
    waiting = tuple(each.organisation_id for each in document.recipients if each.held)
    return Decided(
        (
            VerdictNoted(
                document.document_id,
                command.status,
                command.code,
                waiting,
                document.sender_organisation_id,
                document.sliced,
                document.priority,
            ),
        )
    )


def evolve_submission(state: Submission, event: DocumentSubmitted) -> Submission:
    """A submission keeps the content that it accepted."""
    return Submission(state.key, event.brief.document_id, event.content_digests)


def evolve_document(state: Document, event: Any) -> Document:
    """A document grows recipients and answers, and gets a verdict."""
    match event:
        case DocumentSubmitted():
            return _with_recipients(
                replace(
                    state,
                    submission_key=event.submission_key,
                    sender_organisation_id=event.brief.sender_organisation_id,
                    accepted_at=event.brief.accepted_at,
                    priority=event.brief.priority,
                ),
                event,
            )
        case RecipientsAdded():
            return _with_recipients(state, event)
        case VerdictNoted():
            return replace(state, verdict_status=event.status, verdict_code=event.code)
    return state


def new_recipients(document: Document, recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    """Those that do not have the document yet."""
    known = {each.organisation_id for each in document.recipients}
    return tuple(each for each in recipients if each.organisation_id not in known)


def _with_recipients(state: Document, event: DocumentSubmitted | RecipientsAdded) -> Document:
    answer = SubmitAnswer(
        state.document_id,
        event.recipients_digest,
        event.recipients,
        event.refused,
        state.accepted_at,
        event.recipient_count,
    )
    sliced = (SlicedRecipients(event.recipients_digest, event.slices),) if event.slices else ()
    return replace(
        state,
        sliced=(*state.sliced, *sliced),
        recipients=(*state.recipients, *new_recipients(state, event.recipients)),
        answers=(*state.answers, answer),
    )


def _same(kept: tuple[ContentDigest, ...], given: tuple[ContentDigest, ...]) -> bool:
    """Equal under the newest canonical form that both sides know (L1)."""
    theirs = {each.canon_version: each.digest for each in kept}
    for each in sorted(given, key=lambda one: one.canon_version, reverse=True):
        if each.canon_version in theirs:
            return theirs[each.canon_version] == each.digest
    return False


def _stated(command: SubmitDocument) -> str:
    return max(command.content_digests, key=lambda each: each.canon_version).digest


def _sender_refused(facts: RoutingFacts, command: SubmitDocument) -> Refused | None:
    """Rule 4."""
    brief: DocumentBrief = command.brief
    if not facts.system_known:
        return Refused("system_unknown", {"system_id": brief.system_id})
    if facts.system_locked:
        return Refused("system_locked", {"system_id": brief.system_id})
    if not facts.serves_sender:
        return Refused("sender_not_served", {"code": brief.sender_code}, "/sender")
    if facts.sender_locked:
        return Refused("organisation_locked", {"code": brief.sender_code}, "/sender")
    return None


def resolve(
    resolved: Mapping[str, Resolved], codes: Iterable[str], document: Document
) -> tuple[tuple[Recipient, ...], tuple[RefusedRecipient, ...]]:
    """Who gets the document, and who does not: rules 5, 6, 8 and 10."""
    found: dict[str, Recipient] = {}
    refused: dict[str, RefusedRecipient] = {}
    known = {each.organisation_id: each for each in document.recipients}
    for code in codes:
        what = resolved.get(code, Resolved())
        if not what.organisation_id:
            refused[code] = RefusedRecipient(code, "unknown_organisation", what.suggestions)
        elif what.locked:
            refused[code] = RefusedRecipient(code, "organisation_locked")
        elif what.organisation_id in found:
            continue
        elif what.organisation_id in known:
            found[what.organisation_id] = known[what.organisation_id]
        elif what.signature_required and document.verdict_status not in ("", VALID):
            refused[code] = RefusedRecipient(code, document.verdict_code)
        else:
            held = what.signature_required and not document.verdict_status
            found[what.organisation_id] = Recipient(
                code, what.organisation_id, held, successor_code=what.successor_code
            )
    return tuple(found.values()), tuple(refused.values())


def _nobody(command: SubmitDocument, refused: tuple[RefusedRecipient, ...]) -> Refused:
    """Rule 7: each recipient is named, with its reason and suggestions."""
    reasons = {each.code: each for each in refused}
    fields = tuple(
        FieldProblem(
            f"/recipients/{index}",
            reasons[code].reason,
            {"code": code, "suggestions": ",".join(reasons[code].suggestions)},
        )
        for index, code in enumerate(command.recipient_codes)
        if code in reasons
    )
    codes = ", ".join(command.recipient_codes)
    return Refused("no_valid_recipient", {"codes": codes}, "/recipients", fields)
