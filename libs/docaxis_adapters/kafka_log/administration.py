"""The admin client of a log, and what stood last between it and the brokers, in words.

A request that fails says no more than that it got no answer: why (a wrong password, an authority
that is not known) the client tells beside it.
"""

import asyncio
import time
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource, ResourceType

from docaxis_adapters.kafka_log.clients import OPERATION_S, Config
from docaxis_adapters.kafka_log.failures import meaning, told
from docaxis_eventsourcing.errors import Unavailable

_SLICE_S = 0.5
_REFUSED = {KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED}
"""The broker is there, and one of the two does not trust the other."""


async def answer_of(asked: Future[Any]) -> Any:
    """Wait for an answer of the admin client.

    Who waits may be cancelled, the request may not: the client's thread sets its result later, and
    a cancelled future there takes the process down.
    """
    return await asyncio.shield(asyncio.wrap_future(asked))


class Administration:
    """Blocking calls but for `client`'s futures: run them beside the event loop."""

    def __init__(self, base: Config) -> None:
        """Raises `ValueError` for settings that are wrong, a certificate that cannot be read."""
        self._refusal: KafkaError | None = None
        self._complaint: KafkaError | None = None
        config: dict[str, Any] = {**base, "error_cb": self._noticed}
        with told():
            self.client = AdminClient(config)

    def cluster(self) -> ClusterMetadata:
        """The brokers and topics that the cluster knows.

        Raises `Unavailable` with the reason, soon where we are refused. It is no `ValueError`: the
        other side of a password or certificate is set by other people at another moment, and a
        process that waits, and says for what, goes on when both agree.
        """
        until = time.monotonic() + OPERATION_S
        while True:
            try:
                with told():
                    return self.client.list_topics(timeout=_SLICE_S)
            except Unavailable as error:
                self.serve()
                if self._refusal is not None:
                    raise meaning(self._refusal) from None
                if time.monotonic() >= until:
                    raise Unavailable(f"{error}{self._because()}") from error

    def described(self, kind: ResourceType, name: str) -> dict[str, str | None]:
        """The configuration of a broker or topic. Raises `Unavailable`, `ValueError`."""
        resource = ConfigResource(kind, name)
        with told():
            (future,) = self.client.describe_configs(
                [resource], request_timeout=OPERATION_S
            ).values()
            return {key: entry.value for key, entry in future.result().items()}

    def serve(self) -> None:
        """Take what the client has to say; its log lines wait for this, too. Never blocks."""
        self.client.poll(0)

    def _because(self) -> str:
        return "" if self._complaint is None else f" ({self._complaint.str()})"

    def _noticed(self, error: KafkaError) -> None:
        if error.code() in _REFUSED:
            self._refusal = error
        elif error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._complaint = error
