"""Appending outside of transactions: one idempotent producer, one wake-up for many appends.

The client's own asyncio producer carries no headers and is slow. Here the event loop hands records
to the synchronous producer, a thread serves its delivery reports, and whatever was completed by one
of its rounds wakes the loop once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from threading import Lock, Thread
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as KafkaMessage
from confluent_kafka import Producer as Client

from docaxis_adapters.kafka_log.clients import Config
from docaxis_adapters.kafka_log.failures import ClientBroken, is_fatal, meaning, told
from docaxis_adapters.kafka_log.records import value_and_headers
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Outgoing

_ROUND_S = 0.1
_FULL_PAUSE_S = 0.01
_END_WITHIN_S = 2.0
_CLOSED = "this log is closed"


class _Append:
    """One call: how many of its records are still on their way."""

    __slots__ = ("failure", "future", "left", "loop")

    def __init__(self, count: int) -> None:
        self.left = count
        self.failure: Exception | None = None
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()


class Appender:
    """Appends durably (`acks=all`); usable from several event loops."""

    def __init__(self, config: Config, prefix: str = "") -> None:
        """Raises `ValueError` for settings that are wrong."""
        with told():
            self._client = Client({**config, "error_cb": self._noticed})
        self._prefix = prefix
        self._done: list[_Append] = []
        self._lock = Lock()
        self._closed = False
        self._ended = False
        self.broken: ClientBroken | None = None
        """What ended the producer for good."""
        self._thread = Thread(target=self._work, name="kafka appender", daemon=True)
        self._thread.start()

    async def append(self, outputs: Sequence[Outgoing]) -> None:
        """Return when all records are on all in-sync copies.

        Raises `Unavailable` (some may be there), `ValueError` where one is refused for what it is,
        `ClientBroken`.
        """
        if self.broken is not None:
            raise self.broken
        if self._closed:
            raise Unavailable(_CLOSED)
        records = [value_and_headers(output) for output in outputs]
        append = _Append(len(outputs))
        for index, (output, record) in enumerate(zip(outputs, records, strict=True)):
            try:
                await self._produce(append, output, *record)
            except Exception as failure:  # noqa: BLE001 - told when those before have arrived
                self._arrived(append, failure, len(outputs) - index)
                self._wake()  # the thread may have ended
                break
        await append.future

    async def _produce(
        self, append: _Append, output: Outgoing, value: bytes, headers: list[Any]
    ) -> None:
        """Hand a record to the client. Raises `ValueError`, `ClientBroken`, `Unavailable`."""

        def delivered(error: KafkaError | None, message: KafkaMessage) -> None:
            self._arrived(append, None if error is None else meaning(error), 1)

        while True:
            if self._closed:
                raise Unavailable(_CLOSED)
            try:
                with told():
                    self._client.produce(
                        self._prefix + output.topic,
                        value,
                        partition=output.partition,
                        headers=headers,
                        on_delivery=delivered,
                    )
                return
            except BufferError:  # back-pressure: the brokers are slower than we are
                await asyncio.sleep(_FULL_PAUSE_S)

    def _arrived(self, append: _Append, failure: Exception | None, count: int) -> None:
        with self._lock:
            append.left -= count
            append.failure = append.failure or failure
            if append.left == 0:
                self._done.append(append)

    def _noticed(self, error: KafkaError) -> None:
        if is_fatal(error):
            self.broken = ClientBroken(f"Kafka: {error.name()}: {error.str()}")

    def _work(self) -> None:
        while not self._ended:
            self._client.poll(_ROUND_S)
            self._wake()
        # Whatever was not taken in time is told to who waits for it.
        self._client.purge()
        self._client.flush(_ROUND_S)
        self._wake()
        try:
            self._client.close()
        except KafkaException:  # a client that broke
            return

    def _wake(self) -> None:
        with self._lock:
            done, self._done = self._done, []
        by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Append]] = defaultdict(list)
        for append in done:
            by_loop[append.loop].append(append)
        for loop, appends in by_loop.items():
            try:
                loop.call_soon_threadsafe(_resolve, appends)
            except RuntimeError:
                continue  # that loop was closed: nobody waits there any more

    async def close(self, within_s: float = 5.0) -> None:
        """Finish what was accepted, as far as the brokers take it within the time.

        What they did not take fails with `Unavailable` where somebody waits for it.
        """
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._client.flush, within_s)
        self._ended = True
        await asyncio.to_thread(self._thread.join, _END_WITHIN_S)


def _resolve(appends: Sequence[_Append]) -> None:
    for append in appends:
        if append.future.done():
            continue
        if append.failure is not None:
            append.future.set_exception(append.failure)
        else:
            append.future.set_result(None)
