"""Notification's views and their queries: `webhooks` of its own events, `systems` of the
registry's, `documents` of routing's.

`documents` tells of which type a document is, for the events that do not say. `systems` tells which
unlocked system serves an organisation now: a subscription is told only of organisations that its
system still serves.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.ports.read_store import (
    Index,
    IndexType,
    IndexValue,
    Row,
    RowRange,
    Table,
)
from docaxis_eventsourcing.topics import ServiceTopics, document_partition
from docaxis_eventsourcing.view import Rows, View
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_notification.codec import CODEC, DOCUMENT_EVENTS, REGISTRY_EVENTS
from docaxis_notification.domain import evolve
from docaxis_notification.domain.messages import (
    AttemptDue,
    AttemptFailed,
    Event,
    NotificationDelivered,
    NotificationEvent,
    NotificationGivenUp,
    NotificationHeld,
    NotificationQueued,
    NotificationReplayed,
    SubscriptionEvent,
)
from docaxis_notification.domain.subscriptions import SubscriptionState
from docaxis_proto import registry_events_v1_pb2 as registry

TOPICS = ServiceTopics("notification")


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """One notification as it is shown, and as its attempts need it."""

    queued: NotificationQueued
    number: int
    """Its place among those of its subscription: the version of its event."""
    state: str = "queued"
    attempts: int = 0
    failure: str = ""
    retry_at: int = 0


@dataclass(frozen=True, slots=True)
class SystemRow:
    """A system of the registry, as far as it concerns whom is told."""

    organisation_ids: tuple[str, ...]
    locked: bool = False
    suspended: bool = False


_subscription = msgspec.msgpack.Decoder(SubscriptionState)
_notification = msgspec.msgpack.Decoder(NotificationRow)
_system = msgspec.msgpack.Decoder(SystemRow)


def _keys(event: Event, envelope: Envelope) -> Iterable[tuple[str, str]]:
    if isinstance(event, SubscriptionEvent):
        return (("subscriptions", event.subscription_id),)
    return (("notifications", event.notification_id),)


def _project(rows: Rows, event: Event, envelope: Envelope) -> None:
    if isinstance(event, SubscriptionEvent):
        row = rows.get("subscriptions", event.subscription_id)
        before = _subscription.decode(row.blob) if row else SubscriptionState(event.subscription_id)
        state = evolve(before, event)
        if isinstance(state, SubscriptionState):
            rows.put("subscriptions", _subscription_row(state))
        return
    row = rows.get("notifications", event.notification_id)
    found = _told(_notification.decode(row.blob) if row else None, event, envelope.sequence)
    if found is not None:
        rows.put("notifications", _notification_row(found))


def _told(
    row: NotificationRow | None, event: NotificationEvent, version: int
) -> NotificationRow | None:
    if isinstance(event, NotificationQueued):
        return NotificationRow(event, version)
    if row is None:
        return None
    match event:
        case AttemptFailed():
            return replace(
                row,
                state="retrying",
                attempts=event.attempt,
                failure=event.failure,
                retry_at=event.retry_at,
            )
        case AttemptDue():
            return replace(row, retry_at=0)
        case NotificationReplayed():
            return replace(row, state="queued", retry_at=0)
        case NotificationHeld():
            return replace(row, state="held", retry_at=0)
        case NotificationDelivered():
            return replace(row, state="delivered", attempts=event.attempt, failure="", retry_at=0)
        case NotificationGivenUp():
            return replace(
                row,
                state="given_up",
                attempts=event.attempts,
                failure=event.failure,
                retry_at=0,
            )


def _subscription_row(state: SubscriptionState) -> Row:
    fields: dict[str, IndexValue] = {
        "system": state.system_id,
        "live": state.system_id if state.active else None,
    }
    return Row(state.subscription_id, msgspec.msgpack.encode(state), fields)


def _notification_row(row: NotificationRow) -> Row:
    fields: dict[str, IndexValue] = {
        "subscription": row.queued.subscription_id,
        "number": row.number,
        "state": row.state,
    }
    return Row(row.queued.notification_id, msgspec.msgpack.encode(row), fields)


WEBHOOKS = View(
    service="notification",
    name="webhooks",
    version=2,
    topic=TOPICS.events,
    codec=CODEC,
    tables=(
        Table(
            "subscriptions",
            {"system": IndexType.TEXT, "live": IndexType.TEXT},
            (Index("system", ("system",)), Index("live", ("live",))),
        ),
        Table(
            "notifications",
            {
                "subscription": IndexType.TEXT,
                "number": IndexType.INT,
                "state": IndexType.TEXT,
            },
            (
                Index("subscription", ("subscription", "number")),
                Index("state", ("subscription", "state", "number")),
            ),
        ),
    ),
    keys=_keys,
    project=_project,
)


def _system_keys(event: Any, envelope: Envelope) -> Iterable[tuple[str, str]]:
    return (("systems", event.system_id),)


def _project_system(rows: Rows, event: Any, envelope: Envelope) -> None:
    row = rows.get("systems", event.system_id)
    system = _system.decode(row.blob) if row else SystemRow(())
    match event:
        case registry.SystemRegistered() | registry.SystemServes():
            system = replace(system, organisation_ids=tuple(event.organisation_ids))
        case registry.SystemLocked():
            system = replace(system, locked=event.locked)
        case registry.SystemOnboarded():
            system = replace(system, suspended=event.state == "suspended")
    served = () if system.locked or system.suspended else system.organisation_ids
    fields: dict[str, IndexValue] = {"organisations": served}
    rows.put("systems", Row(event.system_id, msgspec.msgpack.encode(system), fields))


SYSTEMS = View(
    service="notification",
    name="systems",
    version=2,
    topic=ServiceTopics("registry").events,
    codec=REGISTRY_EVENTS,
    tables=(
        Table(
            "systems",
            {"organisations": IndexType.WORDS},
            (Index("organisation", ("organisations",)),),
        ),
    ),
    keys=_system_keys,
    project=_project_system,
)


def _document_keys(event: Any, envelope: Envelope) -> Iterable[tuple[str, str]]:
    return (("documents", event.brief.document_id),)


def _project_document(rows: Rows, event: Any, envelope: Envelope) -> None:
    rows.put("documents", Row(event.brief.document_id, bytes((event.brief.type_group % 256,))))


DOCUMENTS = View(
    service="notification",
    name="documents",
    version=1,
    topic=ServiceTopics("routing").events,
    codec=DOCUMENT_EVENTS,
    tables=(Table("documents"),),
    keys=_document_keys,
    project=_project_document,
)


async def document_types(
    documents: ViewReader, document_ids: Iterable[str], partitions: int
) -> Mapping[str, int]:
    """The group of each document's type; on a miss the view has passed the end (L28).

    Raises `DocaxisError` `read_stale`.
    """
    wanted = sorted(set(document_ids))
    found = await documents.get_many("documents", wanted)
    missed = [each for each in wanted if each not in found]
    for partition in {document_partition(each, partitions) for each in missed}:
        await documents.pass_end(partition)
    if missed:
        found |= await documents.get_many("documents", missed)
    return {key: row.blob[0] for key, row in found.items()}


async def find_subscription(
    webhooks: ViewReader, subscription_id: str, partition: int, deadline_s: float
) -> SubscriptionState | None:
    """One subscription, ended ones too; on a miss the view has passed the end (L28)."""
    row = await webhooks.get_passing_end("subscriptions", subscription_id, partition, deadline_s)
    return _subscription.decode(row.blob) if row else None


async def find_notification(
    webhooks: ViewReader, notification_id: str, partition: int, deadline_s: float
) -> NotificationRow | None:
    """One notification; on a miss the view has passed the end (L28)."""
    row = await webhooks.get_passing_end("notifications", notification_id, partition, deadline_s)
    return _notification.decode(row.blob) if row else None


async def subscriptions_of(
    webhooks: ViewReader, system_id: str, after: str, limit: int
) -> list[SubscriptionState]:
    """A system's subscriptions, ended ones too, by id."""
    rows = await webhooks.range(
        "subscriptions",
        RowRange("system", (system_id,), after=(after,) if after else None, limit=limit),
    )
    return [_subscription.decode(row.blob) for row in rows]


async def notifications_of(
    webhooks: ViewReader, subscription_id: str, after: int, limit: int, state: str = ""
) -> list[NotificationRow]:
    """A subscription's notifications behind a number, oldest first; only those in a state."""
    index, equals = (
        ("state", (subscription_id, state))
        if state
        else (
            "subscription",
            (subscription_id,),
        )
    )
    rows = await webhooks.range(
        "notifications", RowRange(index, equals, at_least=after + 1, limit=limit)
    )
    return [_notification.decode(row.blob) for row in rows]


async def subscribers(
    webhooks: ViewReader, systems: ViewReader, organisation_ids: Iterable[str]
) -> Mapping[str, Sequence[SubscriptionState]]:
    """The active subscriptions of the unlocked systems that serve each organisation."""
    wanted = sorted(set(organisation_ids))
    if not wanted or not await webhooks.range(
        "subscriptions", RowRange("live", at_least="", limit=1)
    ):
        return {}
    serving = await asyncio.gather(
        *(systems.every("systems", "organisation", (each,)) for each in wanted)
    )
    involved = sorted({system.key for each in serving for system in each})
    found = await asyncio.gather(*(_active_of(webhooks, each) for each in involved))
    by_system = dict(zip(involved, found, strict=True))
    return {
        organisation_id: [each for system in of for each in by_system[system.key]]
        for organisation_id, of in zip(wanted, serving, strict=True)
    }


async def _active_of(webhooks: ViewReader, system_id: str) -> list[SubscriptionState]:
    rows = await webhooks.every("subscriptions", "live", (system_id,))
    return [_subscription.decode(row.blob) for row in rows]
