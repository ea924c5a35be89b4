"""Transactions of a processor: outputs and consumed positions in one step, or neither (KIP-447).

One is open at a time. Two producers take turns, because a transaction right after another of the
same producer waits some 50 ms for the first one's markers (L13). Fencing rests on the group's
metadata, taken with the batch's poll (L11).
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log.clients import Config
from docaxis_adapters.kafka_log.producers import Producers
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Outgoing, Position

_log = structlog.get_logger(__name__)

_LOOK_S = 1.0
_END_WITHIN_S = 5.0


class Transactions:
    """The event loop's side: waits for `Producers`, and replaces those that are stuck."""

    def __init__(self, configs: Sequence[Config], prefix: str = "") -> None:
        """One configuration for each producer. Raises `ValueError`."""
        self._make: Callable[[], Producers] = partial(Producers, configs, prefix)
        self._producers = self._make()
        self._ready = False
        self._closed = False

    async def open(self) -> None:
        """End what an earlier process of this replica left open, and fence it (L13).

        Raises `Unavailable`, `ClientBroken`, `ValueError`.
        """
        await self._producers.thread.call(self._producers.init)
        self._ready = True

    async def commit(
        self, outputs: Sequence[Outgoing], places: Sequence[Place], metadata: Any
    ) -> list[Position]:
        """One transaction; see the port's `Consumer.commit`. Raises `ClientBroken`, too."""
        if not self._ready:
            await self.open()
        producers = self._producers
        committing = asyncio.ensure_future(
            producers.thread.call(lambda: producers.commit(outputs, list(places), metadata))
        )
        try:
            while not (await asyncio.wait({committing}, timeout=_LOOK_S))[0]:
                if producers.give_up_when_stuck():
                    self._replace()
                    raise Unavailable("the coordinator of the group does not answer")
            return committing.result()
        finally:
            committing.cancel()  # where nobody waits for it any more

    def _replace(self) -> None:
        """Leave the stuck clients to themselves: the new ones will fence them."""
        _log.warning("producers_replaced", reason="a commit was stuck")
        self._producers.thread.leave(self._producers.close)
        if not self._closed:
            self._producers = self._make()
            self._ready = False

    async def close(self) -> None:
        """End the thread; a transaction under way is finished first, within some seconds."""
        self._closed = True
        await self._producers.thread.end(self._producers.close, _END_WITHIN_S)
