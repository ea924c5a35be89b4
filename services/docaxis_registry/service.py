"""The registry, composed."""

from docaxis_eventsourcing.effects import Effects
from docaxis_eventsourcing.follow_up import CommandWriter
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.running_service import Ports, RunningService, by_full_name
from docaxis_registry.account_views import ACCOUNTS
from docaxis_registry.codec import CODEC, ERASED
from docaxis_registry.domain import DECIDER
from docaxis_registry.effects import Forgetting
from docaxis_registry.grpc_servicer import RegistryServicer
from docaxis_registry.people import People
from docaxis_registry.settings import RegistrySettings
from docaxis_registry.views import DIRECTORY, TOPICS


def compose(ports: Ports, settings: RegistrySettings) -> RunningService:
    """A door, a processor, two views, and the effect that forgets people; no reactions."""
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
    accounts = ViewRunner(ACCOUNTS, ports.log, ports.store, drop_after_s=ports.views_kept_s)
    people = People(ports.secrets)
    forgetting = Effects(
        "forgetting",
        TOPICS.events,
        ERASED,
        Forgetting(people).work,
        CommandWriter(TOPICS, CODEC),
        ports.log,
    )
    servicer = RegistryServicer(
        door,
        directory.reader,
        ports.store,
        ports.clock,
        ports.log.epoch,
        settings,
        accounts.reader,
        people,
    )
    return RunningService(
        name=TOPICS.service,
        topics=TOPICS,
        parts=(processor, door, directory, accounts, forgetting),
        servicer=servicer,
        views=by_full_name(directory, accounts),
    )
