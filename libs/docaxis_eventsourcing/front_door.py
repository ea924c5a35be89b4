"""How a command gets in and its outcome out: durable before answered, and an answer is a decision.

`ask` appends the command (synced, `acks=all`) and waits for its outcome, which the processor
writes to the partition of the outcomes topic that this replica reads (L7).
"""

import asyncio
import time
from collections.abc import Callable

from docaxis_eventsourcing.decider import Command
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_eventsourcing.outcomes import as_repeat
from docaxis_eventsourcing.parts import PartHealth, backoff, until_available
from docaxis_eventsourcing.ports.event_log import EventLog, Outgoing
from docaxis_eventsourcing.processor import wall_clock
from docaxis_eventsourcing.topics import Lane, ServiceTopics
from docaxis_proto.kernel_v1_pb2 import Outcome

MAX_MESSAGE = 256 * 1024
"""Bytes: no message is larger (L9)."""
DEFAULT_WAIT_S = 2.0
_LOST_AFTER_WAITS = 15


class _Lag:
    """What this door asked of one partition of one lane and has not yet heard of.

    A partition's lane is decided in order, so an outcome tells that all asked before it is decided,
    too: one that was lost, or that nobody wrote (`NotYet`), does not count for ever.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, float] = {}  # command id -> asked when, in that order

    def asked(self, command_id: str) -> None:
        self._waiting.setdefault(command_id, time.monotonic())

    def not_asked(self, command_id: str) -> None:
        self._waiting.pop(command_id, None)

    def heard(self, command_id: str) -> None:
        while command_id in self._waiting:
            del self._waiting[next(iter(self._waiting))]

    def forget(self) -> None:
        self._waiting.clear()

    def seconds(self) -> float:
        if not self._waiting:
            return 0.0
        return time.monotonic() - next(iter(self._waiting.values()))


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
        self._lags: dict[tuple[int, Lane], _Lag] = {}
        self._listening = asyncio.Event()
        self.health = PartHealth(f"{topics.service}.front_door")

    async def run(self) -> None:
        """Listen for outcomes; ends only by cancellation."""
        topic, partition = self._topics.outcomes, self._outcomes_partition
        at = await until_available(
            self.health, "opening outcomes", lambda: self._event_log.end(topic, partition)
        )
        retry = backoff(self.health, "listening for outcomes")
        async for _ in retry:
            tail = self._event_log.tail(topic, {partition: at})
            self._listening.set()
            self.health.working()
            try:
                while True:
                    records = await tail.next(500, 5.0)
                    retry.reset()
                    for record in records:
                        self._heard(Outcome.FromString(record.data))
            except Unavailable as error:
                self.health.waiting(str(error))
                at = tail.reached(partition)  # go on from there: no outcome is missed
            finally:
                await tail.close()

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
        patience_s = self._wait_s if wait_s is None else wait_s
        await self._until_listening()
        lag = self._lags.setdefault((partition, lane), _Lag())
        self._refuse_when_lagging(lag)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command_id, []).append(future)
        lag.asked(command_id)
        try:
            await self._append(command, command_id, partition, actor, lane)
        except BaseException:
            lag.not_asked(command_id)
            self._forget(command_id, future)
            raise
        try:
            async with asyncio.timeout(patience_s):
                return await future
        except TimeoutError:
            return None
        finally:
            self._forget(command_id, future)

    async def ask_decided(
        self,
        command: Command,
        *,
        command_id: str,
        partition: int,
        actor: str = "",
        lane: Lane = Lane.NORMAL,
    ) -> Outcome:
        """As `ask`, for calls that answer with the decision or not at all.

        Raises `DocaxisError` `deadline_exceeded` where it was not decided within the wait: the
        command is durable, and the same again is answered with its decision.
        """
        outcome = await self.ask(
            command, command_id=command_id, partition=partition, actor=actor, lane=lane
        )
        if outcome is None:
            raise DocaxisError("deadline_exceeded", retry_after_s=1.0)
        return outcome

    async def _until_listening(self) -> None:
        if self._listening.is_set():
            return
        try:
            async with asyncio.timeout(max(self._wait_s, DEFAULT_WAIT_S)):
                await self._listening.wait()
        except TimeoutError:
            raise Unavailable("this door does not hear outcomes yet") from None

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

    def _refuse_when_lagging(self, lag: _Lag) -> None:
        behind = lag.seconds()
        if behind > _LOST_AFTER_WAITS * self._wait_s:
            lag.forget()  # asked so long ago that its outcome may be lost: try the water
        elif behind > self._wait_s:
            raise DocaxisError("busy", retry_after_s=max(1.0, behind))

    def _heard(self, outcome: Outcome) -> None:
        for lane in self._topics.lanes:
            if lag := self._lags.get((outcome.partition, lane)):
                lag.heard(outcome.command_id)
        waiting = [each for each in self._waiting.get(outcome.command_id, ()) if not each.done()]
        for index, future in enumerate(waiting):  # who asked the same meanwhile asked again
            future.set_result(as_repeat(outcome) if index else outcome)

    def _forget(self, command_id: str, future: "asyncio.Future[Outcome]") -> None:
        futures = self._waiting.get(command_id, [])
        if future in futures:
            futures.remove(future)
        if not futures:
            self._waiting.pop(command_id, None)
