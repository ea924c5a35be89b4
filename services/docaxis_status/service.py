"""The status service, composed: its parts on whatever the ports are."""

from dataclasses import replace

from docaxis_eventsourcing.follow_up import CommandWriter
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.reactions import Reactions, Source
from docaxis_eventsourcing.running_service import Ports, RunningService, by_full_name
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_status.codec import CODEC, ROUTING_EVENTS
from docaxis_status.domain import DECIDER
from docaxis_status.domain.holders import facts_with
from docaxis_status.grpc_servicer import StatusServicer
from docaxis_status.reactions import StatusReactions
from docaxis_status.reporting import ReportDoor
from docaxis_status.settings import StatusSettings
from docaxis_status.statistics import statistics_view
from docaxis_status.views import TOPICS, timelines_view

_ROUTING_TOPICS = ServiceTopics("routing")


def compose(ports: Ports, settings: StatusSettings) -> RunningService:
    """Wire the service; nothing runs before its parts are run."""
    partitions = ports.log.partitions
    door = FrontDoor(
        ports.log,
        TOPICS,
        CODEC,
        outcomes_partition=ports.outcomes_partition,
        wait_s=settings.outcome_wait_s,
        clock=ports.clock,
        traceparent=ports.traceparent,
    )
    decider = replace(DECIDER, facts=facts_with(settings.most_held))
    processor = Processor(decider, CODEC, ports.log, ports.store, TOPICS, clock=ports.clock)
    reactions = Reactions(
        "routing",
        Source(
            _ROUTING_TOPICS.events, ROUTING_EVENTS, StatusReactions(partitions).to_routing_events
        ),
        CommandWriter(TOPICS, CODEC),
        ports.log,
    )
    timelines = ViewRunner(
        timelines_view(), ports.log, ports.store, drop_after_s=ports.views_kept_s
    )
    figures = ViewRunner(
        statistics_view(partitions), ports.log, ports.store, drop_after_s=ports.views_kept_s
    )
    return RunningService(
        name=TOPICS.service,
        topics=TOPICS,
        parts=(processor, door, reactions, timelines, figures),
        servicer=StatusServicer(
            ReportDoor(door, timelines.reader, ports.files, partitions),
            timelines.reader,
            figures.reader,
            ports.files,
            partitions,
            ports.log.epoch,
        ),
        views=by_full_name(timelines, figures),
    )
