"""`docaxis export` and `docaxis import`: the homes of both forms, opened for a move.

What is carried and how is `docaxis_moving`'s; here stands which adapters are behind it. A
standalone is its data folder, a cluster what the settings of its processes say (`DOCAXIS_KAFKA_*`,
`DOCAXIS_S3_*`).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_adapters.local_files import LocalFileStore
from docaxis_adapters.sqlite_log import SqliteEventLog, SqliteNewHome, installed_partitions
from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.running_service import Ports, RunningService
from docaxis_moving import Exported, Imported, MoveRefused, export_axis, import_axis
from docaxis_moving.exporting import Progress
from docaxis_moving.layout import Manifest, read_manifest
from docaxis_moving.new_home import NewHome
from docaxis_process.distributed_ports import distributed_files, distributed_ports
from docaxis_process.needs import Need
from docaxis_process.port_settings import S3Settings
from docaxis_process.settings import ProcessSettings
from docaxis_process.unused_port import unused
from docaxis_runtime.settings import LoadedSettings, load_all, load_settings
from docaxis_standalone.composition import compose_services
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.settings import StandaloneSettings
from docaxis_trust.jwk_set import public_jwk

_WHO = "moving"


async def export_from(data: Path | None, folder: Path, progress: Progress) -> Exported:
    """Carry the axis of a data folder, or for None the cluster's, into `folder`.

    Raises `FolderInUse` while a standalone runs on the data, `FileNotFoundError` where there is no
    log, `SettingsInvalid`, and as `export_axis`.
    """
    opened = _cluster_to_export() if data is None else _standalone_to_export(DataFolder(data))
    async with opened as (log, files):
        services = _services(log)
        for service in services:
            await service.declare_topics(log)
        return await export_axis(log, files, services, folder, progress)


async def import_into(
    data: Path | None, folder: Path, progress: Progress, expected: str = ""
) -> Imported:
    """Fill the axis of a data folder, or for None the cluster, with the export in `folder`.

    `expected`: the export's digest as it was told when it was made. Raises `FolderInUse`,
    `FileNotFoundError` for an export that was not finished, `ValueError` for a log that was made
    otherwise, `SettingsInvalid`, and as `import_axis`.
    """
    manifest, digest = read_manifest(folder)
    if expected and expected != digest:
        raise MoveRefused("other_export", f"this export is {digest}")
    opened = (
        _cluster_to_fill(manifest, digest)
        if data is None
        else _standalone_to_fill(DataFolder(data), manifest, digest)
    )
    async with opened as (home, files):
        return await import_axis(home, files, _services(home.log), folder, manifest, progress)


@asynccontextmanager
async def _standalone_to_export(folder: DataFolder) -> AsyncIterator[tuple[EventLog, FileStore]]:
    partitions = installed_partitions(folder.log)
    if partitions is None:
        raise FileNotFoundError(2, "there is no axis here", str(folder.log))
    async with AsyncExitStack() as closing:
        log = await SqliteEventLog.open(folder.log, partitions)
        closing.push_async_callback(log.close)
        files = await LocalFileStore.open(folder.files)
        closing.push_async_callback(files.close)
        yield log, files


@asynccontextmanager
async def _standalone_to_fill(
    folder: DataFolder, manifest: Manifest, digest: str
) -> AsyncIterator[tuple[NewHome, FileStore]]:
    folder.make()
    settings = load_settings(StandaloneSettings)
    async with AsyncExitStack() as closing:
        home = await SqliteNewHome.open(
            folder.log, manifest.partitions, digest, synchronous=settings.synchronous
        )
        closing.push_async_callback(home.close)
        files = await LocalFileStore.open(folder.files, threads=settings.file_threads)
        closing.push_async_callback(files.close)
        yield home, files


@asynccontextmanager
async def _cluster_to_export() -> AsyncIterator[tuple[EventLog, FileStore]]:
    settings = _cluster_settings()
    process = settings[ProcessSettings]
    async with distributed_ports(_WHO, process, settings, {Need.FILES}) as ports:
        yield ports.log, ports.files


@asynccontextmanager
async def _cluster_to_fill(
    manifest: Manifest, digest: str
) -> AsyncIterator[tuple[NewHome, FileStore]]:
    from docaxis_adapters.kafka_log import KafkaNewHome

    settings = _cluster_settings()
    home = await KafkaNewHome.open(settings[KafkaSettings], manifest.partitions, digest)
    try:
        async with distributed_files(_WHO, settings[ProcessSettings], settings) as files:
            yield home, files
    finally:
        await home.close()


def _cluster_settings() -> LoadedSettings:
    return load_all((ProcessSettings, KafkaSettings, S3Settings))


def _services(log: EventLog) -> list[RunningService]:
    """All services, for their topics and groups alone: nothing of them runs."""
    ports = Ports(
        log=log,
        store=unused(Need.STORE, _WHO),
        files=unused(Need.FILES, _WHO),
        secrets=unused(Need.SECRETS, _WHO),
        signer=_NoSigner(),
    )
    return list(compose_services(ports, DataFolder(Path())).values())


class _NoSigner:
    """Signs nothing: the signature service publishes some key as soon as it is composed."""

    key_id = ""

    def public_jwk(self) -> Mapping[str, str]:
        """Of a key that nobody keeps."""
        return public_jwk(Ed25519PrivateKey.generate().public_key())

    def sign(self, data: bytes) -> bytes:
        """Never."""
        raise RuntimeError("a move signs nothing")
