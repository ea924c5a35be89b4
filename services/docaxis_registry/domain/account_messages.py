"""Commands and events about people's accounts, as they are stored: ids, roles and dates alone.

Names, contact data and login names are in none of them; see `docaxis_registry.people`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegisterAccount:
    """Make a person's account at an organisation."""

    account_id: str
    organisation_id: str
    login_id: str


@dataclass(frozen=True, slots=True)
class NotePersonChanged:
    """The person's name or contact data are about to be others."""

    account_id: str


@dataclass(frozen=True, slots=True)
class LockAccount:
    """Shut a person out, or let them in again."""

    account_id: str
    locked: bool


@dataclass(frozen=True, slots=True)
class GrantRole:
    """Give a role from one full-date until another, both inclusive; empty: from today, open."""

    account_id: str
    role: str
    organisation_id: str
    valid_from: str = ""
    valid_until: str = ""


@dataclass(frozen=True, slots=True)
class EndRole:
    """Set a role's last day; empty: yesterday."""

    account_id: str
    role: str
    organisation_id: str
    valid_until: str = ""


@dataclass(frozen=True, slots=True)
class EraseAccount:
    """Make an account void for ever, and have destroyed what tells who held it."""

    account_id: str


@dataclass(frozen=True, slots=True)
class AccountRegistered:
    """A person has an account at an organisation."""

    account_id: str
    organisation_id: str
    login_id: str


@dataclass(frozen=True, slots=True)
class AccountPersonChanged:
    """The person's name or contact data are others; what they are is not told."""

    account_id: str


@dataclass(frozen=True, slots=True)
class AccountLocked:
    """A person was shut out (or let in)."""

    account_id: str
    locked: bool


@dataclass(frozen=True, slots=True)
class RoleGranted:
    """A role is held within full-dates, both inclusive; an empty end is open."""

    account_id: str
    role: str
    organisation_id: str
    valid_from: str
    valid_until: str


@dataclass(frozen=True, slots=True)
class RoleEnded:
    """A role lasts until that full-date at most; what was to begin later never begins."""

    account_id: str
    role: str
    organisation_id: str
    valid_until: str


@dataclass(frozen=True, slots=True)
class AccountErased:
    """An account is void for ever."""

    account_id: str
    login_id: str


AccountCommand = (
    RegisterAccount | NotePersonChanged | LockAccount | GrantRole | EndRole | EraseAccount
)
AccountEvent = (
    AccountRegistered
    | AccountPersonChanged
    | AccountLocked
    | RoleGranted
    | RoleEnded
    | AccountErased
)
