"""The admin client of a log, and what stood last between it and the brokers, in words.

A request that fails says no more than that it got no answer: why (a wrong password, an authority
that is not known) the client tells beside it.
"""

import time
from typing import Any

from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource, ResourceType

from docaxis_adapters.kafka_log.clients import OPERATION_S, Config
from docaxis_adapters.kafka_log.failures import meaning, told
from docaxis_eventsourcing.errors import Unavailable

_SLICE_S = 0.5
_REFUSED = {KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED}
"""The broker is there, and one of the two does not trust the other."""


class Administration:
    """Blocking calls but for `client`'s futures: run them beside the event loop."""

    def __init__(self, base: Config) -> None:
        """Raises `ValueError` for settings that are wrong, a certificate that cannot be read."""
        self._refusal: KafkaError | None = None
        with told():
            config: dict[str, Any] = {**base, "error_cb": self._noticed}
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
            except Unavailable:
                self.serve()
                if self._refusal is not None:
                    raise meaning(self._refusal) from None
                if time.monotonic() >= until:
                    raise

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

    def _noticed(self, error: KafkaError) -> None:
        if error.code() in _REFUSED:
            self._refusal = error
