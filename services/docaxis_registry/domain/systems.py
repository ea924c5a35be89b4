"""Systems and their credentials: the aggregate `system/<id>`, rules 12-18 (see the package)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused, State
from docaxis_registry.domain.messages import (
    AddCredential,
    CredentialAdded,
    CredentialRevoked,
    LockSystem,
    RegisterSystem,
    RevokeCredential,
    SetServedOrganisations,
    SystemCommand,
    SystemEvent,
    SystemLocked,
    SystemRegistered,
    SystemServes,
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
    kinds: dict[str, str] = field(default_factory=dict)
    """Kind by credential id, of those that are no public key."""


def aggregates(command: SystemCommand) -> tuple[str, ...]:
    """The system, and the organisations that it shall serve."""
    served: tuple[str, ...] = ()
    if isinstance(command, RegisterSystem | SetServedOrganisations):
        served = tuple(f"organisation/{each}" for each in dict.fromkeys(command.organisation_ids))
    return (f"system/{command.system_id}", *served)


def decide(states: Mapping[str, State], command: SystemCommand) -> Decision:
    """Rules 12-18."""
    state: SystemState = states[f"system/{command.system_id}"]
    match command:
        case RegisterSystem():
            return _register(states, state, command)
        case _ if not state.connection:
            return Refused("system_unknown", pointer="/system_id")
        case SetServedOrganisations():
            return _serve(states, state, command)
        case AddCredential():
            return _add(state, command)
        case RevokeCredential():
            return _revoke(state, command)
        case LockSystem():
            if state.locked == command.locked:
                return AlreadyDecided()
            return Decided((SystemLocked(command.system_id, command.locked),))


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
            kinds = {**state.kinds, event.credential_id: event.kind} if event.kind else state.kinds
            return replace(state, credentials=more, kinds=kinds)
        case CredentialRevoked():
            left = {k: v for k, v in state.credentials.items() if k != event.credential_id}
            revoked = (*state.revoked, event.credential_id)
            kinds = {k: v for k, v in state.kinds.items() if k != event.credential_id}
            return replace(state, credentials=left, revoked=revoked, kinds=kinds)
        case SystemLocked():
            return replace(state, locked=event.locked)


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


def _add(state: SystemState, command: AddCredential) -> Decision:
    """Rules 14, 15 and 17."""
    if command.kind not in KINDS:
        params = {"field": "kind", "expected": ", ".join(filter(None, KINDS))}
        return Refused("field_invalid", params, "/kind")
    if command.credential_id in state.revoked:
        return Refused("credential_revoked", pointer="/public_jwk")
    if command.credential_id in state.credentials:
        return AlreadyDecided()
    if len(state.credentials) >= MOST_CREDENTIALS:
        params = {"field": "credentials", "limit": str(MOST_CREDENTIALS)}
        return Refused("too_many_items", params, "/public_jwk")
    jwk = "" if command.kind else command.public_jwk
    return Decided((CredentialAdded(command.system_id, command.credential_id, jwk, command.kind),))


def _revoke(state: SystemState, command: RevokeCredential) -> Decision:
    """Rule 15."""
    if command.credential_id in state.revoked:
        return AlreadyDecided()
    if command.credential_id not in state.credentials:
        return Refused("credential_unknown", pointer="/credential_id")
    return Decided((CredentialRevoked(command.system_id, command.credential_id),))
