"""Systems and their credentials: the aggregate `system/<id>`, rules 12-18 and 24-29."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused, State
from docaxis_registry.domain.codes import is_date
from docaxis_registry.domain.messages import (
    AddCredential,
    CredentialAdded,
    CredentialRevoked,
    LockSystem,
    NoteSystemsSeen,
    OnboardSystem,
    RegisterSystem,
    RevokeCredential,
    SetSecurityLevel,
    SetServedOrganisations,
    SystemCommand,
    SystemEvent,
    SystemLocked,
    SystemOnboarded,
    SystemRegistered,
    SystemSecurityLevelSet,
    SystemServes,
    SystemsSeen,
)

ADMINISTRATION = "administration"
"""The connection of administrators: they have credentials and locks as systems have."""
CONNECTIONS = ("direct", "lgsp", ADMINISTRATION)
KINDS = ("", "certificate", "hmac")
"""Of credentials; the empty one is a public key."""
LONGEST_NAME = 200
MOST_ORGANISATIONS = 4000
"""Served by one system, so that its event stays under 256 KB (L9)."""
MOST_CREDENTIALS = 16
MOST_SEEN = 500
SEEN_EVERY_MS = 3_600_000
REGISTERED, TESTING, CONNECTED, SUSPENDED = "registered", "testing", "connected", "suspended"
_STEPS = {
    REGISTERED: (TESTING, SUSPENDED),
    TESTING: (CONNECTED, SUSPENDED),
    CONNECTED: (TESTING, SUSPENDED),
    SUSPENDED: (TESTING,),
}
"""Beside the way back from `suspended` to where it was."""


@dataclass(frozen=True, slots=True)
class SystemState:
    """One system; without a connection it is not registered."""

    system_id: str
    name: str = ""
    connection: str = ""
    organisation_ids: tuple[str, ...] = ()
    credentials: dict[str, str] = field(default_factory=dict)
    """Public JWK by credential id; empty for those of another kind."""
    revoked: tuple[str, ...] = ()
    locked: bool = False
    onboarding: str = REGISTERED
    suspended_from: str = ""
    security_level: int = 0
    security_level_since: str = ""
    last_seen: int = 0
    validity: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By credential id: Unix ms within which it counts, the end excluded; 0: open."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Kind by credential id, of those that are no public key."""


def aggregates(command: SystemCommand) -> tuple[str, ...]:
    """The system, and the organisations that it shall serve."""
    served: tuple[str, ...] = ()
    if isinstance(command, RegisterSystem | SetServedOrganisations):
        served = tuple(f"organisation/{each}" for each in dict.fromkeys(command.organisation_ids))
    return (f"system/{command.system_id}", *served)


def decide(states: Mapping[str, State], now: int, command: SystemCommand) -> Decision:
    """Rules 12-18 and 24-28. `now` is Unix ms."""
    state: SystemState = states[f"system/{command.system_id}"]
    match command:
        case RegisterSystem():
            return _register(states, state, command)
        case _ if not state.connection:
            return Refused("system_unknown", pointer="/system_id")
        case SetServedOrganisations():
            return _serve(states, state, command)
        case AddCredential():
            return _add(state, now, command)
        case RevokeCredential():
            return _revoke(state, command)
        case LockSystem():
            if state.locked == command.locked:
                return AlreadyDecided()
            return Decided((SystemLocked(command.system_id, command.locked),))
        case OnboardSystem():
            return _onboard(state, command)
        case SetSecurityLevel():
            return _secure(state, command)


def note_seen(states: Mapping[str, State], now: int, command: NoteSystemsSeen) -> Decision:
    """Rule 29."""
    if len(command.system_ids) > MOST_SEEN:
        params = {"field": "system_ids", "limit": str(MOST_SEEN)}
        return Refused("too_many_items", params, "/system_ids")
    due = tuple(
        system_id
        for system_id in dict.fromkeys(command.system_ids)
        if _is_due(states[f"system/{system_id}"], now)
    )
    return Decided((SystemsSeen(due, now),)) if due else AlreadyDecided()


def _is_due(state: SystemState, now: int) -> bool:
    return bool(state.connection) and now - state.last_seen >= SEEN_EVERY_MS


def evolve(state: SystemState, event: SystemEvent) -> SystemState:
    """One system after an event."""
    match event:
        case SystemRegistered():
            return replace(
                state,
                name=event.name,
                connection=event.connection,
                organisation_ids=event.organisation_ids,
            )
        case SystemServes():
            return replace(state, organisation_ids=event.organisation_ids)
        case CredentialAdded():
            more = {**state.credentials, event.credential_id: event.public_jwk}
            dates = {**state.validity, event.credential_id: (event.not_before, event.not_after)}
            kinds = {**state.kinds, event.credential_id: event.kind} if event.kind else state.kinds
            return replace(state, credentials=more, validity=dates, kinds=kinds)
        case CredentialRevoked():
            left = {k: v for k, v in state.credentials.items() if k != event.credential_id}
            revoked = (*state.revoked, event.credential_id)
            kinds = {k: v for k, v in state.kinds.items() if k != event.credential_id}
            return replace(state, credentials=left, revoked=revoked, kinds=kinds)
        case SystemLocked():
            return replace(state, locked=event.locked)
        case SystemOnboarded():
            before = state.onboarding if event.state == SUSPENDED else ""
            return replace(state, onboarding=event.state, suspended_from=before)
        case SystemSecurityLevelSet():
            return replace(state, security_level=event.level, security_level_since=event.since)
        case SystemsSeen():
            return replace(state, last_seen=event.at)


def _register(states: Mapping[str, State], state: SystemState, command: RegisterSystem) -> Decision:
    """Rule 12."""
    if state.connection:
        return AlreadyDecided()
    if not 0 < len(command.name.strip()) <= LONGEST_NAME:
        expected = f"1-{LONGEST_NAME} characters"
        return Refused("field_invalid", {"field": "name", "expected": expected}, "/name")
    if command.connection not in CONNECTIONS:
        params = {"field": "connection", "expected": ", ".join(CONNECTIONS)}
        return Refused("field_invalid", params, "/connection")
    served = command.organisation_ids
    return (
        _fault_of_administrator(command.connection, served)
        or _fault_in_served(states, served)
        or Decided(
            (
                SystemRegistered(
                    command.system_id, command.name, command.connection, command.organisation_ids
                ),
            )
        )
    )


def _serve(
    states: Mapping[str, State], state: SystemState, command: SetServedOrganisations
) -> Decision:
    if command.organisation_ids == state.organisation_ids:
        return AlreadyDecided()
    served = command.organisation_ids
    return (
        _fault_of_administrator(state.connection, served)
        or _fault_in_served(states, served)
        or Decided((SystemServes(command.system_id, served),))
    )


def _fault_of_administrator(connection: str, served: tuple[str, ...]) -> Refused | None:
    """Rule 18."""
    if connection == ADMINISTRATION and served:
        params = {"field": "organisation_ids", "expected": "none, for an administrator"}
        return Refused("field_invalid", params, "/organisation_ids")
    return None


def _fault_in_served(states: Mapping[str, State], served: tuple[str, ...]) -> Refused | None:
    """Rule 13."""
    if len(served) > MOST_ORGANISATIONS:
        params = {"field": "organisation_ids", "limit": str(MOST_ORGANISATIONS)}
        return Refused("too_many_items", params, "/organisation_ids")
    seen: set[str] = set()
    for place, organisation_id in enumerate(served):
        pointer = f"/organisation_ids/{place}"
        if not states[f"organisation/{organisation_id}"].code:
            return Refused("unknown_organisation", {"organisation": organisation_id}, pointer)
        if organisation_id in seen:
            params = {"field": "organisation_ids", "expected": "each organisation once"}
            return Refused("field_invalid", params, pointer)
        seen.add(organisation_id)
    return None


def _add(state: SystemState, now: int, command: AddCredential) -> Decision:
    """Rules 14, 15, 17 and 27."""
    if command.kind not in KINDS:
        params = {"field": "kind", "expected": ", ".join(filter(None, KINDS))}
        return Refused("field_invalid", params, "/kind")
    if command.credential_id in state.revoked:
        return Refused("credential_revoked", pointer="/public_jwk")
    known = command.credential_id in state.credentials
    if known and command.kind != state.kinds.get(command.credential_id, ""):
        return Refused("field_invalid", {"field": "kind", "expected": "the same kind"}, "/kind")
    begins, ends = command.not_before, command.not_after
    if begins < 0 or ends < 0 or (ends and ends <= max(begins, now)):
        params = {"field": "not_after", "expected": "a moment to come, after not_before"}
        return Refused("field_invalid", params, "/not_after")
    if known and state.validity.get(command.credential_id, (0, 0)) == (begins, ends):
        return AlreadyDecided()
    if not known and len(state.credentials) >= MOST_CREDENTIALS:
        params = {"field": "credentials", "limit": str(MOST_CREDENTIALS)}
        return Refused("too_many_items", params, "/public_jwk")
    event = CredentialAdded(
        command.system_id,
        command.credential_id,
        "" if command.kind else command.public_jwk,
        not_before=begins,
        not_after=ends,
        kind=command.kind,
    )
    return Decided((event,))


def _onboard(state: SystemState, command: OnboardSystem) -> Decision:
    """Rules 24-26."""
    if command.state == state.onboarding:
        return AlreadyDecided()
    allowed = (*_STEPS[state.onboarding], state.suspended_from)
    if not command.state or command.state not in allowed:
        told = ", ".join(each for each in dict.fromkeys(allowed) if each)
        params = {"from": state.onboarding, "to": command.state, "expected": told}
        return Refused("onboarding_step_invalid", params, "/state")
    if command.state in (TESTING, CONNECTED) and not state.credentials:
        return Refused("onboarding_incomplete", {"missing": "credential"}, "/state")
    if command.state == CONNECTED and not state.organisation_ids:
        return Refused("onboarding_incomplete", {"missing": "organisation"}, "/state")
    return Decided((SystemOnboarded(command.system_id, command.state),))


def _secure(state: SystemState, command: SetSecurityLevel) -> Decision:
    """Rule 28."""
    if not 1 <= command.level <= 5:
        params = {"field": "level", "expected": "1-5"}
        return Refused("field_invalid", params, "/level")
    if not command.since or not is_date(command.since):
        params = {"field": "since", "expected": "a full-date"}
        return Refused("field_invalid", params, "/since")
    if (state.security_level, state.security_level_since) == (command.level, command.since):
        return AlreadyDecided()
    return Decided((SystemSecurityLevelSet(command.system_id, command.level, command.since),))


def _revoke(state: SystemState, command: RevokeCredential) -> Decision:
    """Rule 15."""
    if command.credential_id in state.revoked:
        return AlreadyDecided()
    if command.credential_id not in state.credentials:
        return Refused("credential_unknown", pointer="/credential_id")
    return Decided((CredentialRevoked(command.system_id, command.credential_id),))
