"""The registry's view `accounts`: people's accounts and their roles, never who the people are.

A view of its own: `directory`, which holds a hundred thousand organisations, is not made anew for
it. Its rows are the states of the domain, folded by the same `evolve`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.ports.read_store import Index, IndexType, Row, RowRange, Table
from docaxis_eventsourcing.view import Rows, View
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_registry.codec import CODEC
from docaxis_registry.domain import AccountState, accounts
from docaxis_registry.domain.account_messages import AccountEvent
from docaxis_registry.views import TOPICS

_TABLE = "accounts"
_DECODER = msgspec.msgpack.Decoder(AccountState)


async def find_accounts(reader: ViewReader, ids: Sequence[str]) -> dict[str, AccountState]:
    """Accounts by id, erased ones too, as far as the view has seen."""
    rows = await reader.get_many(_TABLE, ids)
    return {key: _DECODER.decode(row.blob) for key, row in rows.items()}


async def account_of_login(reader: ViewReader, login_id: str) -> AccountState | None:
    """Whose login it is, as far as the view has seen."""
    rows = await reader.range(_TABLE, RowRange("login", (login_id,), limit=1))
    return _DECODER.decode(rows[0].blob) if rows else None


async def accounts_after(
    reader: ViewReader, organisation_id: str, after: str, limit: int
) -> list[AccountState]:
    """A page of an organisation's accounts (of all, for an empty id), in the order of their ids."""
    index, equals = ("organisation", (organisation_id,)) if organisation_id else ("", ())
    ranged = RowRange(index, equals, after=(after,) if after else None, limit=limit)
    return [_DECODER.decode(row.blob) for row in await reader.range(_TABLE, ranged)]


def _keys(event: Any, envelope: Envelope) -> Iterable[tuple[str, str]]:
    return [(_TABLE, event.account_id)] if isinstance(event, AccountEvent) else []


def _project(rows: Rows, event: Any, envelope: Envelope) -> None:
    if not isinstance(event, AccountEvent):
        return
    row = rows.get(_TABLE, event.account_id)
    before = _DECODER.decode(row.blob) if row else AccountState(event.account_id)
    state = accounts.evolve(before, event)
    fields = {"organisation": state.organisation_id, "login": state.login_id}
    rows.put(_TABLE, Row(state.account_id, msgspec.msgpack.encode(state), fields))


ACCOUNTS = View(
    service="registry",
    name="accounts",
    version=1,
    topic=TOPICS.events,
    codec=CODEC,
    tables=(
        Table(
            _TABLE,
            {"organisation": IndexType.TEXT, "login": IndexType.TEXT},
            (Index("organisation", ("organisation",)), Index("login", ("login",))),
        ),
    ),
    keys=_keys,
    project=_project,
)
