"""An envelope as stored bytes: a msgpack array of its attributes in a fixed order.

An array, not a map: the names would be most of a small record. The order only ever grows at its
end, so an older row is a shorter array and the missing attributes take their defaults.
"""

from operator import attrgetter

import msgspec

from docaxis_eventsourcing.envelope import Envelope

STORED_ATTRIBUTES = (
    "id",
    "type",
    "source",
    "subject",
    "time",
    "sequence",
    "epoch",
    "correlation_id",
    "causation_id",
    "reply_to",
    "actor",
    "outcome",
    "traceparent",
)

_attributes = attrgetter(*STORED_ATTRIBUTES)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(
    tuple[str, str, str, str, int, int, int, str, str, int, str, bytes, str]
)
_decode_any = msgspec.msgpack.Decoder(tuple[object, ...])


def encode_envelope(envelope: Envelope) -> bytes:
    """The envelope as bytes."""
    return _encode(_attributes(envelope))


def decode_envelope(stored: bytes) -> Envelope:
    """What `encode_envelope` wrote, now or in an earlier release."""
    try:
        values: tuple[object, ...] = _decode.decode(stored)
    except msgspec.ValidationError:  # written before the newest attributes were added
        values = _decode_any.decode(stored)
    named = dict(zip(STORED_ATTRIBUTES, values, strict=False))
    return Envelope(**named)  # type: ignore[arg-type]
