"""Organisations: the aggregate `organisation/<id>`, rules 9-11 and 22 (see the package)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused, State
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_registry.domain import codes
from docaxis_registry.domain.codes import CodeState
from docaxis_registry.domain.levels import Levels, with_level
from docaxis_registry.domain.messages import (
    Alias,
    LockOrganisation,
    MergeOrganisations,
    OrganisationEntry,
    OrganisationEvent,
    OrganisationLocked,
    OrganisationsMerged,
    OrganisationsRegistered,
    RegisterOrganisations,
    SetSignaturePolicy,
    SignaturePolicySet,
)

LONGEST_NAME = 200
LONGEST_KIND = 50
LONGEST_TYPE_NAME = 100
MOST_ALIASES = 50
MOST_MERGED = 500
POLICIES = ("advisory", "required")


@dataclass(frozen=True, slots=True)
class OrganisationState:
    """One organisation; without a code it is not registered."""

    organisation_id: str
    code: str = ""
    name: str = ""
    kind: str = ""
    parent_code: str = ""
    aliases: tuple[Alias, ...] = ()
    former_codes: tuple[str, ...] = ()
    locked: bool = False
    policies: dict[str, str] = field(default_factory=dict)
    """By document type; "" is the default's."""
    levels: Levels = ()
    merged_into: str = ""
    """Id of the organisation that it became part of."""
    merged_on: str = ""
    """Full-date; on days before it is what it was."""

    def successor_on(self, day: str) -> str:
        """Id of the organisation that it was merged into by a day; empty: it stands for itself."""
        return self.merged_into if self.merged_on <= day else ""


def first_id(code: str) -> str:
    """The id of an organisation that is first registered with a code (rule 3)."""
    return derived_id("organisation", code)


def touched(event: OrganisationsRegistered) -> tuple[str, ...]:
    """The organisations and codes that an import names."""
    return (
        *(f"organisation/{each}" for each in event.by_organisation),
        *(f"code/{each}" for each in event.by_code),
    )


def aggregates(command: RegisterOrganisations) -> tuple[str, ...]:
    """Those that the event may touch, and the codes of the parents."""
    named = touched(OrganisationsRegistered(command.entries))
    parents = (f"code/{each.parent_code}" for each in command.entries if each.parent_code)
    return tuple(dict.fromkeys((*named, *parents)))


def lock(state: OrganisationState, command: LockOrganisation) -> Decision:
    """Rule 10."""
    if not state.code:
        return _unknown(command.organisation_id)
    if state.locked == command.locked:
        return AlreadyDecided()
    return Decided((OrganisationLocked(command.organisation_id, command.locked),))


def set_policy(state: OrganisationState, command: SetSignaturePolicy) -> Decision:
    """Rule 11."""
    if not state.code:
        return _unknown(command.organisation_id)
    if command.policy not in POLICIES:
        return Refused("policy_unknown", pointer="/policy")
    if len(command.document_type) > LONGEST_TYPE_NAME:
        params = {"field": "document_type", "limit": str(LONGEST_TYPE_NAME)}
        return Refused("field_too_long", params, "/document_type")
    if state.policies.get(command.document_type) == command.policy:
        return AlreadyDecided()
    event = SignaturePolicySet(command.organisation_id, command.document_type, command.policy)
    return Decided((event,))


def merge(states: Mapping[str, State], today: str, command: MergeOrganisations) -> Decision:
    """Rule 22. `today` is a full-date in Viet Nam."""
    day = command.merged_on or today
    if not codes.is_date(day):
        return _invalid("merged_on", "a full-date")
    if not 0 < len(command.organisation_ids) <= MOST_MERGED:
        return _invalid("organisation_ids", f"1-{MOST_MERGED} organisations")
    into: OrganisationState = states[f"organisation/{command.into_organisation_id}"]
    if refusal := not_present(into, "/into_organisation_id"):
        return refusal
    new: dict[str, None] = {}
    for place, organisation_id in enumerate(command.organisation_ids):
        pointer = f"/organisation_ids/{place}"
        state: OrganisationState = states[f"organisation/{organisation_id}"]
        if organisation_id == into.organisation_id:
            return _invalid("organisation_ids", "other organisations", pointer)
        if (state.merged_into, state.merged_on) == (into.organisation_id, day):
            continue
        if refusal := not_present(state, pointer):
            return refusal
        new[organisation_id] = None
    if not new:
        return AlreadyDecided()
    return Decided((OrganisationsMerged(tuple(new), into.organisation_id, day),))


def not_present(state: OrganisationState, pointer: str) -> Refused | None:
    """The refusal of what needs an organisation that is registered and not merged."""
    if not state.code:
        return Refused("unknown_organisation", {"organisation": state.organisation_id}, pointer)
    if state.merged_into:
        return Refused("organisation_merged", {"organisation": state.code}, pointer)
    return None


def _invalid(field: str, expected: str, pointer: str = "") -> Refused:
    params = {"field": field, "expected": expected}
    return Refused("field_invalid", params, pointer or f"/{field}")


def evolve(state: OrganisationState, event: OrganisationEvent) -> OrganisationState:
    """One organisation after an event."""
    match event:
        case OrganisationsRegistered():
            for entry in event.by_organisation.get(state.organisation_id, ()):
                state = told(state, entry)
            return state
        case OrganisationLocked():
            return replace(state, locked=event.locked)
        case SignaturePolicySet():
            return replace(state, policies={**state.policies, event.document_type: event.policy})
        case OrganisationsMerged():
            if state.organisation_id not in event.organisation_ids:
                return state
            return replace(state, merged_into=event.into_organisation_id, merged_on=event.merged_on)


def evolve_any(
    state: OrganisationState | CodeState, event: OrganisationEvent
) -> OrganisationState | CodeState:
    """An organisation, or a code, after an event."""
    if isinstance(state, OrganisationState):
        return evolve(state, event)
    return codes.evolve(state, event) if isinstance(event, OrganisationsRegistered) else state


def told(state: OrganisationState, entry: OrganisationEntry) -> OrganisationState:
    """The organisation as an entry tells it; a code that it leaves stays an alias (rule 9)."""
    aliases, former = state.aliases, state.former_codes
    if entry.aliases or entry.code != state.code:
        by_code = {alias.code: alias for alias in aliases}
        if state.code and state.code != entry.code:
            by_code[state.code] = Alias(state.code)
            former = (*former, state.code)
        by_code.update({alias.code: alias for alias in entry.aliases})
        by_code.pop(entry.code, None)
        aliases = tuple(by_code[code] for code in sorted(by_code))
    # Written out: `replace` takes several times as long, and imports come by the hundred thousand.
    return OrganisationState(
        state.organisation_id,
        entry.code,
        entry.name,
        entry.kind,
        entry.parent_code,
        aliases,
        former,
        state.locked,
        state.policies,
        with_level(state.levels, entry.level, entry.level_since),
        state.merged_into,
        state.merged_on,
    )


def _unknown(organisation_id: str) -> Refused:
    return Refused(
        "unknown_organisation", {"organisation": organisation_id}, pointer="/organisation_id"
    )
