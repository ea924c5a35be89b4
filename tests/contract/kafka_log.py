"""A log on the session's real Kafka, for one test: topics under a prefix of their own."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from confluent_kafka.admin import AdminClient

from docaxis_adapters.kafka_log import KafkaEventLog, KafkaSettings
from tests.servers import kafka_bootstrap


@asynccontextmanager
async def fresh_topics() -> AsyncIterator[str]:
    """A prefix that no topic has yet; all its topics are deleted at the end."""
    prefix = f"test-{uuid.uuid4().hex[:12]}."
    servers = await asyncio.to_thread(kafka_bootstrap)
    yield prefix
    await asyncio.to_thread(_delete_topics, servers, prefix)


async def kafka_log(prefix: str, replica: str = "test-0", partitions: int = 12) -> KafkaEventLog:
    """Open a log on the session's cluster; one copy of each partition is enough for a test."""
    settings = KafkaSettings(
        kafka_servers=await asyncio.to_thread(kafka_bootstrap),
        kafka_topic_prefix=prefix,
        kafka_replication=1,
        kafka_min_insync=1,
    )
    return await KafkaEventLog.open(settings, replica=replica, partitions=partitions)


def _delete_topics(servers: str, prefix: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    topics = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    for future in admin.delete_topics(topics).values() if topics else ():
        future.result()
