"""The administrator's client for code without an event loop: each call waits for its answer."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import Any

from docaxis_client import administration
from docaxis_client.accounts import Account, AccountsPage
from docaxis_client.credentials import Credentials
from docaxis_client.models import CatalogueEntry, Changed, OrganisationsPage
from docaxis_client.own_loop import OwnLoop, Waiting


class Administration(Waiting):
    """See `docaxis_client.administration.Administration`: the same methods, answers and errors."""

    def __init__(
        self, base_url: str | None, credentials: Credentials, *, language: str = "vi"
    ) -> None:
        self._axis = administration.Administration(base_url, credentials, language=language)
        self._loop = OwnLoop()

    def __enter__(self) -> "Administration":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._loop.closed:
            self._run(self._axis.__aexit__(None, None, None))
            self._loop.close()

    def register_organisations(
        self, organisations: Sequence[Mapping[str, Any]]
    ) -> administration.Outcomes:
        """Register or change organisations, at most 500; fields as the REST interface has them."""
        return self._run(self._axis.register_organisations(organisations))

    def lock_organisation(self, code: str, *, locked: bool = True) -> Changed:
        """Shut an organisation out, or let it in again."""
        return self._run(self._axis.lock_organisation(code, locked=locked))

    def organisations(
        self, query: str = "", *, limit: int | None = None, cursor: str | None = None
    ) -> OrganisationsPage:
        """Search the catalogue by words or code."""
        return self._run(self._axis.organisations(query, limit=limit, cursor=cursor))

    def organisation(self, code: str) -> CatalogueEntry:
        """Look one organisation up, by its code or an older one."""
        return self._run(self._axis.organisation(code))

    def merge_organisations(
        self,
        organisations: Sequence[str],
        into: str,
        merged_on: date | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Changed:
        """Let organisations become part of another from a day on (today where none is given)."""
        return self._run(
            self._axis.merge_organisations(
                organisations, into, merged_on, idempotency_key=idempotency_key
            )
        )

    def set_signature_policy(
        self, code: str, policy: str, document_type: str | None = None
    ) -> Changed:
        """`required` or `advisory`, of one document type or the default."""
        return self._run(self._axis.set_signature_policy(code, policy, document_type))

    def register_system(
        self, name: str, connection: str, organisations: Sequence[str] = ()
    ) -> Changed:
        """Register a system (`direct`, `lgsp`) or an administrator (`administration`)."""
        return self._run(self._axis.register_system(name, connection, organisations))

    def systems(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> administration.SystemsPage:
        """List systems and administrators."""
        return self._run(self._axis.systems(limit=limit, cursor=cursor))

    def system(self, system_id: str) -> administration.System:
        """Get one, with the ids of its credentials."""
        return self._run(self._axis.system(system_id))

    def serve(self, system_id: str, organisations: Sequence[str]) -> Changed:
        """Replace the organisations that a system serves."""
        return self._run(self._axis.serve(system_id, organisations))

    def lock_system(self, system_id: str, *, locked: bool = True) -> Changed:
        """Shut a system out, or let it in again."""
        return self._run(self._axis.lock_system(system_id, locked=locked))

    def add_credential(
        self,
        system_id: str,
        kind: str,
        *,
        public_jwk: Mapping[str, Any] | None = None,
        thumbprint: str | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> administration.NewCredential:
        """Add a `key`, a `certificate` by its SHA-256 thumbprint, or an `hmac` secret.

        It counts from one moment to the other, which know their time zone.
        """
        return self._run(
            self._axis.add_credential(
                system_id,
                kind,
                public_jwk=public_jwk,
                thumbprint=thumbprint,
                not_before=not_before,
                not_after=not_after,
            )
        )

    def date_credential(
        self,
        system_id: str,
        credential_id: str,
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Changed:
        """Say from when until when a credential counts; None is open."""
        return self._run(
            self._axis.date_credential(
                system_id, credential_id, not_before=not_before, not_after=not_after
            )
        )

    def onboard_system(self, system_id: str, state: str) -> Changed:
        """Let a system go on: `testing`, `connected`; or shut it out: `suspended`."""
        return self._run(self._axis.onboard_system(system_id, state))

    def set_security_level(self, system_id: str, level: int, since: date) -> Changed:
        """The information-security level, 1-5, and the day of its approval."""
        return self._run(self._axis.set_security_level(system_id, level, since))

    def revoke_credential(self, system_id: str, credential_id: str) -> None:
        """Take a credential back, for ever."""
        self._run(self._axis.revoke_credential(system_id, credential_id))

    def register_account(
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
        return self._run(
            self._axis.register_account(
                login,
                organisation,
                name,
                email=email,
                phone=phone,
                idempotency_key=idempotency_key,
            )
        )

    def accounts(
        self,
        *,
        organisation: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AccountsPage:
        """List an organisation's accounts, or all."""
        return self._run(self._axis.accounts(organisation=organisation, limit=limit, cursor=cursor))

    def account(self, account_id: str) -> Account:
        """Get one, with its roles."""
        return self._run(self._axis.account(account_id))

    def find_account(self, login: str) -> Account:
        """Get the one with a login name."""
        return self._run(self._axis.find_account(login))

    def set_person(
        self, account_id: str, name: str, *, email: str | None = None, phone: str | None = None
    ) -> Changed:
        """Replace all that is told of the person."""
        return self._run(self._axis.set_person(account_id, name, email=email, phone=phone))

    def lock_account(self, account_id: str, *, locked: bool = True) -> Changed:
        """Let none of its roles count, or let them count again."""
        return self._run(self._axis.lock_account(account_id, locked=locked))

    def erase_account(self, account_id: str) -> Changed:
        """Make it void for ever, and destroy what tells who held it."""
        return self._run(self._axis.erase_account(account_id))

    def grant_role(
        self,
        account_id: str,
        role: str,
        organisation: str | None = None,
        *,
        valid_from: str | None = None,
        valid_until: str | None = None,
    ) -> Changed:
        """Give a role, from today and open where no dates are told."""
        return self._run(
            self._axis.grant_role(
                account_id, role, organisation, valid_from=valid_from, valid_until=valid_until
            )
        )

    def end_role(
        self,
        account_id: str,
        role: str,
        organisation: str | None = None,
        *,
        valid_until: str | None = None,
    ) -> Changed:
        """Set a role's last day; at once where none is told."""
        return self._run(
            self._axis.end_role(account_id, role, organisation, valid_until=valid_until)
        )
