"""A toy domain for the kernel's tests: accounts, numbered inboxes, a timer, poison.

All that lies under one `<branch>.` lies on one partition, so a transfer names two aggregates of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from docaxis_eventsourcing.decider import (
    AlreadyDecided,
    Command,
    Decided,
    Decider,
    Decision,
    Event,
    Moment,
    NotYet,
    Refused,
    State,
    Timer,
    id_of,
    kind_of,
)
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.topics import Lane, ServiceTopics, partition_of
from tests.unit.docaxis_eventsourcing.bank_messages import MESSAGES

TOPICS = ServiceTopics("bank", (Lane.URGENT, Lane.NORMAL, Lane.BULK))
PARTITIONS = 12


def partition(name: str, partitions: int = PARTITIONS) -> int:
    """The partition of an account or an inbox: that of its branch."""
    return partition_of(name.partition(".")[0], partitions)


@dataclass(frozen=True, slots=True)
class Open:
    account: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Deposit:
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Transfer:
    source: str
    target: str
    amount: int


@dataclass(frozen=True, slots=True)
class Post:
    inbox: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class CloseAt:
    account: str
    at: int


@dataclass(frozen=True, slots=True)
class Close:
    account: str
    due: int


@dataclass(frozen=True, slots=True)
class Poison:
    """`decide`, `evolve`, `stranger` (an event that names another aggregate) or `encode`."""

    account: str
    how: str


@dataclass(frozen=True, slots=True)
class Note:
    account: str
    cause: str


@dataclass(frozen=True, slots=True)
class Opened:
    account: str
    owner: str


@dataclass(frozen=True, slots=True)
class Deposited:
    account: str
    amount: int
    now: int


@dataclass(frozen=True, slots=True)
class Transferred:
    source: str
    target: str
    amount: int


@dataclass(frozen=True, slots=True)
class Posted:
    inbox: str
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class ClosingSet:
    account: str
    at: int


@dataclass(frozen=True, slots=True)
class Closed:
    account: str
    now: int


@dataclass(frozen=True, slots=True)
class Poisoned:
    account: str
    how: str


@dataclass(frozen=True, slots=True)
class Noted:
    account: str
    cause: str


@dataclass(frozen=True, slots=True)
class Balance:
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Number:
    inbox: str
    number: int


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    owner: str = ""
    balance: int = 0
    closing: int = 0
    closed: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inbox:
    last: int = 0
    texts: tuple[str, ...] = ()


_TYPES = (
    Open,
    Deposit,
    Transfer,
    Post,
    CloseAt,
    Close,
    Poison,
    Note,
    Opened,
    Deposited,
    Transferred,
    Posted,
    ClosingSet,
    Closed,
    Poisoned,
    Noted,
    Balance,
    Number,
)
CODEC = MessageCodec([(of, MESSAGES[of.__name__]) for of in _TYPES])


def aggregates(command: Command) -> tuple[str, ...]:
    match command:
        case Transfer(source, target):
            return (f"account/{source}", f"account/{target}")
        case Post(inbox):
            return (f"inbox/{inbox}",)
    return (f"account/{command.account}",)


def touched(event: Event) -> tuple[str, ...]:
    match event:
        case Transferred(source, target):
            return (f"account/{source}", f"account/{target}")
        case Posted(inbox):
            return (f"inbox/{inbox}",)
        case Poisoned(account, "stranger"):
            return (f"account/{account}", f"account/{account}.stranger")
    return (f"account/{event.account}",)


def initial(name: str) -> State:
    return Inbox() if kind_of(name) == "inbox" else Account(id_of(name))


def decide(states: Mapping[str, State], facts: Moment, command: Command) -> Decision:
    mine = states[aggregates(command)[0]]
    match command:
        case Open(account, owner):
            if mine.owner:
                return Refused("already_open", {"account": account}, "/account")
            return Decided((Opened(account, owner),))
        case Deposit(account, amount):
            if mine.closed:
                return Refused("closed")
            event = Deposited(account, amount, facts.now)
            return Decided((event,), Balance(account, mine.balance + amount))
        case Transfer(source, target, amount):
            if mine.balance < amount:
                return Refused("too_poor", {"balance": str(mine.balance)}, "/amount")
            answer = Balance(source, mine.balance - amount)
            return Decided((Transferred(source, target, amount),), answer)
        case Post(inbox, text):
            number = mine.last + 1
            return Decided((Posted(inbox, text, number),), Number(inbox, number))
        case CloseAt(account, at):
            return Decided((ClosingSet(account, at),))
        case Close(account, due):
            if mine.closed:
                return AlreadyDecided()
            return Decided((Closed(account, facts.now),)) if facts.now >= due else NotYet()
        case Note(account, cause):
            return Decided((Noted(account, cause),))
        case Poison(account, how):
            return _poison(account, how)
    raise TypeError(command)


def _poison(account: str, how: str) -> Decision:
    if how == "decide":
        raise ValueError("poison")
    last: Any = Poisoned(account, how)
    if how == "encode":
        last = Deposited(account, 2**70, 0)
    return Decided((Deposited(account, 1, 0), last), Balance(account, 1))


def evolve(state: State, event: Event) -> State:
    match event:
        case Opened(_, owner):
            return replace(state, owner=owner)
        case Deposited(_, amount):
            return replace(state, balance=state.balance + amount)
        case Posted(_, text, number):
            return Inbox(number, (*state.texts, text))
        case Transferred(source, _, amount):
            change = -amount if state.name == source else amount
            return replace(state, balance=state.balance + change)
        case ClosingSet(_, at):
            return replace(state, closing=at)
        case Closed():
            return replace(state, closing=0, closed=True)
        case Noted(_, cause):
            return replace(state, notes=(*state.notes, cause))
        case Poisoned(_, "evolve"):
            raise ValueError("poison")
    return state


def timer(state: State) -> Timer | None:
    if isinstance(state, Account) and state.closing:
        return Timer(state.closing, Close(state.name, state.closing))
    return None


def decider(fold_version: int = 1, **changed: Any) -> Decider:
    """The domain's decider; `changed` replaces parts of it."""
    parts: dict[str, Any] = {
        "service": "bank",
        "fold_version": fold_version,
        "states": {"account": Account, "inbox": Inbox},
        "aggregates": aggregates,
        "touched": touched,
        "initial": initial,
        "decide": decide,
        "evolve": evolve,
        "timer": timer,
    }
    return Decider(**{**parts, **changed})
