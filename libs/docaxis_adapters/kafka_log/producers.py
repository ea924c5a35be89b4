"""The two producers of one replica of a processor, on a thread of their own (L13, L14)."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as KafkaMessage
from confluent_kafka import Producer as Client
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log.client_thread import ClientThread
from docaxis_adapters.kafka_log.clients import OPERATION_S, Config
from docaxis_adapters.kafka_log.failures import ClientBroken, error_of, is_fatal, meaning, told
from docaxis_adapters.kafka_log.records import value_and_headers
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Outgoing, Position

_log = structlog.get_logger(__name__)

_AGAIN_S = 0.05
_SENT_WITHIN_S = 5.0
"""The positions of a batch: a coordinator answers within milliseconds, a new one within seconds."""


class Producers:
    """They take turns, one transaction after the other. Methods run on `thread`, unless told."""

    def __init__(self, configs: Sequence[Config], prefix: str) -> None:
        """One configuration for each producer, each with a `transactional.id` of its own.

        Anywhere. Raises `ValueError` for settings that are wrong.
        """
        self._prefix = prefix
        with told():
            self._clients = [Client(config) for config in configs]
        self._turn = 0
        self._lock = Lock()
        self._sending_since: float | None = None
        self._given_up = False
        self.thread = ClientThread("transactions", idle=self._serve)

    def init(self) -> None:
        """End what an earlier client of these names left open, and fence it.

        Raises `Unavailable`, `ClientBroken`, `ValueError`.
        """
        with told():
            for client in self._clients:
                self._again(partial(client.init_transactions, OPERATION_S), OPERATION_S)

    def commit(
        self, outputs: Sequence[Outgoing], places: list[Place], metadata: Any
    ) -> list[Position]:
        """One transaction; see the port's `Consumer.commit`. Raises `ClientBroken`, too.

        Without `metadata` it is of records alone: no group is asked.
        """
        client = self._clients[self._turn]
        self._turn = (self._turn + 1) % len(self._clients)
        written = _Written(outputs)
        with told():
            client.begin_transaction()
        try:
            written.produce(client, self._prefix)
            if metadata is not None:
                self._send(client, places, metadata)
            self._finish(client)
        except KafkaException as exception:
            error = error_of(exception)
            if not is_fatal(error):
                self._abort(client)
            raise meaning(error) from exception
        except ClientBroken:
            raise
        except Exception:  # a message that cannot be produced, for example
            self._abort(client)
            raise
        return written.positions()

    def give_up_when_stuck(self) -> bool:
        """Anywhere: whether the coordinator of the group did not answer in time.

        If so, nothing is committed any more. The client library waits without bound for a
        coordinator that it remembers and that has left the cluster (librdkafka 5456, 5511), until
        any broker comes or goes; new clients ask anew.
        """
        with self._lock:
            since = self._sending_since
            if since is not None and time.monotonic() - since > _SENT_WITHIN_S:
                self._given_up = True
            return self._given_up

    def close(self) -> None:
        """Free the clients."""
        for client in self._clients:
            try:
                client.close()
            except KafkaException as exception:  # it was fenced: nothing is left to close
                _log.debug("producer_not_closed", reason=error_of(exception).str())

    def _serve(self) -> None:
        for client in self._clients:
            client.poll(0)

    def _send(self, client: Client, places: list[Place], metadata: Any) -> None:
        """Positions, fenced by the group's metadata as of their poll (L11)."""
        with self._lock:
            self._sending_since = time.monotonic()
        try:
            send = partial(client.send_offsets_to_transaction, places, metadata, OPERATION_S)
            self._again(send, OPERATION_S)
        finally:
            with self._lock:
                self._sending_since = None
        if self._given_up:
            raise Unavailable("given up: the coordinator of the group did not answer")

    def _finish(self, client: Client) -> None:
        """Commit, asked again until the result is known (L12).

        Raises `KafkaException` where nothing was written, and `ClientBroken` where the log is
        closed before the result is known: who comes next finds in the log what became of it.
        """
        try:
            self._again(partial(client.commit_transaction, OPERATION_S), None)
        except KafkaException as exception:
            error = error_of(exception)
            if not error.retriable():
                raise
            text = f"closed while the result of a commit was not known: {error.str()}"
            raise ClientBroken(text) from exception

    def _again(self, step: Callable[[], Any], within_s: float | None) -> None:
        """A step that the client says can be tried again is, for so long; None: until known (L12).

        Raises `KafkaException`.
        """
        until = None if within_s is None else time.monotonic() + within_s
        while True:
            try:
                step()
                return
            except KafkaException as exception:
                late = until is not None and time.monotonic() >= until
                if late or self.thread.ending or not error_of(exception).retriable():
                    raise
                time.sleep(_AGAIN_S)

    def _abort(self, client: Client) -> None:
        """Nothing of it shall be seen. Where this cannot be said now, the cluster ends it (L13)."""
        try:
            self._again(partial(client.abort_transaction, OPERATION_S), None)
        except KafkaException as exception:
            error = error_of(exception)
            _log.warning("transaction_not_aborted", error=error.name(), reason=error.str())
            if is_fatal(error):
                raise meaning(error) from exception


class _Written:
    """The records of one transaction, and where each came to lie."""

    def __init__(self, outputs: Sequence[Outgoing]) -> None:
        self._outputs = outputs
        self._positions: list[Position | None] = [None] * len(outputs)
        self._failure: KafkaError | None = None

    def produce(self, client: Client, prefix: str) -> None:
        for index, output in enumerate(self._outputs):
            value, headers = value_and_headers(output)
            while True:
                try:
                    client.produce(
                        prefix + output.topic,
                        value,
                        partition=output.partition,
                        headers=headers,
                        on_delivery=partial(self._delivered, index),
                    )
                    break
                except BufferError:
                    client.poll(_AGAIN_S)

    def positions(self) -> list[Position]:
        """Behind each record, once the transaction was committed."""
        found = [each for each in self._positions if each is not None]
        if len(found) < len(self._positions):
            # A broker that came back may acknowledge what it has already, without its place.
            raise ClientBroken(
                f"the places of a committed transaction's records are not known: {self._failure}"
            )
        return found

    def _delivered(self, index: int, error: KafkaError | None, message: KafkaMessage) -> None:
        offset = message.offset()
        if error is not None or offset is None:
            self._failure = self._failure or error
            return
        version = self._outputs[index].message.envelope.sequence
        self._positions[index] = Position(version, offset + 1)
