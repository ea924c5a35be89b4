"""Composes routing: its processor, reactions, views, front door and servicer."""

from docaxis_eventsourcing.follow_up import CommandWriter
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.reactions import Reactions, Source
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_routing.acknowledgement import AcknowledgementDoor
from docaxis_routing.card import Cards
from docaxis_routing.codec import CODEC, SIGNATURE_EVENTS
from docaxis_routing.domain import decider
from docaxis_routing.file_sweep import FileSweep
from docaxis_routing.folder_marks import FolderMarks
from docaxis_routing.grpc_servicer import RoutingServicer
from docaxis_routing.inbox import Inbox
from docaxis_routing.queries import Queries
from docaxis_routing.reactions import RoutingReactions
from docaxis_routing.recipient_slices import RecipientSlices
from docaxis_routing.registry_view import REGISTRY_VIEW, RegistryFacts
from docaxis_routing.resending import ResendDoor
from docaxis_routing.settings import RoutingSettings
from docaxis_routing.submission import SubmissionDoor
from docaxis_routing.views import DOCUMENTS_VIEW, REFUSALS_VIEW, TOPICS

_HOUR_MS = 3_600_000


def compose(ports: Ports, settings: RoutingSettings) -> RunningService:
    """Wire routing to its ports; nothing runs yet."""
    log, store = ports.log, ports.store
    views = {
        view.full_name: ViewRunner(view, log, store, drop_after_s=ports.views_kept_s)
        for view in (DOCUMENTS_VIEW, REFUSALS_VIEW, REGISTRY_VIEW)
    }
    documents = views[DOCUMENTS_VIEW.full_name].reader
    registry = RegistryFacts(
        views[REGISTRY_VIEW.full_name].reader,
        RecipientSlices(ports.files),
        int(settings.expire_after_hours * _HOUR_MS),
    )
    door = FrontDoor(
        log,
        TOPICS,
        CODEC,
        outcomes_partition=ports.outcomes_partition,
        wait_s=settings.outcome_wait_s,
        clock=ports.clock,
        traceparent=ports.traceparent,
    )
    processor = Processor(
        decider(registry.of),
        CODEC,
        log,
        store,
        TOPICS,
        batch_limit=settings.batch_limit,
        clock=ports.clock,
    )
    writer = CommandWriter(TOPICS, CODEC)
    reactions = RoutingReactions(log.partitions)
    own = Source(TOPICS.events, CODEC, reactions.to_own_events)
    verdicts = Source("docaxis.signature.events", SIGNATURE_EVENTS, reactions.to_signature_events)
    cards = Cards(ports.files)
    queries = Queries(
        documents,
        views[REFUSALS_VIEW.full_name].reader,
        cards,
        log.partitions,
        log.epoch,
    )
    marks = FolderMarks()
    sweep = FileSweep(
        ports.files,
        documents,
        door,
        marks,
        log.partitions,
        ports.clock,
        keep_hours=settings.staging_hours,
        every_s=settings.sweep_every_s,
    )
    return RunningService(
        "routing",
        TOPICS,
        (
            processor,
            Reactions("own", own, writer, log),
            Reactions("signature", verdicts, writer, log),
            door,
            sweep,
            *views.values(),
        ),
        RoutingServicer(
            SubmissionDoor(
                door,
                ports.files,
                cards,
                registry,
                marks,
                ports.clock,
                log.partitions,
                settings.max_recipients,
            ),
            AcknowledgementDoor(door, queries, log.partitions, ports.clock),
            ResendDoor(door, queries, log.partitions),
            queries,
            Inbox(documents, cards, log.epoch),
        ),
        views,
    )
