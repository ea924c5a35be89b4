"""Organisations: the aggregate `organisation/<id>` and rules 1-11 (see the package)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused, State
from docaxis_eventsourcing.identifiers import derived_id
from docaxis_registry.domain import codes
from docaxis_registry.domain.codes import Claim, CodeState
from docaxis_registry.domain.messages import (
    Alias,
    EntryResult,
    LockOrganisation,
    OrganisationEntry,
    OrganisationEvent,
    OrganisationLocked,
    OrganisationsAnswer,
    OrganisationsRegistered,
    RegisterOrganisations,
    SetSignaturePolicy,
    SignaturePolicySet,
)

LONGEST_NAME = 200
LONGEST_KIND = 50
LONGEST_TYPE_NAME = 100
MOST_ALIASES = 50
POLICIES = ("advisory", "required")


@dataclass(frozen=True, slots=True)
class OrganisationState:
    """One organisation; without a code it is not registered."""

    organisation_id: str
    code: str = ""
    name: str = ""
    level: int = 0
    kind: str = ""
    parent_code: str = ""
    aliases: tuple[Alias, ...] = ()
    level_since: str = ""
    former_codes: tuple[str, ...] = ()
    locked: bool = False
    policies: dict[str, str] = field(default_factory=dict)
    """By document type; "" is the default's."""


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


def register(states: Mapping[str, State], today: str, command: RegisterOrganisations) -> Decision:
    """Rules 1-9. `today` is a full-date in Viet Nam."""
    working = dict(states)
    registered: list[OrganisationEntry] = []
    results: list[EntryResult] = []
    for entry in command.entries:
        result = _result(working, today, entry)
        results.append(EntryResult(entry.code, entry.organisation_id, result))
        if result == "registered":
            registered.append(entry)
            event = OrganisationsRegistered((entry,))
            for name in touched(event):
                working[name] = evolve_any(working[name], event)
    answer = OrganisationsAnswer(tuple(results))
    if not registered:
        return AlreadyDecided(answer)
    return Decided((OrganisationsRegistered(tuple(registered)),), answer)


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


def evolve(state: OrganisationState, event: OrganisationEvent) -> OrganisationState:
    """One organisation after an event."""
    match event:
        case OrganisationsRegistered():
            for entry in event.by_organisation.get(state.organisation_id, ()):
                state = _told(state, entry)
            return state
        case OrganisationLocked():
            return replace(state, locked=event.locked)
        case SignaturePolicySet():
            return replace(state, policies={**state.policies, event.document_type: event.policy})


def evolve_any(
    state: OrganisationState | CodeState, event: OrganisationEvent
) -> OrganisationState | CodeState:
    """An organisation, or a code, after an event."""
    if isinstance(state, OrganisationState):
        return evolve(state, event)
    return codes.evolve(state, event) if isinstance(event, OrganisationsRegistered) else state


def _result(states: Mapping[str, State], today: str, entry: OrganisationEntry) -> str:
    """Rules 1-9 for one entry: what becomes of it."""
    state: OrganisationState = states[f"organisation/{entry.organisation_id}"]
    if not _is_sound(entry) or not (state.code or entry.organisation_id == first_id(entry.code)):
        return "field_invalid"
    if state.code and _told(state, entry) == state:
        return "unchanged"
    if entry.code in state.former_codes or _code_is_taken(states, today, entry):
        return "code_taken"
    if any(_alias_is_taken(states, today, entry, alias) for alias in entry.aliases):
        return "alias_taken"
    if entry.parent_code:
        parent: CodeState = states[f"code/{entry.parent_code}"]
        holder = parent.holder(today)
        if holder is None or holder == entry.organisation_id:
            return "parent_unknown"
    return "registered"


def _is_sound(entry: OrganisationEntry) -> bool:
    """Rules 1 and 2."""
    named = (entry.code, *(alias.code for alias in entry.aliases))
    return (
        all(codes.is_code(code) for code in named)
        and not codes.is_qcvn_form(entry.code)
        and len(set(named)) == len(named) <= MOST_ALIASES + 1
        and 0 < len(entry.name) <= LONGEST_NAME
        and entry.name == entry.name.strip()
        and 1 <= entry.level <= 4
        and len(entry.kind) <= LONGEST_KIND
        and codes.is_date(entry.level_since)
        and all(_is_dated(alias) for alias in entry.aliases)
    )


def _is_dated(alias: Alias) -> bool:
    """Rule 2."""
    return (
        codes.is_date(alias.valid_from)
        and codes.is_date(alias.valid_until)
        and (not alias.valid_until or alias.valid_from <= alias.valid_until)
    )


def _code_is_taken(states: Mapping[str, State], today: str, entry: OrganisationEntry) -> bool:
    """Rule 4."""
    found: CodeState = states[f"code/{entry.code}"]
    return any(not _has_ended(each, today) for each in found.of_others(entry.organisation_id))


def _alias_is_taken(
    states: Mapping[str, State], today: str, entry: OrganisationEntry, alias: Alias
) -> bool:
    """Rule 5."""
    ours = Claim(entry.organisation_id, False, alias.valid_from, alias.valid_until)
    found: CodeState = states[f"code/{alias.code}"]
    return any(
        not _has_ended(ours, today) if each.is_code else ours.overlaps(each)
        for each in found.of_others(entry.organisation_id)
    )


def _has_ended(claim: Claim, today: str) -> bool:
    return bool(claim.valid_until) and claim.valid_until < today


def _told(state: OrganisationState, entry: OrganisationEntry) -> OrganisationState:
    """The organisation as an entry tells it; a code that it leaves stays an alias (rule 9)."""
    aliases = {alias.code: alias for alias in state.aliases}
    former = state.former_codes
    if state.code and state.code != entry.code:
        aliases[state.code] = Alias(state.code)
        former = (*former, state.code)
    aliases.update({alias.code: alias for alias in entry.aliases})
    aliases.pop(entry.code, None)
    return replace(
        state,
        code=entry.code,
        name=entry.name,
        level=entry.level,
        kind=entry.kind,
        parent_code=entry.parent_code,
        aliases=tuple(aliases[code] for code in sorted(aliases)),
        level_since=entry.level_since,
        former_codes=former,
    )


def _unknown(organisation_id: str) -> Refused:
    return Refused(
        "unknown_organisation", {"organisation": organisation_id}, pointer="/organisation_id"
    )
