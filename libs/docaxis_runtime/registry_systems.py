"""What the registry's events say about systems: a fold without clock or network."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from docaxis_eventsourcing.errors import UnknownType
from docaxis_proto import kernel_v1_pb2, registry_events_v1_pb2, registry_v1_pb2

REGISTERED, CONNECTED, SUSPENDED = "registered", "connected", "suspended"
ADMINISTRATION = "administration"
"""The connection of administrators."""
KEY, CERTIFICATE, HMAC = "key", "certificate", "hmac"


@dataclass(frozen=True, slots=True)
class KnownSystem:
    """One system. `credentials` are public JWKs by credential id; see `kinds` for all others."""

    system_id: str
    name: str
    connection: str
    organisations: frozenset[str]
    """Ids of the organisations that it serves."""
    credentials: Mapping[str, Mapping[str, Any]]
    locked: bool = False
    """Shut out, by a lock or because it is suspended: nothing more is granted to it (L29)."""
    organisation_ids: tuple[str, ...] = ()
    """The same ids in the registry's order, as requests carry them."""
    validity: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By credential id: Unix ms within which it counts, the end excluded; 0: open."""
    onboarding: str = REGISTERED
    is_locked: bool = False
    """By a lock alone."""
    last_seen: int = 0
    """Unix ms, as the registry recorded it: at most once an hour."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Kind by id of all credentials: `key`, `certificate` or `hmac`."""
    security_level: int = 0
    """1-5; 0: not told."""
    security_level_since: str = ""
    """Full-date of its approval."""

    @property
    def suspended(self) -> bool:
        """Whether its connection was suspended."""
        return self.onboarding == SUSPENDED

    @property
    def is_administrator(self) -> bool:
        """Whether it runs the axis, and therefore sends and receives nothing."""
        return self.connection == ADMINISTRATION

    def counts(self, credential_id: str, now_ms: int) -> bool:
        """Whether a credential is this system's and within its dates."""
        dates = self.validity.get(credential_id)
        return dates is not None and dates[0] <= now_ms and (not dates[1] or now_ms < dates[1])


@dataclass(slots=True)
class SystemsView:
    """All systems by id, and the codes of organisations as far as they were told."""

    systems: dict[str, KnownSystem] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    """Present code of the organisations that some system serves, by id."""
    ids: dict[str, str] = field(default_factory=dict)
    """The same the other way round."""
    holders: dict[str, set[str]] = field(default_factory=dict)
    """Systems by the id of a certificate or shared secret, which tells no more of its holder."""

    @staticmethod
    def of(systems: Iterable[registry_v1_pb2.System]) -> "SystemsView":
        """The view of a snapshot."""
        view = SystemsView()
        for system in systems:
            ids = tuple(system.organisation_ids)
            view.systems[system.system_id] = KnownSystem(
                system.system_id,
                system.name,
                system.connection,
                frozenset(ids),
                _keys({each.credential_id: each.public_jwk for each in system.credentials}),
                system.locked or system.onboarding == SUSPENDED,
                ids,
                _dates(
                    (each.credential_id, each.not_before, each.not_after)
                    for each in system.credentials
                ),
                system.onboarding or REGISTERED,
                system.locked,
                system.last_seen,
                _kinds({each.credential_id: each.kind for each in system.credentials}),
                system.security_level,
                system.security_level_since,
            )
            for each in system.credentials:
                view._hold(system.system_id, each.credential_id, each.kind)
            # Codes come beside the ids; an older registry may not send them.
            for organisation_id, code in zip(ids, system.organisation_codes, strict=False):
                view._name(organisation_id, code)
        return view

    def apply(self, event_type: str, data: bytes) -> None:
        """Fold one event. Raises `UnknownType` for one that this release does not know (L16)."""
        known = _EVENTS.get(event_type)
        if known is None:
            raise UnknownType(event_type)
        message, fold = known
        if fold is not None:
            fold(self, message.FromString(data))

    def _registered(self, event: registry_events_v1_pb2.SystemRegistered) -> None:
        ids = tuple(event.organisation_ids)
        self.systems[event.system_id] = KnownSystem(
            event.system_id, event.name, event.connection, frozenset(ids), _keys({}), False, ids
        )

    def _serves(self, event: registry_events_v1_pb2.SystemServes) -> None:
        ids = tuple(event.organisation_ids)
        self._change(event.system_id, organisations=frozenset(ids), organisation_ids=ids)

    def _credential_added(self, event: registry_events_v1_pb2.CredentialAdded) -> None:
        if system := self.systems.get(event.system_id):
            added = _keys({event.credential_id: event.public_jwk})
            dates = {event.credential_id: (event.not_before, event.not_after)}
            kinds = _kinds({event.credential_id: event.kind})
            self._change(
                event.system_id,
                credentials=_frozen({**system.credentials, **added}),
                validity=MappingProxyType({**system.validity, **dates}),
                kinds=MappingProxyType({**system.kinds, **kinds}),
            )
            self._hold(event.system_id, event.credential_id, event.kind)

    def _credential_revoked(self, event: registry_events_v1_pb2.CredentialRevoked) -> None:
        if system := self.systems.get(event.system_id):
            left = {k: v for k, v in system.credentials.items() if k != event.credential_id}
            dates = {k: v for k, v in system.validity.items() if k != event.credential_id}
            kinds = {k: v for k, v in system.kinds.items() if k != event.credential_id}
            self._change(
                event.system_id,
                credentials=_frozen(left),
                validity=MappingProxyType(dates),
                kinds=MappingProxyType(kinds),
            )
            self.holders.get(event.credential_id, set()).discard(event.system_id)

    def _locked(self, event: registry_events_v1_pb2.SystemLocked) -> None:
        if system := self.systems.get(event.system_id):
            shut_out = event.locked or system.suspended
            self._change(event.system_id, locked=shut_out, is_locked=event.locked)

    def _onboarded(self, event: registry_events_v1_pb2.SystemOnboarded) -> None:
        if system := self.systems.get(event.system_id):
            shut_out = system.is_locked or event.state == SUSPENDED
            self._change(event.system_id, locked=shut_out, onboarding=event.state)

    def _secured(self, event: registry_events_v1_pb2.SystemSecurityLevelSet) -> None:
        self._change(event.system_id, security_level=event.level, security_level_since=event.since)

    def _seen(self, event: registry_events_v1_pb2.SystemsSeen) -> None:
        for system_id in event.system_ids:
            self._change(system_id, last_seen=event.at)

    def _organisations(self, event: registry_events_v1_pb2.OrganisationsRegistered) -> None:
        # A catalogue of 120,000 units: only the codes of those that somebody serves are of use.
        served: set[str] = set().union(*(each.organisations for each in self.systems.values()))
        for entry in event.entries:
            if entry.organisation_id in served:
                self._name(entry.organisation_id, entry.code)

    def _hold(self, system_id: str, credential_id: str, kind: str) -> None:
        if kind:
            self.holders.setdefault(credential_id, set()).add(system_id)

    def _name(self, organisation_id: str, code: str) -> None:
        former = self.codes.get(organisation_id)
        if former is not None and self.ids.get(former) == organisation_id:
            del self.ids[former]
        self.codes[organisation_id] = code
        self.ids[code] = organisation_id

    def _change(self, system_id: str, **changes: Any) -> None:
        if system := self.systems.get(system_id):
            self.systems[system_id] = replace(system, **changes)


def _frozen(keys: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    return MappingProxyType(dict(keys))


def _keys(by_credential: Mapping[str, str]) -> Mapping[str, Mapping[str, Any]]:
    return _frozen({each: json.loads(jwk) for each, jwk in by_credential.items() if jwk})


def _kinds(by_credential: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({each: kind or KEY for each, kind in by_credential.items()})


def _dates(told: Iterable[tuple[str, int, int]]) -> Mapping[str, tuple[int, int]]:
    return MappingProxyType({each: (begins, ends) for each, begins, ends in told})


_Fold = Callable[[SystemsView, Any], None]

_EVENTS: Mapping[str, tuple[Any, _Fold | None]] = MappingProxyType(
    {
        message.DESCRIPTOR.full_name: (message, fold)
        for message, fold in (
            (registry_events_v1_pb2.SystemRegistered, SystemsView._registered),
            (registry_events_v1_pb2.SystemServes, SystemsView._serves),
            (registry_events_v1_pb2.CredentialAdded, SystemsView._credential_added),
            (registry_events_v1_pb2.CredentialRevoked, SystemsView._credential_revoked),
            (registry_events_v1_pb2.SystemLocked, SystemsView._locked),
            (registry_events_v1_pb2.OrganisationsRegistered, SystemsView._organisations),
            (registry_events_v1_pb2.OrganisationLocked, None),
            (registry_events_v1_pb2.SignaturePolicySet, None),
            (registry_events_v1_pb2.OrganisationsMerged, None),
            (registry_events_v1_pb2.SystemOnboarded, SystemsView._onboarded),
            (registry_events_v1_pb2.SystemSecurityLevelSet, SystemsView._secured),
            (registry_events_v1_pb2.SystemsSeen, SystemsView._seen),
            (registry_events_v1_pb2.RecipientGroupSet, None),
            (registry_events_v1_pb2.RecipientGroupRemoved, None),
            (registry_events_v1_pb2.AccountRegistered, None),
            (registry_events_v1_pb2.AccountPersonChanged, None),
            (registry_events_v1_pb2.AccountLocked, None),
            (registry_events_v1_pb2.RoleGranted, None),
            (registry_events_v1_pb2.RoleEnded, None),
            (registry_events_v1_pb2.AccountErased, None),
            (kernel_v1_pb2.CommandDied, None),
        )
    }
)
"""Every event type of the registry; those without a fold say nothing about systems."""
