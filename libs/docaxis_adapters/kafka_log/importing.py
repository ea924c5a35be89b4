"""An axis moved into a cluster: the mark of an import lies in the topic of the installation.

While an import is not finished no service opens the log (`Installation.check`). Records are written
in transactions under one transactional id, so that each slice is there whole or not at all, and an
importer that was stopped and wakes up behind another one is fenced.
"""

from collections.abc import Sequence
from typing import Self

from docaxis_adapters.kafka_log.appender import Appender
from docaxis_adapters.kafka_log.clients import appending, common, transacting
from docaxis_adapters.kafka_log.event_log import KafkaEventLog
from docaxis_adapters.kafka_log.failures import ClientBroken
from docaxis_adapters.kafka_log.installation import Installation, announce
from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_adapters.kafka_log.transactions import Transactions
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Outgoing

REPLICA = "import"


class KafkaNewHome:
    """The `NewHome` of `docaxis_moving`; made by `open`. Used on one event loop."""

    def __init__(self, log: KafkaEventLog, settings: KafkaSettings, export: str) -> None:
        self.log = log
        self._export = export
        self._base = common(settings, REPLICA)
        self._prefix = settings.kafka_topic_prefix
        self.begun = log.installation.importing == export
        self.finished = export in log.installation.imported
        ids = [f"{self._prefix}docaxis.{REPLICA}-{letter}" for letter in "ab"]
        configs = [transacting(self._base, each) for each in ids]
        self._transactions = Transactions(configs, self._prefix)

    @classmethod
    async def open(cls, settings: KafkaSettings, partitions: int, export: str) -> Self:
        """Connect, and make the installation where there is none; for one export (its digest).

        Raises `Unavailable`; `ValueError` where it has other partitions, another export is being
        imported, or the cluster cannot carry an axis.
        """
        log = await KafkaEventLog.open(
            settings, replica=REPLICA, partitions=partitions, importing=export
        )
        return cls(log, settings, export)

    async def begin(self, epoch: int) -> int:
        """Mark the installation and raise its epoch; once begun, that of the first time stays.

        From now on whoever began before writes nothing more: what is read then stays as it is.
        """
        try:
            await self._transactions.open()
        except ClientBroken as error:
            raise Unavailable(str(error)) from error
        if self.begun:
            return self.log.epoch
        await self._say(epoch, importing=self._export)
        return epoch

    async def load(self, outputs: Sequence[Outgoing]) -> None:
        """One transaction of records alone.

        Raises `Unavailable`, also where another import has begun since, or the result is not known:
        the same import again finds out.
        """
        try:
            await self._transactions.commit(outputs, (), None)
        except ClientBroken as error:
            raise Unavailable(str(error)) from error

    async def finish(self) -> None:
        """Let services start on it."""
        await self._say(self.log.epoch, imported=self._export)

    async def _say(self, epoch: int, **word: str) -> None:
        appender = Appender(appending(self._base), self._prefix)
        try:
            await announce(appender, Installation(self.log.partitions, epoch), **word)
        finally:
            await appender.close()

    async def close(self) -> None:
        """Free the clients. Never raises."""
        await self._transactions.close()
        await self.log.close()
