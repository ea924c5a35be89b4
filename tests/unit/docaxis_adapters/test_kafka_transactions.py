"""A processor's transactions with producers that do as they are told: what fails, and where."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from docaxis_adapters.kafka_log import producers, transactions
from docaxis_adapters.kafka_log.failures import ClientBroken
from docaxis_adapters.kafka_log.transactions import Transactions
from docaxis_eventsourcing.errors import Fenced, Unavailable
from docaxis_eventsourcing.ports.event_log import Position
from tests.contract.messages import EVENTS, outgoing

WITHIN_S = 20.0
EVENT = outgoing("event", topic=EVENTS, sequence=7)
AGAIN = KafkaError(KafkaError._TIMED_OUT, "", False, True)
ABORT = KafkaError(KafkaError.ILLEGAL_GENERATION, "", False, False, True)
FATAL = KafkaError(KafkaError._FENCED, "", True)


class Answer:
    """Of the message that was delivered."""

    def offset(self) -> int:
        return 41


class FakeProducer:
    """Remembers its steps; a step may be given what it raises, in turn, or does."""

    made: list["FakeProducer"]
    will: dict[str, list[KafkaError | Callable[[], None]]]

    def __init__(self, config: dict[str, Any]) -> None:
        self.name = config["transactional.id"]
        self.steps: list[str] = []
        self._delivered: list[Callable[..., None]] = []
        self.made.append(self)

    def __getattr__(self, step: str) -> Callable[..., None]:
        def do(*given: Any, **named: Any) -> None:
            if step != "poll":
                self.steps.append(step)
            if "on_delivery" in named:
                self._delivered.append(named["on_delivery"])
            for todo in [self.will[step].pop(0)] if self.will.get(step) else []:
                if isinstance(todo, KafkaError):
                    raise KafkaException(todo)
                todo()
            if step == "commit_transaction":
                for each in self._delivered:
                    each(None, Answer())

        return do


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeProducer]:
    FakeProducer.made, FakeProducer.will = [], {}
    monkeypatch.setattr(producers, "Client", FakeProducer)
    monkeypatch.setattr(producers, "_AGAIN_S", 0.001)
    monkeypatch.setattr(transactions, "_LOOK_S", 0.01)
    return FakeProducer


@pytest.fixture
async def opened(fake: type[FakeProducer]) -> AsyncIterator[Transactions]:
    found = Transactions([{"transactional.id": "a"}, {"transactional.id": "b"}])
    await found.open()
    yield found
    await found.close()


async def commit(opened: Transactions) -> list[Position]:
    async with asyncio.timeout(WITHIN_S):
        return await opened.commit([EVENT], [], b"metadata")


def stuck_until(event: threading.Event) -> Callable[[], None]:
    def wait() -> None:
        event.wait(WITHIN_S)

    return wait


COMMIT = [
    "begin_transaction",
    "produce",
    "send_offsets_to_transaction",
    "commit_transaction",
]


async def test_L13_two_producers_take_turns(opened: Transactions, fake: type[FakeProducer]) -> None:
    for _ in range(3):
        assert await commit(opened) == [Position(7, 42)]
    first, second = fake.made
    assert first.steps == ["init_transactions", *COMMIT, *COMMIT]
    assert second.steps == ["init_transactions", *COMMIT]


async def test_L12_an_unknown_commit_is_asked_again_until_it_is_known(
    opened: Transactions, fake: type[FakeProducer]
) -> None:
    fake.will["commit_transaction"] = [AGAIN] * 3
    assert await commit(opened) == [Position(7, 42)]
    assert fake.made[0].steps.count("commit_transaction") == 4
    assert "abort_transaction" not in fake.made[0].steps


@pytest.mark.parametrize("step", ["produce", "send_offsets_to_transaction", "commit_transaction"])
async def test_what_fails_is_aborted_and_told(
    opened: Transactions, fake: type[FakeProducer], step: str
) -> None:
    fake.will[step] = [ABORT]
    fake.will["abort_transaction"] = [AGAIN, AGAIN]
    with pytest.raises(Fenced):
        await commit(opened)
    assert fake.made[0].steps[-3:] == ["abort_transaction"] * 3
    assert await commit(opened), "the next one goes"


async def test_a_message_that_cannot_be_made_leaves_no_transaction_open(
    opened: Transactions, fake: type[FakeProducer]
) -> None:
    def fail() -> None:
        raise TypeError

    fake.will["produce"] = [fail]
    with pytest.raises(TypeError):
        await commit(opened)
    assert fake.made[0].steps[-1] == "abort_transaction"


@pytest.mark.parametrize("step", COMMIT)
async def test_L13_a_fenced_producer_is_broken_and_aborts_nothing(
    opened: Transactions, fake: type[FakeProducer], step: str
) -> None:
    fake.will[step] = [FATAL]
    with pytest.raises(ClientBroken):
        await commit(opened)
    assert fake.made[0].steps[-1] == step


async def test_L12_a_commit_whose_result_nobody_can_wait_for_ends_the_process(
    opened: Transactions, fake: type[FakeProducer]
) -> None:
    asked = threading.Event()

    def ask() -> None:
        asked.set()
        raise KafkaException(AGAIN)

    fake.will["commit_transaction"] = [ask] * 1_000_000
    committing = asyncio.create_task(commit(opened))
    assert await asyncio.to_thread(asked.wait, WITHIN_S)
    await opened.close()
    with pytest.raises(ClientBroken, match="not known"):
        await committing


async def test_brokers_that_are_away_at_the_start_are_waited_for(
    fake: type[FakeProducer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producers, "OPERATION_S", 0.01)
    fake.will["init_transactions"] = [AGAIN] * 1_000_000
    found = Transactions([{"transactional.id": "a"}])
    with pytest.raises(Unavailable):
        await found.open()
    await found.close()


async def test_a_commit_that_is_stuck_is_given_up_and_new_producers_go_on(
    opened: Transactions, fake: type[FakeProducer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """librdkafka 5456 and 5511: a coordinator that left the cluster is waited for without bound."""
    monkeypatch.setattr(producers, "_SENT_WITHIN_S", 0.02)
    let_go = threading.Event()
    fake.will["send_offsets_to_transaction"] = [stuck_until(let_go)]
    with pytest.raises(Unavailable, match="does not answer"):
        await commit(opened)
    assert await commit(opened) == [Position(7, 42)]
    stuck, _, first, _ = fake.made
    assert first.steps == ["init_transactions", *COMMIT], "it fences the one of the same name"
    let_go.set()
    async with asyncio.timeout(WITHIN_S):
        while "close" not in stuck.steps:  # noqa: ASYNC110 - another thread closes it
            await asyncio.sleep(0.001)
    assert "commit_transaction" not in stuck.steps, "what was given up is never committed"


async def test_L34_without_that_it_would_be_stuck_for_ever(
    opened: Transactions, fake: type[FakeProducer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producers.Producers, "give_up_when_stuck", lambda self: False)
    monkeypatch.setattr(producers, "_SENT_WITHIN_S", 0.02)
    let_go = threading.Event()
    fake.will["send_offsets_to_transaction"] = [stuck_until(let_go)]
    committing = asyncio.create_task(commit(opened))
    done, _ = await asyncio.wait({committing}, timeout=0.2)
    assert not done
    let_go.set()
    assert await committing == [Position(7, 42)]
