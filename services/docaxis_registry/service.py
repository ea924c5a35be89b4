"""The registry, composed."""

from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.running_service import Ports, RunningService, by_full_name
from docaxis_registry.codec import CODEC
from docaxis_registry.domain import DECIDER
from docaxis_registry.grpc_servicer import RegistryServicer
from docaxis_registry.settings import RegistrySettings
from docaxis_registry.views import DIRECTORY, TOPICS


def compose(ports: Ports, settings: RegistrySettings) -> RunningService:
    """A door, a processor and a view; no reactions and no effects."""
    door = FrontDoor(
        ports.log,
        TOPICS,
        CODEC,
        outcomes_partition=ports.outcomes_partition,
        wait_s=settings.outcome_wait_s,
        clock=ports.clock,
        traceparent=ports.traceparent,
    )
    processor = Processor(DECIDER, CODEC, ports.log, ports.store, TOPICS, clock=ports.clock)
    directory = ViewRunner(DIRECTORY, ports.log, ports.store, drop_after_s=ports.views_kept_s)
    servicer = RegistryServicer(
        door, directory.reader, ports.store, ports.clock, ports.log.epoch, settings
    )
    return RunningService(
        name=TOPICS.service,
        topics=TOPICS,
        parts=(processor, door, directory),
        servicer=servicer,
        views=by_full_name(directory),
    )
