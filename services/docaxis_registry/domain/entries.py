"""Entries of an import: rules 1-9, 21 and 23, each entry for itself (see the package)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, State
from docaxis_registry.domain import codes
from docaxis_registry.domain.codes import Claim, CodeState
from docaxis_registry.domain.levels import MOST_LEVELS, dated
from docaxis_registry.domain.messages import (
    Alias,
    EntryResult,
    OrganisationEntry,
    OrganisationsAnswer,
    OrganisationsRegistered,
    RegisterOrganisations,
)
from docaxis_registry.domain.organisations import (
    LONGEST_KIND,
    LONGEST_NAME,
    MOST_ALIASES,
    OrganisationState,
    evolve_any,
    first_id,
    told,
    touched,
)


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with an entry: a row of the error table, and where."""

    code: str
    pointer: str


def register(states: Mapping[str, State], today: str, command: RegisterOrganisations) -> Decision:
    """Decide all entries in their order. `today` is a full-date in Viet Nam."""
    working = dict(states)
    registered: list[OrganisationEntry] = []
    results: list[EntryResult] = []
    for given in command.entries:
        state: OrganisationState = working[f"organisation/{given.organisation_id}"]
        entry = _dated(state, today, given)
        result, pointer = "registered", ""
        if fault := _unsound(entry, state):
            result, pointer = fault.code, fault.pointer
        elif state.code and told(state, entry) == state:
            result = "unchanged"
        elif fault := _conflict(working, today, entry, state):
            result, pointer = fault.code, fault.pointer
        else:
            registered.append(entry)
            event = OrganisationsRegistered((entry,))
            for name in touched(event):
                working[name] = evolve_any(working[name], event)
        results.append(EntryResult(entry.code, entry.organisation_id, result, pointer))
    answer = OrganisationsAnswer(tuple(results))
    if not registered:
        return AlreadyDecided(answer)
    return Decided((OrganisationsRegistered(tuple(registered)),), answer)


def _dated(state: OrganisationState, today: str, entry: OrganisationEntry) -> OrganisationEntry:
    """Rule 21: what is decided here is written into the event, so that the fold needs no day."""
    since = dated(state.levels, entry.level, entry.level_since, today)
    return entry if since == entry.level_since else replace(entry, level_since=since)


def _unsound(entry: OrganisationEntry, state: OrganisationState) -> _Fault | None:
    """Rules 1-3 and 21."""
    faults = {
        "/organisation_id": not (state.code or entry.organisation_id == first_id(entry.code)),
        "/code": not codes.is_code(entry.code) or codes.is_qcvn_form(entry.code),
        "/name": not 0 < len(entry.name) <= LONGEST_NAME or entry.name != entry.name.strip(),
        "/level": not 1 <= entry.level <= 4,
        "/level_since": not codes.is_date(entry.level_since) or len(state.levels) > MOST_LEVELS,
        "/kind": len(entry.kind) > LONGEST_KIND,
        "/aliases": len(entry.aliases) > MOST_ALIASES,
    }
    for pointer, wrong in faults.items():
        if wrong:
            return _Fault("field_invalid", pointer)
    seen = {entry.code}
    for place, alias in enumerate(entry.aliases):
        if not codes.is_code(alias.code) or alias.code in seen or not _is_dated(alias):
            return _Fault("field_invalid", f"/aliases/{place}")
        seen.add(alias.code)
    return None


def _conflict(
    states: Mapping[str, State], today: str, entry: OrganisationEntry, state: OrganisationState
) -> _Fault | None:
    """Rules 4-6, 9 and 23."""
    if state.merged_into:
        return _Fault("organisation_merged", "/code")
    if entry.code in state.former_codes or _code_is_taken(states, today, entry):
        return _Fault("code_taken", "/code")
    for place, alias in enumerate(entry.aliases):
        if _alias_is_taken(states, today, entry, alias):
            return _Fault("alias_taken", f"/aliases/{place}")
    if entry.parent_code:
        parent: CodeState = states[f"code/{entry.parent_code}"]
        holder = parent.holder(today)
        if holder is None or holder == entry.organisation_id:
            return _Fault("parent_unknown", "/parent_code")
    return None


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
