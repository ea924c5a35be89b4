"""What administrators send and are answered about people's accounts; manners as elsewhere."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema

from docaxis_gateway.text_rules import FullDate, Line, OrganisationCode, invalid

Role = Literal[
    "clerk",
    "leader",
    "specialist",
    "organisation_administrator",
    "system_administrator",
    "auditor",
]
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,62}[A-Za-z0-9]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"[+(]?[0-9][0-9 ().-]{1,38}")


def _matching(pattern: re.Pattern[str], expected: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise invalid(expected)
        return text

    return AfterValidator(check)


Login = Annotated[
    str,
    _matching(_LOGIN, "3-64 letters and digits, and between them . _ - @"),
    WithJsonSchema({"type": "string", "pattern": f"^{_LOGIN.pattern}$"}),
]
PersonName = Annotated[str, Line(200)]
Email = Annotated[str, Line(254), _matching(_EMAIL, "an e-mail address")]
Phone = Annotated[str, Line(40), _matching(_PHONE, "a telephone number")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Personal(_Request):
    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Nothing: what is shown ends up in log lines."""
        return []


class SetPerson(_Personal):
    """All that is told of a person from now on."""

    name: PersonName
    email: Email | None = None
    phone: Phone | None = None


class RegisterAccount(SetPerson):
    """A person's account at an organisation; capitals in the login do not count."""

    login: Login
    organisation: OrganisationCode


class FindAccount(_Personal):
    """In a body, not in an address: addresses are written down in many places."""

    login: Login


class GrantRole(_Request):
    """Without `organisation`, for an auditor alone, of the whole axis. From today, and open, where
    no dates are told; both are inclusive."""

    role: Role
    organisation: OrganisationCode | None = None
    valid_from: FullDate | None = None
    valid_until: FullDate | None = None


class EndRole(_Request):
    """`valid_until` is the last day; without it the role counts no more from now on."""

    role: Role
    organisation: OrganisationCode | None = None
    valid_until: FullDate | None = None


class OrganisationOfAccount(BaseModel):
    """An organisation; `code` as it is now."""

    id: str
    code: str


class HeldRole(BaseModel):
    """`in_force`: within its dates today, and neither the account nor the organisation is locked.
    `organisation` is null for the whole axis, `valid_until` where no end is set."""

    role: str
    organisation: OrganisationOfAccount | None
    valid_from: str
    valid_until: str | None
    in_force: bool


class Person(BaseModel):
    """Whose account it is."""

    name: str
    email: str | None
    phone: str | None


class Account(BaseModel):
    """`login` and `person` are null where the account was erased; `state` is `active`, `locked` or
    `erased`."""

    id: str
    organisation: OrganisationOfAccount
    login: str | None
    person: Person | None
    state: str
    roles: list[HeldRole]


class AccountPage(BaseModel):
    """A page of accounts, in the order of their ids."""

    items: list[Account]
    next: str | None
