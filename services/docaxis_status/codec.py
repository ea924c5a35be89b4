"""Status's domain <-> protobuf, and the foreign events that it reacts to; nothing else."""

from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_proto import routing_events_v1_pb2
from docaxis_proto import status_commands_v1_pb2 as commands
from docaxis_proto import status_events_v1_pb2 as events
from docaxis_status.domain import messages

CODEC = MessageCodec(
    (
        (messages.Status, events.Status),
        (messages.StatusesReported, events.StatusesReported),
        (messages.DeliveryOpened, events.DeliveryOpened),
        (messages.TimelinesOpened, events.TimelinesOpened),
        (messages.StatusesHeld, events.StatusesHeld),
        (messages.OpenTimelines, commands.OpenTimelines),
        (messages.RecordHandOver, commands.RecordHandOver),
        (messages.ReportStatuses, commands.ReportStatuses),
        (messages.ReportResult, commands.ReportResult),
        (messages.ReportAnswer, commands.ReportAnswer),
    )
)
"""Commands, answers and events of status itself."""

ROUTING_EVENTS = MessageCodec(
    (),
    foreign=(routing_events_v1_pb2.DeliveriesMade, routing_events_v1_pb2.DeliveriesHandedOver),
)
"""What status reacts to of routing."""

COUNTED_EVENTS = MessageCodec(
    (),
    foreign=(routing_events_v1_pb2.DocumentSubmitted, routing_events_v1_pb2.DeliveriesHandedOver),
)
"""What the figures count of routing."""
