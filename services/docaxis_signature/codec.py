"""Signature's domain <-> protobuf, and the foreign events that its effects read; nothing else."""

from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_proto import routing_events_v1_pb2
from docaxis_proto import signature_commands_v1_pb2 as commands
from docaxis_proto import signature_events_v1_pb2 as events
from docaxis_signature import domain

CODEC = MessageCodec(
    (
        (domain.SignatureFound, events.SignatureFound),
        (domain.FileVerdict, events.FileVerdict),
        (domain.DocumentVerified, events.DocumentVerified),
        (domain.SealedReceipt, events.SealedReceipt),
        (domain.ReceiptsSealed, events.ReceiptsSealed),
        (domain.RecordVerdict, commands.RecordVerdict),
        (domain.RecordReceipts, commands.RecordReceipts),
    )
)
"""Commands and events of signature itself."""

VERDICTS = CODEC.only(events.DocumentVerified)
RECEIPTS = CODEC.only(events.ReceiptsSealed)
"""What the views of verdicts and of receipts read of signature's events."""

TO_VERIFY = MessageCodec((), foreign=(routing_events_v1_pb2.DocumentSubmitted,))
"""What the effect "verify" reads of routing."""

TO_SEAL = MessageCodec(
    (),
    foreign=(
        routing_events_v1_pb2.DocumentSubmitted,
        routing_events_v1_pb2.RecipientsAdded,
        routing_events_v1_pb2.DeliveriesHandedOver,
    ),
)
"""What the effect "seal" reads of routing."""
