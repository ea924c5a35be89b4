"""People's accounts: the aggregates `account/<id>` and `login/<id>`, rules 33-41 (see the package).

A role's word is the field's: who does what with an organisation's documents, or runs what.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Decision, Refused, State
from docaxis_registry.domain.account_messages import (
    AccountCommand,
    AccountErased,
    AccountEvent,
    AccountLocked,
    AccountPersonChanged,
    AccountRegistered,
    EndRole,
    EraseAccount,
    GrantRole,
    LockAccount,
    NotePersonChanged,
    RegisterAccount,
    RoleEnded,
    RoleGranted,
)
from docaxis_registry.domain.codes import is_date
from docaxis_registry.domain.organisations import not_present

AUDITOR = "auditor"
"""Reads figures and who did what, and changes nothing: of an organisation, or of the whole axis."""
ROLES = (
    "clerk",
    "leader",
    "specialist",
    "organisation_administrator",
    "system_administrator",
    AUDITOR,
)
"""văn thư; lãnh đạo; chuyên viên; quản trị đơn vị (its accounts and settings); quản trị hệ thống
(the systems that serve it); giám sát."""
MOST_PERIODS = 64
"""Of roles that one account holds, held or is to hold."""
ACTIVE, LOCKED, ERASED = "active", "locked", "erased"


@dataclass(frozen=True, slots=True)
class RolePeriod:
    """A role for an organisation (empty: the whole axis), between full-dates, both inclusive."""

    role: str
    organisation_id: str
    valid_from: str
    valid_until: str = ""

    def holds_on(self, day: str) -> bool:
        """Whether the day is within its dates."""
        return self.valid_from <= day and not self.ends_before(day)

    def ends_before(self, day: str) -> bool:
        """Whether it is over by a full-date."""
        return bool(self.valid_until) and self.valid_until < day

    def is_of(self, told: GrantRole | EndRole | RoleEnded) -> bool:
        """Whether it is the role for the organisation that is told."""
        return (self.role, self.organisation_id) == (told.role, told.organisation_id)


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account; without an organisation there is none."""

    account_id: str
    organisation_id: str = ""
    login_id: str = ""
    roles: tuple[RolePeriod, ...] = ()
    locked: bool = False
    erased: bool = False

    @property
    def state(self) -> str:
        """`active`, `locked` or `erased`."""
        return ERASED if self.erased else LOCKED if self.locked else ACTIVE

    def in_force(self, period: RolePeriod, day: str) -> bool:
        """Rule 40, as far as the account knows."""
        return self.state == ACTIVE and period.holds_on(day)


@dataclass(frozen=True, slots=True)
class LoginState:
    """Whose login an id is."""

    login_id: str
    account_id: str = ""


def aggregates(command: AccountCommand) -> tuple[str, ...]:
    """The account; its login and the organisation, where they are told."""
    account = f"account/{command.account_id}"
    match command:
        case RegisterAccount():
            organisation = f"organisation/{command.organisation_id}"
            return (account, f"login/{command.login_id}", organisation)
        case GrantRole() if command.organisation_id:
            return (account, f"organisation/{command.organisation_id}")
        case _:
            return (account,)


def touched(event: AccountEvent) -> tuple[str, ...]:
    """The account, and its login where it takes one."""
    account = f"account/{event.account_id}"
    if isinstance(event, AccountRegistered):
        return (account, f"login/{event.login_id}")
    return (account,)


def decide(states: Mapping[str, State], today: str, command: AccountCommand) -> Decision:
    """Rules 33-41. `today` is a full-date in Viet Nam."""
    state: AccountState = states[f"account/{command.account_id}"]
    match command:
        case RegisterAccount():
            return _register(states, state, command)
        case _ if not state.organisation_id:
            return Refused("account_unknown", pointer="/account_id")
        case EraseAccount():
            if state.erased:
                return AlreadyDecided()
            return Decided((AccountErased(state.account_id, state.login_id),))
        case _ if state.erased:
            return Refused("account_erased", pointer="/account_id")
        case NotePersonChanged():
            return Decided((AccountPersonChanged(state.account_id),))
        case LockAccount():
            if state.locked == command.locked:
                return AlreadyDecided()
            return Decided((AccountLocked(state.account_id, command.locked),))
        case GrantRole():
            return _grant(states, state, today, command)
        case EndRole():
            return _end(state, today, command)


def evolve(state: AccountState, event: AccountEvent) -> AccountState:
    """One account after an event."""
    match event:
        case AccountRegistered():
            return AccountState(event.account_id, event.organisation_id, event.login_id)
        case AccountPersonChanged():
            return state
        case AccountLocked():
            return replace(state, locked=event.locked)
        case RoleGranted():
            period = RolePeriod(
                event.role, event.organisation_id, event.valid_from, event.valid_until
            )
            return replace(state, roles=(*state.roles, period))
        case RoleEnded():
            ended = (_ended(each, event) for each in state.roles)
            return replace(state, roles=tuple(each for each in ended if each is not None))
        case AccountErased():
            return replace(state, erased=True)


def evolve_login(state: LoginState, event: AccountEvent) -> LoginState:
    """Whose it is after an event."""
    if isinstance(event, AccountRegistered):
        return LoginState(event.login_id, event.account_id)
    return state


def _register(
    states: Mapping[str, State], state: AccountState, command: RegisterAccount
) -> Decision:
    """Rules 33-35."""
    if (state.organisation_id, state.login_id) == (command.organisation_id, command.login_id):
        return AlreadyDecided()
    login: LoginState = states[f"login/{command.login_id}"]
    if state.organisation_id or login.account_id:
        return Refused("login_taken", pointer="/login")
    organisation = states[f"organisation/{command.organisation_id}"]
    if refusal := not_present(organisation, "/organisation"):
        return refusal
    event = AccountRegistered(command.account_id, command.organisation_id, command.login_id)
    return Decided((event,))


def _grant(
    states: Mapping[str, State], state: AccountState, today: str, command: GrantRole
) -> Decision:
    """Rules 36-38."""
    if refusal := _fault_in_role(command):
        return refusal
    if command.organisation_id and (
        refusal := not_present(states[f"organisation/{command.organisation_id}"], "/organisation")
    ):
        return refusal
    new = RolePeriod(
        command.role, command.organisation_id, command.valid_from or today, command.valid_until
    )
    if not is_date(new.valid_from):
        return _invalid("valid_from", "a full-date")
    if not is_date(new.valid_until) or new.ends_before(new.valid_from):
        return _invalid("valid_until", "a full-date, not before valid_from")
    for each in state.roles:
        if not each.is_of(command) or _apart(each, new):
            continue
        undated = not command.valid_from and each.holds_on(today)
        if each == new or (undated and each.valid_until == new.valid_until):
            return AlreadyDecided()
        params = {"from": each.valid_from, "until": each.valid_until or "…"}
        return Refused("role_held", params, "/valid_from")
    if len(state.roles) >= MOST_PERIODS:
        return Refused("too_many_items", {"field": "roles", "limit": str(MOST_PERIODS)}, "/role")
    event = RoleGranted(
        state.account_id, new.role, new.organisation_id, new.valid_from, new.valid_until
    )
    return Decided((event,))


def _end(state: AccountState, today: str, command: EndRole) -> Decision:
    """Rule 39."""
    last = command.valid_until or _day_before(today)
    if not is_date(last):
        return _invalid("valid_until", "a full-date")
    held = [each for each in state.roles if each.is_of(command)]
    if not held:
        return Refused("role_not_held", pointer="/role")
    event = RoleEnded(state.account_id, command.role, command.organisation_id, last)
    if all(_ended(each, event) == each for each in held):
        return AlreadyDecided()
    return Decided((event,))


def _ended(period: RolePeriod, event: RoleEnded) -> RolePeriod | None:
    """What is left of a period; None where it was to begin later."""
    if not period.is_of(event) or (period.valid_until and period.valid_until <= event.valid_until):
        return period
    if period.valid_from > event.valid_until:
        return None
    return replace(period, valid_until=event.valid_until)


def _fault_in_role(command: GrantRole) -> Refused | None:
    """Rule 36."""
    if command.role not in ROLES:
        return _invalid("role", ", ".join(ROLES))
    if not command.organisation_id and command.role != AUDITOR:
        return Refused("field_required", {"field": "organisation"}, "/organisation")
    return None


def _apart(one: RolePeriod, other: RolePeriod) -> bool:
    return one.ends_before(other.valid_from) or other.ends_before(one.valid_from)


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _invalid(field: str, expected: str) -> Refused:
    return Refused("field_invalid", {"field": field, "expected": expected}, f"/{field}")
