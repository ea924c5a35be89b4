"""What was fixed when an axis was made on a cluster: its partition count, its key hash, its epoch.

One small topic keeps it for ever. Its first record says the count and the hash: services that
start at the same moment all write one, and all read the same. The highest epoch counts. An import
that was begun (`importing`) is under way until a record says that it was finished (`imported`).
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError
from confluent_kafka import TopicPartition as Place

from docaxis_adapters.kafka_log.appender import Appender
from docaxis_adapters.kafka_log.clients import OPERATION_S, Config, reading
from docaxis_adapters.kafka_log.failures import meaning, told
from docaxis_eventsourcing.envelope import Envelope, Message
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import FIRST_EPOCH, Outgoing

TOPIC = "docaxis.installation"
KEY_HASH = "blake2b-64"
"""Name of `docaxis_eventsourcing.topics.partition_of`."""
_FETCH_WAIT_MS = 20
_SLICE_S = 0.05


@dataclass(frozen=True, slots=True)
class Installation:
    """What must never change for an installation (L3), and the log's epoch (L4)."""

    partitions: int
    epoch: int = FIRST_EPOCH
    key_hash: str = KEY_HASH
    importing: str = ""
    """The export (its digest) that is being imported; empty where none is."""
    imported: frozenset[str] = frozenset()
    """Those whose import was finished."""

    def check(self, partitions: int, importing: str = "") -> None:
        """Raise `ValueError` where this process was configured for another installation, or the
        import of another export than `importing` is not finished."""
        if self.partitions != partitions:
            raise ValueError(
                f"this axis was made with {self.partitions} partitions and cannot be opened with"
                f" {partitions}: the count is fixed for an installation (L3)"
            )
        if self.key_hash != KEY_HASH:
            raise ValueError(
                f"this axis uses the key hash {self.key_hash}, this release {KEY_HASH}"
            )
        if self.importing not in ("", importing):
            raise ValueError(
                f"an export is being imported into this axis ({self.importing}): end that first,"
                " with the same `docaxis import` again"
            )


async def announce(appender: Appender, installation: Installation, **word: str) -> None:
    """Write what this process believes; where another came first, that one counts.

    `word` is `importing` or `imported`, with the digest of an export.
    """
    content: dict[str, object] = {
        "partitions": installation.partitions,
        "epoch": installation.epoch,
        "key_hash": installation.key_hash,
        **word,
    }
    data = json.dumps(content).encode()
    envelope = Envelope(
        id=f"installation-{time.time_ns()}",
        type="docaxis.kernel.v1.Installation",
        source="docaxis/kernel",
        time=time.time_ns() // 1_000_000,
    )
    await appender.append([Outgoing(TOPIC, 0, Message(envelope, data))])


def read(base: Config, prefix: str) -> Installation | None:
    """The installation as the cluster keeps it; None where there is none yet. Blocks.

    Raises `Unavailable`.
    """
    with told():
        client = Consumer(reading(base, f"{prefix}docaxis.installation", _FETCH_WAIT_MS))
        client.assign([Place(prefix + TOPIC, 0, OFFSET_BEGINNING)])
    try:
        return _of(_all(client))
    finally:
        client.close()


def _all(client: Consumer) -> list[bytes]:
    found: list[bytes] = []
    until = time.monotonic() + OPERATION_S
    while time.monotonic() < until:
        with told():
            message = client.poll(_SLICE_S)
        if message is None:
            continue
        error = message.error()
        if error is None:
            found.append(message.value() or b"")
        elif error.code() == KafkaError._PARTITION_EOF:
            return found
        else:
            raise meaning(error)
    raise Unavailable(f"{TOPIC} cannot be read")


def _of(records: Sequence[bytes]) -> Installation | None:
    if not records:
        return None
    told = [json.loads(each) for each in records]
    importing, imported = "", set[str]()
    for each in told:
        importing = str(each.get("importing", importing))
        if done := each.get("imported"):
            imported.add(str(done))
            importing = "" if importing == done else importing
    return Installation(
        int(told[0]["partitions"]),
        max(int(each["epoch"]) for each in told),
        str(told[0]["key_hash"]),
        importing,
        frozenset(imported),
    )
