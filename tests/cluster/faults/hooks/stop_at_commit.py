"""Lets a test stop a processor at the worst moment: it has decided, and has not committed.

Part of the tests alone: a `sitecustomize` beside this brings it into the processes that a test
starts. No setting of a service turns it on.
"""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from docaxis_adapters.kafka_log.member import KafkaConsumer
from docaxis_eventsourcing.ports.event_log import Batch, Outgoing, Position

ASKED = "stop-at-commit"
"""A file beside the processes' logs: whoever removes it stops itself."""


def install() -> None:
    """Replace the commit of this process's processors, whatever it is by now."""
    commit = KafkaConsumer.commit

    async def stopping(
        self: KafkaConsumer, batch: Batch, outputs: Sequence[Outgoing]
    ) -> Sequence[Position]:
        if outputs and _asked():
            os.kill(os.getpid(), signal.SIGSTOP)
        return await commit(self, batch, outputs)

    KafkaConsumer.commit = stopping  # type: ignore[method-assign]


def _asked() -> bool:
    try:
        Path(ASKED).unlink()
    except FileNotFoundError:
        return False
    return True
