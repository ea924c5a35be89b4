"""The axis as its administrators see it: organisations, systems, credentials, locks, accounts.

Answers are typed, refusals are `ProblemError`; every act may be repeated.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import Any

from docaxis_client.accounts import Accounts
from docaxis_client.calls import path_of, present, segment
from docaxis_client.credentials import Credentials
from docaxis_client.models import Answer, CatalogueEntry, Changed, OrganisationsPage
from docaxis_client.tokens import new_key
from docaxis_client.transport import Request, Transport


class Outcome(Answer, frozen=True, kw_only=True):
    """What became of one organisation: `registered`, `unchanged`, or a code."""

    code: str
    id: str = ""
    result: str = ""


class Outcomes(Answer, frozen=True, kw_only=True):
    """One for each organisation, in their order."""

    results: tuple[Outcome, ...] = ()


class NewCredential(Answer, frozen=True, kw_only=True):
    """A credential; `secret` is told this once, and kept out of `repr`."""

    id: str
    kind: str
    secret: str | None = None

    def __repr__(self) -> str:
        return f"NewCredential(id={self.id!r}, kind={self.kind!r})"


class CredentialId(Answer, frozen=True, kw_only=True):
    """A credential that a system has, and the moments within which it counts; None is open."""

    id: str
    kind: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None


class Served(Answer, frozen=True, kw_only=True):
    """An organisation that a system serves."""

    id: str
    code: str | None = None


class System(Answer, frozen=True, kw_only=True):
    """A system or administrator."""

    id: str
    name: str = ""
    connection: str = ""
    locked: bool = False
    onboarding: str = ""
    security_level: int | None = None
    security_level_since: date | None = None
    organisations: tuple[Served, ...] = ()
    credentials: tuple[CredentialId, ...] = ()


class SystemsPage(Answer, frozen=True, kw_only=True):
    """Systems in the order of their ids."""

    items: tuple[System, ...] = ()
    next: str | None = None


class Administration(Accounts):
    """An administrator's client; use it as `async with Administration(url, credentials)`."""

    def __init__(
        self, base_url: str | None, credentials: Credentials, *, language: str = "vi"
    ) -> None:
        address = base_url or credentials.base_url
        if not address:
            raise ValueError("neither a base URL nor credentials that name one")
        self._transport = Transport(address, credentials, language=language)

    async def __aenter__(self) -> "Administration":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.close()

    async def register_organisations(self, organisations: Sequence[Mapping[str, Any]]) -> Outcomes:
        """Register or change organisations, at most 500; fields as the REST interface has them."""
        content = {"organisations": list(organisations)}
        return await self._post("/admin/organisations", content, Outcomes, None)

    async def organisations(
        self, query: str = "", *, limit: int | None = None, cursor: str | None = None
    ) -> OrganisationsPage:
        """Search the catalogue by words or code."""
        path = path_of("/admin/organisations", query=query, limit=limit, cursor=cursor)
        return await self._get(path, OrganisationsPage)

    async def organisation(self, code: str) -> CatalogueEntry:
        """Look one organisation up, by its code or an older one."""
        return await self._get(f"/admin/organisations/{segment(code)}", CatalogueEntry)

    async def merge_organisations(
        self,
        organisations: Sequence[str],
        into: str,
        merged_on: date | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Changed:
        """Let organisations become part of another from a day on (today where none is given)."""
        content = present(
            organisations=list(organisations),
            into=into,
            merged_on=merged_on.isoformat() if merged_on else None,
        )
        path = "/admin/organisations:merge"
        return await self._post(path, content, Changed, idempotency_key)

    async def lock_organisation(self, code: str, *, locked: bool = True) -> Changed:
        """Shut an organisation out, or let it in again."""
        return await self._act(f"/admin/organisations/{segment(code)}", locked)

    async def set_signature_policy(
        self, code: str, policy: str, document_type: str | None = None
    ) -> Changed:
        """`required` or `advisory`, of one document type or the default."""
        content = present(policy=policy, document_type=document_type)
        path = f"/admin/organisations/{segment(code)}/signature-policy"
        return await self._put(path, content, Changed)

    async def register_system(
        self, name: str, connection: str, organisations: Sequence[str] = ()
    ) -> Changed:
        """Register a system (`direct`, `lgsp`) or an administrator (`administration`)."""
        content = {"name": name, "connection": connection, "organisations": list(organisations)}
        return await self._post("/admin/systems", content, Changed, None)

    async def systems(self, *, limit: int | None = None, cursor: str | None = None) -> SystemsPage:
        """List systems and administrators."""
        return await self._get(path_of("/admin/systems", limit=limit, cursor=cursor), SystemsPage)

    async def system(self, system_id: str) -> System:
        """Get one, with the ids of its credentials."""
        return await self._get(f"/admin/systems/{segment(system_id)}", System)

    async def serve(self, system_id: str, organisations: Sequence[str]) -> Changed:
        """Replace the organisations that a system serves."""
        path = f"/admin/systems/{segment(system_id)}/organisations"
        return await self._put(path, {"organisations": list(organisations)}, Changed)

    async def lock_system(self, system_id: str, *, locked: bool = True) -> Changed:
        """Shut a system out, or let it in again."""
        return await self._act(f"/admin/systems/{segment(system_id)}", locked)

    async def add_credential(
        self,
        system_id: str,
        kind: str,
        *,
        public_jwk: Mapping[str, Any] | None = None,
        thumbprint: str | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> NewCredential:
        """Add a `key`, a `certificate` by its SHA-256 thumbprint, or an `hmac` secret.

        It counts from one moment to the other, which know their time zone.
        """
        content = present(
            kind=kind,
            public_jwk=public_jwk,
            thumbprint=thumbprint,
            not_before=_told(not_before),
            not_after=_told(not_after),
        )
        path = f"/admin/systems/{segment(system_id)}/credentials"
        return await self._post(path, content, NewCredential, None)

    async def date_credential(
        self,
        system_id: str,
        credential_id: str,
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Changed:
        """Say from when until when a credential counts; None is open."""
        path = f"/admin/systems/{segment(system_id)}/credentials/{segment(credential_id)}"
        dates = present(not_before=_told(not_before), not_after=_told(not_after))
        return await self._put(path, dates, Changed)

    async def onboard_system(self, system_id: str, state: str) -> Changed:
        """Let a system go on: `testing`, `connected`; or shut it out: `suspended`."""
        path = f"/admin/systems/{segment(system_id)}/onboarding"
        return await self._put(path, {"state": state}, Changed)

    async def set_security_level(self, system_id: str, level: int, since: date) -> Changed:
        """The information-security level, 1-5, and the day of its approval."""
        path = f"/admin/systems/{segment(system_id)}/security-level"
        return await self._put(path, {"level": level, "since": since.isoformat()}, Changed)

    async def revoke_credential(self, system_id: str, credential_id: str) -> None:
        """Take a credential back, for ever."""
        path = f"/admin/systems/{segment(system_id)}/credentials/{segment(credential_id)}"
        await self._transport.call(Request("DELETE", path))

    async def _act(self, path: str, locked: bool) -> Changed:
        return await self._post(f"{path}:{'lock' if locked else 'unlock'}", {}, Changed, new_key())


def _told(moment: datetime | None) -> str | None:
    """RFC 3339; raises `ValueError` for a time that could be anywhere's."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"{moment}: without a time zone")
    return moment.isoformat()
