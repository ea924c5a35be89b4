"""Recipient groups: the aggregate `group/<id>` and rules 30-32 (see the package)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused, State
from docaxis_registry.domain.messages import (
    GroupCommand,
    GroupEvent,
    RecipientGroupRemoved,
    RecipientGroupSet,
    RemoveRecipientGroup,
    SetRecipientGroup,
)

LONGEST_NAME = 200
MOST_MEMBERS = 500


@dataclass(frozen=True, slots=True)
class RecipientGroupState:
    """One group; without an owner there is none."""

    group_id: str
    owner_organisation_id: str = ""
    name: str = ""
    member_ids: tuple[str, ...] = ()
    removed: bool = False

    @property
    def exists(self) -> bool:
        """Whether it can be used."""
        return bool(self.owner_organisation_id) and not self.removed


def aggregates(command: GroupCommand) -> tuple[str, ...]:
    """The group, its owner and its members."""
    if isinstance(command, RemoveRecipientGroup):
        return (f"group/{command.group_id}",)
    named = dict.fromkeys((command.owner_organisation_id, *command.member_ids))
    return (f"group/{command.group_id}", *(f"organisation/{each}" for each in named))


def decide(states: Mapping[str, State], command: GroupCommand) -> Decision:
    """Rules 30-32."""
    state: RecipientGroupState = states[f"group/{command.group_id}"]
    if isinstance(command, RemoveRecipientGroup):
        if state.removed:
            return AlreadyDecided()
        if not state.exists:
            return Refused("recipient_group_unknown", pointer="/group_id")
        return Decided((RecipientGroupRemoved(command.group_id),))
    return _set(states, state, command)


def evolve(state: RecipientGroupState, event: GroupEvent) -> RecipientGroupState:
    """One group after an event."""
    if isinstance(event, RecipientGroupRemoved):
        return replace(state, removed=True)
    return RecipientGroupState(
        event.group_id, event.owner_organisation_id, event.name, event.member_ids
    )


def _set(
    states: Mapping[str, State], state: RecipientGroupState, command: SetRecipientGroup
) -> Decision:
    owner = command.owner_organisation_id
    if state.removed or state.owner_organisation_id not in ("", owner):
        return Refused("recipient_group_unknown", pointer="/group_id")
    if not 0 < len(command.name) <= LONGEST_NAME or command.name != command.name.strip():
        return _invalid("name", f"1-{LONGEST_NAME} characters")
    if len(command.member_ids) > MOST_MEMBERS:
        params = {"field": "members", "limit": str(MOST_MEMBERS)}
        return Refused("too_many_items", params, "/members")
    if not command.member_ids or len(set(command.member_ids)) < len(command.member_ids):
        return _invalid("members", "at least one organisation, and each once")
    for organisation_id, pointer in ((owner, "/owner"), *_pointed(command.member_ids)):
        if not states[f"organisation/{organisation_id}"].code:
            return Refused("unknown_organisation", {"organisation": organisation_id}, pointer)
    event = RecipientGroupSet(command.group_id, owner, command.name, command.member_ids)
    return AlreadyDecided() if evolve(state, event) == state else Decided((event,))


def _pointed(ids: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(each, f"/members/{place}") for place, each in enumerate(ids)]


def _invalid(field: str, expected: str) -> Refused:
    return Refused("field_invalid", {"field": field, "expected": expected}, f"/{field}")
