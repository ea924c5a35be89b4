"""The log on Apache Kafka: idempotent appends, transactions of processors, consumer groups.

Start with `event_log` (the port), then `member` and `transactions` (a processor's exactly-once),
`partition_reader` (what is read, and what counts as read), `topics` (what a cluster must be like).
Threads: one a consumer (`client_thread`), one a processor's producers, one for appends.
"""

from docaxis_adapters.kafka_log.event_log import KafkaEventLog
from docaxis_adapters.kafka_log.failures import ClientBroken
from docaxis_adapters.kafka_log.importing import KafkaNewHome
from docaxis_adapters.kafka_log.settings import KafkaSettings

__all__ = ["ClientBroken", "KafkaEventLog", "KafkaNewHome", "KafkaSettings"]
