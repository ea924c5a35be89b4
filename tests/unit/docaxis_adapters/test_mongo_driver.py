"""Reaching MongoDB: drivers loaded late, TLS, addresses that stay secret, unfit servers."""

import asyncio
import datetime
import ssl
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from docaxis_adapters.mongo_store import MongoDriver, MongoReadStore, MongoTls
from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.event_log import Position
from docaxis_eventsourcing.ports.read_store import Changes, Row, RowRange, Table
from tests.contract.mongo_stores import fresh_database, mongo_store
from tests.servers import mongo_uri
from tests.unit.docaxis_adapters.mongo_proxy import mongo_proxy

SHORT_S = 1.0


@pytest.fixture(params=list(MongoDriver))
def driver(request: pytest.FixtureRequest) -> MongoDriver:
    found: MongoDriver = request.param
    return found


def test_no_driver_is_loaded_before_a_store_is_opened() -> None:
    code = (
        "import sys, docaxis_adapters.mongo_store;"
        "print([m for m in ('pymongo', 'motor', 'bson') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_other_driver_is_not_loaded() -> None:
    code = (
        "import asyncio, sys\n"
        "from docaxis_adapters.mongo_store import *\n"
        "from docaxis_adapters.mongo_store.driver import connect\n"
        "async def main():\n"
        "    client = connect(MongoDriver.PYMONGO, 'mongodb://127.0.0.1:1', tls=None,"
        " connect_timeout_s=1)\n"
        "    await client.close()\n"
        "asyncio.run(main())\n"
        "print('motor' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_a_server_that_is_away_is_unavailable_and_the_password_is_nowhere(
    driver: MongoDriver, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    address = "mongodb://reader:s3cr3t@127.0.0.1:1/?authSource=admin"
    with pytest.raises(Unavailable) as raised:
        await MongoReadStore.open(
            address, "docaxis", driver=driver, server_selection_timeout_s=SHORT_S
        )
    told = "".join([str(raised.value), repr(raised.value), caplog.text, *capfd.readouterr()])
    assert "127.0.0.1:1" in told and "s3cr3t" not in told


@pytest.mark.parametrize(
    "address",
    [
        "postgres://u:s3cr3t@host/",
        "mongodb://u:s3cr3t@ho:st:99999/",
        "mongodb://u:s3cr3t/x@host:27017/",
        "mongodb://u:p@s3cr3t@host/",
        "mongodb://u:s3cr3t@",
        "s3cr3t",
    ],
)
async def test_an_address_that_cannot_be_used_is_refused_and_not_quoted(
    driver: MongoDriver, address: str
) -> None:
    with pytest.raises(ValueError) as raised:
        await MongoReadStore.open(address, "docaxis", driver=driver)
    assert "s3cr3t" not in "".join(traceback.format_exception(raised.value))


async def test_a_tls_file_that_is_missing_is_named(tmp_path: Path) -> None:
    tls = MongoTls(ca_file=tmp_path / "none.pem")
    with pytest.raises(ValueError, match=r"none\.pem"):
        await MongoReadStore.open("mongodb://127.0.0.1:1", "docaxis", tls=tls)


async def test_tls_shows_the_clients_certificate_to_a_server_of_the_right_authority(
    tmp_path: Path, driver: MongoDriver
) -> None:
    ours, foreign = Authority.make(tmp_path / "ours"), Authority.make(tmp_path / "foreign")
    async with tls_server(ours) as (port, seen):

        async def reach(tls: MongoTls | None) -> None:
            with pytest.raises(Unavailable):  # it speaks TLS, and no MongoDB
                await MongoReadStore.open(
                    f"mongodb://localhost:{port}/?directConnection=true",
                    "docaxis",
                    driver=driver,
                    tls=tls,
                    server_selection_timeout_s=SHORT_S,
                )

        await reach(None)
        await reach(MongoTls(ours.file))
        await reach(MongoTls(foreign.file, ours.issue("docaxis-routing")))
        assert seen == []
        await reach(MongoTls(ours.file, ours.issue("docaxis-routing")))
        assert set(seen) == {"docaxis-routing"}


@pytest.mark.cluster
@pytest.mark.parametrize("hello", [{"setName": None}, {"maxWireVersion": 13}])
async def test_a_server_without_snapshots_is_refused_at_the_start(
    driver: MongoDriver, hello: dict[str, Any]
) -> None:
    def older(reply: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in {**reply, **hello}.items() if value is not None}

    async with mongo_proxy(await asyncio.to_thread(mongo_uri)) as proxy:
        proxy.answers["hello"] = older
        with pytest.raises(ValueError, match="replica set"):
            await MongoReadStore.open(proxy.address, "docaxis", driver=driver)


@pytest.mark.cluster
async def test_rows_over_16_mib_are_refused_and_large_pages_come_whole(driver: MongoDriver) -> None:
    async with fresh_database() as database:
        store = await mongo_store(database, driver)
        await store.declare("space", [Table("rows")])
        with pytest.raises(ValueError):
            await store.apply(
                "space", 0, None, Position(1, 1), {"rows": Changes((Row("k", bytes(2**24)),))}
            )
        assert await store.checkpoint("space", 0) is None
        at: Position | None = None
        for number in range(1, 4):  # 3 x 8 MiB: more than one answer holds
            rows = tuple(Row(f"{number}{i}", bytes(2**22)) for i in range(2))
            end = Position(number, number)
            await store.apply("space", 0, at, end, {"rows": Changes(rows)})
            at = end
        page = await store.range("space", "rows", RowRange("", limit=10))
        assert [(row.key, len(row.blob)) for row in page] == [
            (f"{number}{i}", 2**22) for number in range(1, 4) for i in range(2)
        ]
        assert len(await store.get("space", "rows", [row.key for row in page])) == 6
        await store.close()


@dataclass(frozen=True)
class Authority:
    """Issues certificates for a test."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate("authority", key.public_key(), "authority", key, is_ca=True)
        (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(key, certificate, folder)

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str) -> Path:
        """A file with a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key.public_key(), "authority", self.key, is_ca=False)
        file = self.folder / f"{name}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return file


def _certificate(
    name: str,
    public: ec.EllipticCurvePublicKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256())


@asynccontextmanager
async def tls_server(authority: Authority) -> AsyncIterator[tuple[int, list[str]]]:
    """Asks for certificates of the authority; tells the names that it was shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("localhost"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = dict(part[0] for part in writer.get_extra_info("peercert")["subject"])
        seen.append(subject["commonName"])
        writer.close()

    server = await asyncio.start_server(serve, "localhost", 0, ssl=context)
    yield server.sockets[0].getsockname()[1], seen
    server.close()
