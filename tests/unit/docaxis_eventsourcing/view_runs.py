"""A view over the bank: run, fed, and what it has to show."""

import asyncio
from collections import Counter
from typing import Any

from docaxis_eventsourcing.ports.read_store import RowRange
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.view import View
from tests.unit.docaxis_eventsourcing.bank import (
    CODEC,
    Deposit,
    Deposited,
    Transfer,
)
from tests.unit.docaxis_eventsourcing.bank_views import (
    VIEW,
)
from tests.unit.docaxis_eventsourcing.rig import Rig, ask


def runner(rig: Rig, view: View = VIEW) -> ViewRunner:
    return ViewRunner(view, rig.log, rig.store)


async def deposits(rig: Rig, door: Any, count: int) -> None:
    await asyncio.gather(*(ask(door, Deposit(f"b{i % 9}.1", 1)) for i in range(count)))
    await asyncio.gather(*(ask(door, Transfer(f"b{i}.1", f"b{i}.2", 1)) for i in range(9)))


async def passed(view: ViewRunner, partitions: int = 12) -> None:
    for at in range(partitions):
        await view.reader.pass_end(at, 20.0)


async def expected(rig: Rig, factor: int = 1) -> dict[str, tuple[int, int]]:
    """Balance and number of changes of each account, counted from the events."""
    balances: Counter[str] = Counter()
    changes: Counter[str] = Counter()
    for record in await rig.records():
        event = CODEC.decode(record.envelope.type, record.data)
        if isinstance(event, Deposited):
            moved = [(event.account, factor * event.amount)]
        else:
            moved = [(event.source, -event.amount), (event.target, event.amount)]
            moved = moved if factor == 1 else []
        for account, amount in moved:
            balances[account] += amount
            changes[account] += 1
    return {account: (balances[account], changes[account]) for account in changes}


async def rows(view: ViewRunner) -> dict[str, tuple[int, int]]:
    found = await view.reader.range("accounts", RowRange("by_balance", limit=1000))
    return {row.key: (int(row.blob), row.counters["changes"]) for row in found}
