"""How a command gets in and its outcome out: durable before answered, and an answer is a decision.

`ask` appends the command (synced, `acks=all`) and waits for its outcome, which the processor
writes to the partition of the outcomes topic that this replica reads (L7).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from docaxis_eventsourcing.decider import Command
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.parts import PartHealth, backoff
from docaxis_eventsourcing.ports.event_log import EventLog, Outgoing
from docaxis_eventsourcing.processor import wall_clock
from docaxis_eventsourcing.topics import Lane, ServiceTopics
from docaxis_proto.kernel_v1_pb2 import Outcome

MAX_MESSAGE = 256 * 1024
"""Bytes: no message is larger (L9)."""
DEFAULT_WAIT_S = 2.0


@dataclass(slots=True)
class _Lag:
    """What this door has asked of one partition and not yet heard of: command id -> since when."""

    waiting: dict[str, float] = field(default_factory=dict)

    def seconds(self, now: float) -> float:
        return now - next(iter(self.waiting.values())) if self.waiting else 0.0


class FrontDoor:
    """One replica's way into its service's command topics. Start `run` before asking."""

    def __init__(
        self,
        log: EventLog,
        topics: ServiceTopics,
        codec: MessageCodec,
        *,
        outcomes_partition: int = 0,
        wait_s: float = DEFAULT_WAIT_S,
        clock: Callable[[], int] = wall_clock,
        traceparent: Callable[[], str] = str,
    ) -> None:
        self._event_log = log
        self._topics = topics
        self._codec = codec
        self._outcomes_partition = outcomes_partition
        self._wait_s = wait_s
        self._clock = clock
        self._traceparent = traceparent
        self._waiting: dict[str, list[asyncio.Future[Outcome]]] = {}
        self._lags: dict[int, _Lag] = {}
        self._listening = asyncio.Event()
        self.health = PartHealth(f"{topics.service}.front_door")

    async def run(self) -> None:
        """Listen for outcomes; ends only by cancellation."""
        topic, partition = self._topics.outcomes, self._outcomes_partition
        async for _ in backoff(self.health, "listening for outcomes"):
            try:
                tail = self._event_log.tail(
                    topic, {partition: await self._event_log.end(topic, partition)}
                )
                self._listening.set()
                self.health.working()
                while True:
                    for record in await tail.next(500, 5.0):
                        self._heard(Outcome.FromString(record.data))
            except Unavailable as error:
                self.health.waiting(str(error))

    async def ask(
        self,
        command: Command,
        *,
        command_id: str,
        partition: int,
        actor: str = "",
        lane: Lane = Lane.NORMAL,
        wait_s: float | None = None,
    ) -> Outcome | None:
        """Append the command and wait for its outcome; None when it is durable but not decided.

        Raises `Unavailable` where it could not be made durable, `DocaxisError` `busy` where the
        partition lags beyond the wait (L23: nothing was written).
        """
        await self._listening.wait()
        self._refuse_when_lagging(partition)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command_id, []).append(future)
        lag = self._lags.setdefault(partition, _Lag())
        lag.waiting.setdefault(command_id, time.monotonic())
        try:
            await self._append(command, command_id, partition, actor, lane)
        except BaseException:
            lag.waiting.pop(command_id, None)
            self._forget(command_id, future)
            raise
        try:
            async with asyncio.timeout(self._wait_s if wait_s is None else wait_s):
                return await future
        except TimeoutError:
            return None
        finally:
            self._forget(command_id, future)

    async def _append(
        self, command: Command, command_id: str, partition: int, actor: str, lane: Lane
    ) -> None:
        name, data = self._codec.encode(command)
        if len(data) > MAX_MESSAGE:
            raise DocaxisError("request_too_large", {"limit": str(MAX_MESSAGE)})
        envelope = Envelope(
            id=command_id,
            type=name,
            source=f"docaxis/{self._topics.service}",
            time=self._clock(),
            correlation_id=command_id,
            reply_to=self._outcomes_partition,
            actor=actor,
            traceparent=self._traceparent(),
        )
        await self._event_log.append(
            [Outgoing(self._topics.commands(lane), partition, Message(envelope, data))]
        )

    def _refuse_when_lagging(self, partition: int) -> None:
        lag = self._lags.get(partition)
        if lag is None:
            return
        behind = lag.seconds(time.monotonic())
        if behind > 15 * self._wait_s:
            lag.waiting.clear()  # asked so long ago that its outcome may be lost: try the water
        elif behind > self._wait_s:
            raise DocaxisError("busy", retry_after_s=max(1.0, behind))

    def _heard(self, outcome: Outcome) -> None:
        lag = self._lags.get(outcome.partition)
        if lag is not None:
            lag.waiting.pop(outcome.command_id, None)
        for future in self._waiting.get(outcome.command_id, ()):
            if not future.done():
                future.set_result(outcome)

    def _forget(self, command_id: str, future: "asyncio.Future[Outcome]") -> None:
        futures = self._waiting.get(command_id, [])
        if future in futures:
            futures.remove(future)
        if not futures:
            self._waiting.pop(command_id, None)
