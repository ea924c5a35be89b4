"""Views of the toy domain: a row an account with a counter, and the outcomes as told."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.ports.read_store import Index, IndexType, Row, Table
from docaxis_eventsourcing.view import Rows, View
from docaxis_proto.kernel_v1_pb2 import Outcome
from tests.unit.docaxis_eventsourcing.bank import CODEC, TOPICS, Deposited, Transferred

ACCOUNTS = Table(
    "accounts",
    fields={"name": IndexType.TEXT, "balance": IndexType.INT},
    indexes=(Index("by_balance", ("balance",)),),
    counters=("changes",),
)
REFUSALS = Table("refusals", fields={"code": IndexType.TEXT})


def _keys(event: Any, envelope: Envelope) -> Iterable[tuple[str, str]]:
    match event:
        case Deposited(account):
            return [(ACCOUNTS.name, account)]
        case Transferred(source, target):
            return [(ACCOUNTS.name, source), (ACCOUNTS.name, target)]
    return ()


def _project(rows: Rows, event: Any, envelope: Envelope) -> None:
    match event:
        case Deposited(account, amount):
            _add(rows, account, amount)
        case Transferred(source, target, amount):
            _add(rows, source, -amount)
            _add(rows, target, amount)


def _add(rows: Rows, account: str, amount: int) -> None:
    row = rows.get(ACCOUNTS.name, account)
    before = int(row.blob) if row else 0
    after = before + amount
    row = Row(account, str(after).encode(), {"name": account, "balance": after})
    rows.put(ACCOUNTS.name, row)
    rows.add(ACCOUNTS.name, account, "changes")


VIEW = View("bank", "accounts", 1, TOPICS.events, CODEC, (ACCOUNTS,), _keys, _project)


def _faulty(rows: Rows, event: Any, envelope: Envelope) -> None:
    raise KeyError("a fault of the new version")


def _doubled(rows: Rows, event: Any, envelope: Envelope) -> None:
    match event:
        case Deposited(account, amount):
            _add(rows, account, 2 * amount)


FAULTY = replace(VIEW, version=2, project=_faulty)
DOUBLED = replace(VIEW, version=2, project=_doubled)


def _refused(rows: Rows, event: Any, envelope: Envelope) -> None:
    if event.kind == Outcome.REFUSED:
        rows.put(REFUSALS.name, Row(event.command_id, event.code.encode(), {"code": event.code}))


OUTCOMES = View(
    "bank",
    "refusals",
    1,
    TOPICS.outcomes,
    MessageCodec([], foreign=[Outcome]),
    (REFUSALS,),
    lambda event, envelope: (),
    _refused,
)
