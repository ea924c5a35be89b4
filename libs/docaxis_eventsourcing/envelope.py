"""What is stored for every command, event and outcome: a CloudEvents envelope and its data.

The attribute names are those of CloudEvents 1.0 (binary mode: `ce_<name>` headers beside the
data); `traceparent` is W3C Trace Context. `sequence` is rule L3's version: the running number
that a partition's owner gives its events, without gaps.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from docaxis_eventsourcing.moments import rfc3339

SPEC_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The attributes of one stored message. Times are Unix milliseconds."""

    id: str
    """Unique: computed from what it is (L1, L2), so a repeat has the same one."""
    type: str
    """Full protobuf name of the data, for example `docaxis.routing.v1.DocumentSubmitted`."""
    source: str
    """The service that wrote it, for example `docaxis/routing`."""
    subject: str = ""
    """The first aggregate that the command names; events carry their command's (L2)."""
    time: int = 0
    """Events: the log time of their command (L5). Commands: when they were sent, a claim."""
    sequence: int = 0
    """Events only: the version, from 1 within a partition (L3)."""
    epoch: int = 0
    """The log's epoch when this was written (L4)."""
    correlation_id: str = ""
    """Id of the first command of the chain that this belongs to."""
    causation_id: str = ""
    """Id of the command (for an event) or event (for a command) that this follows from."""
    reply_to: int = -1
    """Commands: the outcomes partition that the asking replica reads; -1 where nobody waits."""
    actor: str = ""
    """The system or account on whose authority the command was given."""
    outcome: bytes = b""
    """Last event of an awaited decision: its outcome, so that a fold can repeat it (L2, L8)."""
    traceparent: str = ""

    def numbered(self, sequence: int, epoch: int) -> "Envelope":
        """The same envelope with the version and epoch that the partition's owner gives it."""
        return replace(self, sequence=sequence, epoch=epoch)


@dataclass(frozen=True, slots=True)
class Message:
    """An envelope and its data: the protobuf bytes of `envelope.type`."""

    envelope: Envelope
    data: bytes


_REQUIRED = ("id", "type", "source")
_OPTIONAL = ("subject", "correlation_id", "causation_id", "actor")


def to_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """The envelope as CloudEvents binary-mode headers (for logs that have headers)."""
    headers = [("ce_specversion", SPEC_VERSION.encode())]
    headers += [(f"ce_{name}", getattr(envelope, name).encode()) for name in _REQUIRED]
    headers.append(("ce_time", rfc3339(envelope.time).encode()))
    headers += [
        (f"ce_{name.replace('_', '')}", value.encode())
        for name in _OPTIONAL
        if (value := getattr(envelope, name))
    ]
    for name in ("sequence", "epoch"):
        if value := getattr(envelope, name):
            headers.append((f"ce_{name}", str(value).encode()))
    if envelope.reply_to >= 0:
        headers.append(("ce_replyto", str(envelope.reply_to).encode()))
    if envelope.outcome:
        headers.append(("ce_outcome", envelope.outcome))
    if envelope.traceparent:
        headers.append(("traceparent", envelope.traceparent.encode()))
    return headers


def from_headers(headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """Read back what `to_headers` wrote; unknown headers are ignored, absent ones default.

    Raises `KeyError` where a required CloudEvents attribute is missing.
    """
    found = dict(headers)
    return Envelope(
        **{name: found[f"ce_{name}"].decode() for name in _REQUIRED},
        time=_milliseconds(found["ce_time"].decode()),
        **{name: found.get(f"ce_{name.replace('_', '')}", b"").decode() for name in _OPTIONAL},
        sequence=int(found.get("ce_sequence", b"0")),
        epoch=int(found.get("ce_epoch", b"0")),
        reply_to=int(found.get("ce_replyto", b"-1")),
        outcome=found.get("ce_outcome", b""),
        traceparent=found.get("traceparent", b"").decode(),
    )


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
