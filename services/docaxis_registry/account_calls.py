"""The registry's calls about people's accounts."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from docaxis_eventsourcing.cursors import decode_cursor, encode_cursor, page_limit
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.front_door import FrontDoor
from docaxis_eventsourcing.identifiers import derived_id, is_identifier, new_id
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_registry import queries, rendering
from docaxis_registry.account_views import account_of_login, accounts_after, find_accounts
from docaxis_registry.asking import Asking, limited
from docaxis_registry.domain import AccountState, account_messages
from docaxis_registry.people import Card, People, card_of, login_of
from docaxis_registry.settings import RegistrySettings
from docaxis_registry.views import PARTITION

_MOST_ASKED = 500
_READERS = 16
_LONGEST_ID = 64


class AccountCalls(Asking):
    """Raises `DocaxisError`, and `Unavailable` where the secrets are away."""

    def __init__(
        self,
        door: FrontDoor,
        directory: ViewReader,
        store: ReadStore,
        clock: Callable[[], int],
        epoch: int,
        settings: RegistrySettings,
        accounts: ViewReader,
        people: People,
    ) -> None:
        """As `Asking`; the view of accounts, and the people who hold them."""
        super().__init__(door, directory, store, clock, epoch, settings)
        self._accounts = accounts
        self._people = people

    async def RegisterAccount(
        self, request: rpc.RegisterAccountRequest, context: Any
    ) -> rpc.ChangeReply:
        """The account first, then the card (see `people`); a repeat writes what is missing."""
        login = login_of(request.login)
        person = request.person
        card = card_of(login, person.name, person.email, person.phone)
        key = request.idempotency_key
        account_id = derived_id("account", key) if key else new_id()
        login_id = await self._people.login_id(login)
        command = account_messages.RegisterAccount(account_id, request.organisation_id, login_id)
        try:
            await self._act("RegisterAccount", command, request)
        except DocaxisError as error:
            if error.code == "login_taken":
                await self._people.leave(login, login_id)
            raise
        known = await self._people.read(account_id)
        if known is None or not known.login:
            await self._keep(account_id, replace(known, login=login) if known else card)
        return rpc.ChangeReply(id=account_id)

    async def SetPerson(self, request: rpc.SetPersonRequest, context: Any) -> rpc.ChangeReply:
        """The act goes to the log first, then the card is replaced; the same again does nothing."""
        # Others than ids are no account's, and no name of a secret.
        known = (
            await self._people.read(request.account_id)
            if is_identifier(request.account_id)
            else None
        )
        person = request.person
        login = known.login if known else ""
        card = card_of(login, person.name, person.email, person.phone)
        command = account_messages.NotePersonChanged(request.account_id)
        if known is None or known != card:
            await self._act("SetPerson", command, request)
            await self._keep(request.account_id, card)
        return rpc.ChangeReply(id=request.account_id)

    async def LockAccount(self, request: rpc.LockAccountRequest, context: Any) -> rpc.ChangeReply:
        """Lock or unlock."""
        command = account_messages.LockAccount(request.account_id, request.locked)
        await self._act("LockAccount", command, request)
        return rpc.ChangeReply(id=request.account_id)

    async def GrantRole(self, request: rpc.GrantRoleRequest, context: Any) -> rpc.ChangeReply:
        """From today where no date is told."""
        command = account_messages.GrantRole(
            request.account_id,
            request.role,
            request.organisation_id,
            request.valid_from,
            request.valid_until,
        )
        await self._act("GrantRole", command, request)
        return rpc.ChangeReply(id=request.account_id)

    async def EndRole(self, request: rpc.EndRoleRequest, context: Any) -> rpc.ChangeReply:
        """At once where no last day is told."""
        command = account_messages.EndRole(
            request.account_id, request.role, request.organisation_id, request.valid_until
        )
        await self._act("EndRole", command, request)
        return rpc.ChangeReply(id=request.account_id)

    async def EraseAccount(self, request: rpc.EraseAccountRequest, context: Any) -> rpc.ChangeReply:
        """Nobody is told the person's data from now on; `effects` destroys them."""
        command = account_messages.EraseAccount(request.account_id)
        await self._act("EraseAccount", command, request)
        return rpc.ChangeReply(id=request.account_id)

    async def ListAccounts(
        self, request: rpc.ListAccountsRequest, context: Any
    ) -> rpc.ListAccountsReply:
        """By ids, unknown ones left out; else a page. Raises `limit_invalid`, `cursor_invalid`."""
        limited("account_ids", request.account_ids, _MOST_ASKED)
        if request.account_ids:
            found = await self._find(request.account_ids)
            asked = [found[each] for each in dict.fromkeys(request.account_ids) if each in found]
            return rpc.ListAccountsReply(accounts=await self._shown_accounts(asked))
        limit = page_limit(request.limit)
        after = decode_cursor(request.cursor, self._epoch, str, "")[:_LONGEST_ID]
        page = await accounts_after(self._accounts, request.organisation_id, after, limit)
        following = encode_cursor(self._epoch, page[-1].account_id) if len(page) == limit else ""
        return rpc.ListAccountsReply(accounts=await self._shown_accounts(page), next=following)

    async def FindAccount(self, request: rpc.FindAccountRequest, context: Any) -> rpc.Account:
        """Raises `account_unknown`: also where the account was erased."""
        login_id = await self._people.known_login_id(login_of(request.login))
        found = await self._of_login(login_id) if login_id else None
        if found is None or found.erased:
            raise DocaxisError("account_unknown")
        return (await self._shown_accounts([found]))[0]

    async def _act(
        self, method: str, command: account_messages.AccountCommand, request: Any
    ) -> None:
        """Have it decided; queries show it then, unless the view is far behind."""
        await self._decided(method, command, request)
        with suppress(DocaxisError):
            await self._pass_accounts()

    async def _of_login(self, login_id: str) -> AccountState | None:
        found = await account_of_login(self._accounts, login_id)
        if found is None:
            await self._pass_accounts()
            found = await account_of_login(self._accounts, login_id)
        return found

    async def _find(self, ids: Sequence[str]) -> dict[str, AccountState]:
        found = await find_accounts(self._accounts, ids)
        if set(ids) - found.keys():
            await self._pass_accounts()
            found = await find_accounts(self._accounts, ids)
        return found

    async def _keep(self, account_id: str, card: Card) -> None:
        """Write a card, unless the account was erased: meanwhile, or long before a late repeat.

        An erasure that comes after the last look finds the card and destroys it.
        """
        if not await self._is_erased(account_id):
            await self._people.write(account_id, card)
            if await self._is_erased(account_id):
                await self._people.destroy_card(account_id)

    async def _is_erased(self, account_id: str) -> bool:
        await self._pass_accounts()
        found = await find_accounts(self._accounts, [account_id])
        return account_id in found and found[account_id].erased

    async def _shown_accounts(self, accounts: Sequence[AccountState]) -> list[rpc.Account]:
        named = {each.organisation_id for each in accounts}
        named |= {role.organisation_id for each in accounts for role in each.roles}
        organisations = await queries.find_organisations(self._directory, sorted(named - {""}))
        readers = asyncio.Semaphore(_READERS)

        async def card(account: AccountState) -> Card | None:
            async with readers:
                return None if account.erased else await self._people.read(account.account_id)

        cards = await asyncio.gather(*(card(each) for each in accounts))
        today = self._today()
        return [
            rendering.account(each, found, organisations, today)
            for each, found in zip(accounts, cards, strict=True)
        ]

    async def _pass_accounts(self) -> None:
        await self._accounts.pass_end(PARTITION, self._settings.view_deadline_s)
