"""Routing's domain <-> protobuf, and the foreign events that it reacts to; nothing else."""

from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_proto import kernel_v1_pb2, registry_events_v1_pb2, signature_events_v1_pb2
from docaxis_proto import routing_commands_v1_pb2 as commands
from docaxis_proto import routing_events_v1_pb2 as events
from docaxis_routing.domain import messages

CODEC = MessageCodec(
    (
        (messages.FileRef, events.FileRef),
        (messages.DocumentBrief, events.DocumentBrief),
        (messages.Recipient, events.Recipient),
        (messages.RefusedRecipient, events.RefusedRecipient),
        (messages.ContentDigest, events.ContentDigest),
        (messages.SlicedRecipients, events.SlicedRecipients),
        (messages.DocumentSubmitted, events.DocumentSubmitted),
        (messages.RecipientsAdded, events.RecipientsAdded),
        (messages.RecipientsResolved, events.RecipientsResolved),
        (messages.SliceSettled, events.SliceSettled),
        (messages.VerdictNoted, events.VerdictNoted),
        (messages.DeliveryMade, events.DeliveryMade),
        (messages.DeliveriesMade, events.DeliveriesMade),
        (messages.DeliveryReleased, events.DeliveryReleased),
        (messages.DeliveriesReleased, events.DeliveriesReleased),
        (messages.DeliveryClosed, events.DeliveryClosed),
        (messages.DeliveriesRefused, events.DeliveriesRefused),
        (messages.DeliveriesExpired, events.DeliveriesExpired),
        (messages.DeliveriesReopened, events.DeliveriesReopened),
        (messages.HandOver, events.HandOver),
        (messages.DeliveriesHandedOver, events.DeliveriesHandedOver),
        (messages.SubmitDocument, commands.SubmitDocument),
        (messages.SubmitAnswer, commands.SubmitAnswer),
        (messages.CheckDocument, commands.CheckDocument),
        (messages.CheckAnswer, commands.CheckAnswer),
        (messages.ResolveSlice, commands.ResolveSlice),
        (messages.SettleSlice, commands.SettleSlice),
        (messages.NoteVerdict, commands.NoteVerdict),
        (messages.MakeDeliveries, commands.MakeDeliveries),
        (messages.ReleaseDeliveries, commands.ReleaseDeliveries),
        (messages.RefuseDeliveries, commands.RefuseDeliveries),
        (messages.ExpireDelivery, commands.ExpireDelivery),
        (messages.ResendDelivery, commands.ResendDelivery),
        (messages.ResendAnswer, commands.ResendAnswer),
        (messages.AcknowledgeDeliveries, commands.AcknowledgeDeliveries),
        (messages.AcknowledgeResult, commands.AcknowledgeResult),
        (messages.AcknowledgeAnswer, commands.AcknowledgeAnswer),
    )
)
"""Commands, answers and events of routing itself."""

SIGNATURE_EVENTS = MessageCodec((), foreign=(signature_events_v1_pb2.DocumentVerified,))
"""What routing reacts to of the signature service."""

REGISTRY_EVENTS = MessageCodec(
    (),
    foreign=(
        registry_events_v1_pb2.OrganisationsRegistered,
        registry_events_v1_pb2.OrganisationLocked,
        registry_events_v1_pb2.SignaturePolicySet,
        registry_events_v1_pb2.SystemRegistered,
        registry_events_v1_pb2.SystemServes,
        registry_events_v1_pb2.SystemLocked,
        registry_events_v1_pb2.SystemOnboarded,
        registry_events_v1_pb2.OrganisationsMerged,
    ),
)
"""What routing keeps of the registry, as its local view."""

OUTCOMES = MessageCodec((), foreign=(kernel_v1_pb2.Outcome,))
"""Routing's own outcomes, for the view of refusals (L7)."""
