"""The distributed adapters behind a service's ports: Kafka, MongoDB, S3, mounted files.

All are opened at once, each tried again without bound while it is away. What a service does not
need is neither imported nor opened; what it needs is imported beside the loop, which has health to
answer meanwhile (client libraries take a second or two of CPU).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module

import structlog

from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.ports.read_store import ReadStore
from docaxis_eventsourcing.ports.secrets import Secrets
from docaxis_eventsourcing.ports.signer import Signer
from docaxis_eventsourcing.running_service import Ports
from docaxis_eventsourcing.topics import partition_of
from docaxis_process.needs import Need
from docaxis_process.port_settings import (
    MongoSettings,
    ReceiptKeySettings,
    S3Settings,
    SecretsSettings,
)
from docaxis_process.settings import ProcessSettings
from docaxis_process.unused_port import unused
from docaxis_process.waiting import until_there
from docaxis_runtime.settings import LoadedSettings, read_secret
from docaxis_runtime.telemetry import inject_traceparent, watched_log, watched_store
from docaxis_runtime.together import all_or_none

_CLOSE_WITHIN_S = 5.0

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def distributed_ports(
    service: str,
    process: ProcessSettings,
    settings: LoadedSettings,
    needs: Collection[Need],
    *,
    views_kept_s: float = 0.0,
) -> AsyncIterator[Ports]:
    """Open what a service needs, and close it in reverse.

    Raises `ValueError` where the cluster cannot do what is needed or disagrees with the settings,
    `OSError` for secrets that cannot be read.
    """
    async with AsyncExitStack() as closing:
        opener = _Opener(service, process, settings, closing)
        log, store, files = await all_or_none(
            opener.log(),
            opener.store() if Need.STORE in needs else _unused(Need.STORE, service),
            opener.files() if Need.FILES in needs else _unused(Need.FILES, service),
        )
        yield Ports(
            log=log,
            store=watched_store(store),
            files=files,
            secrets=opener.secrets() if Need.SECRETS in needs else unused(Need.SECRETS, service),
            signer=opener.signer() if Need.SIGNER in needs else unused(Need.SIGNER, service),
            outcomes_partition=partition_of(process.replica_name, process.partitions),
            views_kept_s=views_kept_s,
            traceparent=inject_traceparent,
        )


async def _unused(need: Need, service: str) -> object:
    return unused(need, service)


@dataclass(frozen=True, slots=True)
class _Opener:
    """Opens one port after the other; adapters are imported when they are wanted."""

    service: str
    process: ProcessSettings
    settings: LoadedSettings
    closing: AsyncExitStack

    async def log(self) -> EventLog:
        await _imported("docaxis_adapters.kafka_log")
        from docaxis_adapters.kafka_log import KafkaEventLog

        kafka = self.settings[KafkaSettings]
        opened = await until_there(
            "kafka",
            kafka.kafka_servers,
            lambda: KafkaEventLog.open(
                kafka, partitions=self.process.partitions, replica=self._replica()
            ),
        )
        log = watched_log(opened)
        self._close_later("kafka", log.close)
        return log

    async def store(self) -> ReadStore:
        mongo = self.settings[MongoSettings]
        await _imported("docaxis_adapters.mongo_store", mongo.mongo_driver.value)
        from docaxis_adapters.mongo_store import MongoReadStore, MongoTls

        address = mongo.address()
        files = (mongo.mongo_ca_file, mongo.mongo_certificate_file)
        tls = MongoTls(*files) if any(files) else None
        store = await until_there(
            "mongodb",
            mongo.hosts(),
            lambda: MongoReadStore.open(
                address,
                mongo.mongo_database or f"docaxis_{self.service}",
                driver=mongo.mongo_driver,
                hint_indexes=mongo.mongo_hint_indexes,
                tls=tls,
            ),
        )
        self._close_later("mongodb", store.close)
        return store

    async def files(self) -> FileStore:
        await _imported("docaxis_adapters.s3_files")
        from docaxis_adapters.s3_files import S3FileStore

        s3 = self.settings[S3Settings]
        access_key = read_secret(s3.s3_access_key_file).decode()
        secret_key = read_secret(s3.s3_secret_key_file).decode()
        files = await until_there(
            "s3",
            s3.s3_endpoint,
            lambda: S3FileStore.open(
                s3.s3_endpoint,
                s3.s3_bucket,
                region=s3.s3_region,
                access_key=access_key,
                secret_key=secret_key,
                prefix=s3.s3_prefix,
                virtual_hosted_style=s3.s3_virtual_hosts,
                cache_folder=s3.s3_cache_folder / self._replica(),
                cache_bytes=s3.s3_cache_bytes,
                ca_file=s3.s3_ca_file,
            ),
        )
        self._close_later("s3", files.close)
        return files

    def secrets(self) -> Secrets:
        from docaxis_adapters.file_secrets import FileSecrets

        return FileSecrets(self.settings[SecretsSettings].secrets_folder)

    def signer(self) -> Signer:
        from docaxis_trust.key_file_signer import KeyFileSigner

        return KeyFileSigner(self.settings[ReceiptKeySettings].receipt_key_file)

    def _replica(self) -> str:
        """Of this service: the host's name alone may be that of several."""
        name = self.process.replica_name
        return name if name.startswith(self.service) else f"{self.service}-{name}"

    def _close_later(self, part: str, close: Callable[[], Awaitable[None]]) -> None:
        self.closing.push_async_callback(_close, part, close)


async def _imported(*modules: str) -> None:
    """Have modules loaded, so that naming them costs nothing."""
    for module in modules:
        await asyncio.to_thread(import_module, module)


async def _close(part: str, close: Callable[[], Awaitable[None]]) -> None:
    """One that hangs or fails keeps the others from nothing."""
    try:
        async with asyncio.timeout(_CLOSE_WITHIN_S):
            await close()
    except TimeoutError:
        _log.error("adapter_did_not_close", part=part, seconds=_CLOSE_WITHIN_S)
    except Exception as error:  # noqa: BLE001 - the others must still be closed
        _log.error("adapter_failed_to_close", part=part, exc_info=error)
