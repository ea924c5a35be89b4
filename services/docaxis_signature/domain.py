"""Verdicts on documents, and receipts of the axis. Rules (tests carry their numbers):

- 1 A document's verdict is the worst of its files' verdicts, in the order of `WORST_FIRST`, where
  a file without a signature counts only if no file has one: an unsigned attachment beside a signed
  letter is fine.
- 2 So a document is `valid` when at least one file is signed and every signed file is valid, and
  `unsigned` when no file is signed, be it that it has no files.
- 3 A code that this release does not know weighs more than any it knows: it is never `valid` by
  mistake.
- 4 A verdict is recorded once. A repeat of the check, whatever it finds, changes nothing: held
  deliveries were let go, or refused, on the first.
- 5 A receipt is recorded once, under its computed id, and never replaced: its holder and the axis
  show the same bytes for ever.
- 6 Each receipt is an aggregate of its own: nothing grows with the number of a document's
  recipients.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from docaxis_eventsourcing.decider import (
    AlreadyDecided,
    Decided,
    Decider,
    Decision,
    Moment,
    kind_of,
)

UNSIGNED = "file_unsigned"
WORST_FIRST = (
    "file_tampered",
    "certificate_revoked",
    "certificate_untrusted",
    "certificate_expired",
    "verification_timed_out",
    "signature_unreadable",
    "signature_valid",
    UNSIGNED,
)
"""Codes of files as a document weighs them (rule 1); otherwise as in `docaxis_trust.verdicts`."""


@dataclass(frozen=True, slots=True)
class SignatureFound:
    """One signature, and what is to be thought of it."""

    kind: str
    status: str
    code: str
    certificate_sha256: str
    is_seal: bool
    claimed_at: str
    covers_whole_file: bool
    signer_name: str
    organisation_name: str


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What was found in one file of a document."""

    digest: str
    status: str
    code: str
    signatures: tuple[SignatureFound, ...] = ()


@dataclass(frozen=True, slots=True)
class SealedReceipt:
    """A statement that the axis signed (`jws`), and for which organisation."""

    receipt_id: str
    kind: str
    document_id: str
    delivery_id: str
    organisation_id: str
    jws: str


@dataclass(frozen=True, slots=True)
class RecordVerdict:
    """A document's files were checked."""

    document_id: str
    files: tuple[FileVerdict, ...]
    priority: int = 0


@dataclass(frozen=True, slots=True)
class RecordReceipts:
    """Receipts of a document were signed."""

    document_id: str
    receipts: tuple[SealedReceipt, ...]


@dataclass(frozen=True, slots=True)
class DocumentVerified:
    """The verdict on a document, for ever; with its priority, for the lane in which it travels."""

    document_id: str
    status: str
    code: str
    files: tuple[FileVerdict, ...]
    priority: int = 0


@dataclass(frozen=True, slots=True)
class ReceiptsSealed:
    """Receipts that were not there before."""

    document_id: str
    receipts: tuple[SealedReceipt, ...]


Command = RecordVerdict | RecordReceipts
Event = DocumentVerified | ReceiptsSealed


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a document has its verdict."""

    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Whether a receipt was sealed."""

    sealed: bool = False


State = Verdict | Receipt


def document_verdict(files: Iterable[FileVerdict]) -> tuple[str, str]:
    """Status and code of a document by the verdicts on its files (rules 1-3)."""
    worst = min(files, key=_weight, default=FileVerdict("", "unsigned", UNSIGNED))
    return worst.status, worst.code


def aggregates(command: Command) -> tuple[str, ...]:
    """The verdict or the receipts that a command records."""
    if isinstance(command, RecordVerdict):
        return (_verdict(command.document_id),)
    return _receipts(command.receipts)


def touched(event: Event) -> tuple[str, ...]:
    """The verdict or the receipts that an event is about."""
    if isinstance(event, DocumentVerified):
        return (_verdict(event.document_id),)
    return _receipts(event.receipts)


def initial(name: str) -> State:
    """Neither verified nor sealed yet."""
    return Verdict() if kind_of(name) == "verdict" else Receipt()


def decide(states: Mapping[str, State], facts: Moment, command: Command) -> Decision:
    """Record what is not recorded yet (rules 4 and 5)."""
    if isinstance(command, RecordVerdict):
        if states[_verdict(command.document_id)] != Verdict():
            return AlreadyDecided()
        status, code = document_verdict(command.files)
        verified = DocumentVerified(
            command.document_id, status, code, command.files, command.priority
        )
        return Decided((verified,))
    new: dict[str, SealedReceipt] = {}
    for each in command.receipts:
        if states[_receipt(each)] == Receipt():
            new.setdefault(each.receipt_id, each)
    if not new:
        return AlreadyDecided()
    return Decided((ReceiptsSealed(command.document_id, tuple(new.values())),))


def evolve(state: State, event: Event) -> State:
    """Remember that it is recorded; what it says is in the event and the views."""
    return Verdict(recorded=True) if isinstance(state, Verdict) else Receipt(sealed=True)


def _weight(verdict: FileVerdict) -> int:
    return WORST_FIRST.index(verdict.code) if verdict.code in WORST_FIRST else -1


def _verdict(document_id: str) -> str:
    return f"verdict/{document_id}"


def _receipt(receipt: SealedReceipt) -> str:
    return f"receipt/{receipt.receipt_id}"


def _receipts(receipts: Iterable[SealedReceipt]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_receipt, receipts)))


DECIDER = Decider(
    service="signature",
    fold_version=1,
    states={"verdict": Verdict, "receipt": Receipt},
    aggregates=aggregates,
    touched=touched,
    initial=initial,
    decide=decide,
    evolve=evolve,
)
