"""People's accounts, as administrators see them."""

from datetime import date

from docaxis_client.calls import Calls, path_of, present, segment
from docaxis_client.models import Answer, Changed


class OrganisationOfAccount(Answer, frozen=True, kw_only=True):
    """An organisation by id and present code."""

    id: str
    code: str = ""


class HeldRole(Answer, frozen=True, kw_only=True):
    """A role within dates, both inclusive; without an organisation, of the whole axis."""

    role: str
    organisation: OrganisationOfAccount | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    in_force: bool = False


class Person(Answer, frozen=True, kw_only=True):
    """Whose account it is; kept out of `repr`."""

    name: str
    email: str | None = None
    phone: str | None = None

    def __repr__(self) -> str:
        return "Person(…)"


class Account(Answer, frozen=True, kw_only=True):
    """An account; `login` and `person` are None where it was erased."""

    id: str
    organisation: OrganisationOfAccount
    login: str | None = None
    person: Person | None = None
    state: str = ""
    roles: tuple[HeldRole, ...] = ()

    def __repr__(self) -> str:
        return f"Account(id={self.id!r}, state={self.state!r}, roles={self.roles!r})"


class AccountsPage(Answer, frozen=True, kw_only=True):
    """Accounts in the order of their ids."""

    items: tuple[Account, ...] = ()
    next: str | None = None


class Accounts(Calls):
    """Calls about accounts; dates are full-dates (`2026-11-22`)."""

    async def register_account(
        self,
        login: str,
        organisation: str,
        name: str,
        *,
        email: str | None = None,
        phone: str | None = None,
        idempotency_key: str | None = None,
    ) -> Changed:
        """Make a person's account at an organisation; it has no role yet."""
        content = present(
            login=login, organisation=organisation, name=name, email=email, phone=phone
        )
        return await self._post("/admin/accounts", content, Changed, idempotency_key)

    async def accounts(
        self,
        *,
        organisation: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AccountsPage:
        """List an organisation's accounts, or all."""
        query = {"organisation": organisation, "limit": limit, "cursor": cursor}
        return await self._get(path_of("/admin/accounts", **query), AccountsPage)

    async def account(self, account_id: str) -> Account:
        """Get one, with its roles."""
        return await self._get(f"/admin/accounts/{segment(account_id)}", Account)

    async def find_account(self, login: str) -> Account:
        """Get the one with a login name."""
        return await self._post("/admin/accounts:find", {"login": login}, Account, None)

    async def set_person(
        self, account_id: str, name: str, *, email: str | None = None, phone: str | None = None
    ) -> Changed:
        """Replace all that is told of the person."""
        content = present(name=name, email=email, phone=phone)
        return await self._put(f"/admin/accounts/{segment(account_id)}/person", content, Changed)

    async def lock_account(self, account_id: str, *, locked: bool = True) -> Changed:
        """Let none of its roles count, or let them count again."""
        act = "lock" if locked else "unlock"
        return await self._post(f"/admin/accounts/{segment(account_id)}:{act}", {}, Changed, None)

    async def erase_account(self, account_id: str) -> Changed:
        """Make it void for ever, and destroy what tells who held it."""
        return await self._post(f"/admin/accounts/{segment(account_id)}:erase", {}, Changed, None)

    async def grant_role(
        self,
        account_id: str,
        role: str,
        organisation: str | None = None,
        *,
        valid_from: str | None = None,
        valid_until: str | None = None,
    ) -> Changed:
        """Give a role, from today and open where no dates are told."""
        content = present(
            role=role, organisation=organisation, valid_from=valid_from, valid_until=valid_until
        )
        path = f"/admin/accounts/{segment(account_id)}/roles"
        return await self._post(path, content, Changed, None)

    async def end_role(
        self,
        account_id: str,
        role: str,
        organisation: str | None = None,
        *,
        valid_until: str | None = None,
    ) -> Changed:
        """Set a role's last day; at once where none is told."""
        content = present(role=role, organisation=organisation, valid_until=valid_until)
        path = f"/admin/accounts/{segment(account_id)}/roles:end"
        return await self._post(path, content, Changed, None)
