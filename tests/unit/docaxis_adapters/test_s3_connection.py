"""Settings of the S3 client: what is refused, and which environment is not heard."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from docaxis_adapters.s3_files import S3FileStore
from docaxis_adapters.s3_files.connection import connect
from docaxis_eventsourcing.errors import Unavailable
from tests.servers import S3Settings, require_servers, s3_settings
from tools.cluster.fetch import versitygw
from tools.cluster.ports import reserve_ports
from tools.cluster.process import ServerProcess

KEYS: dict[str, Any] = {"region": "us-east-1", "access_key": "name", "secret_key": "not-to-be-told"}


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://s3.example.vn",
        "http://10.0.0.1:9000",
        "http://localhost.example.vn",
        "s3.example.vn",
        "ftp://127.0.0.1",
        "https://",
        "https://name:secret@s3.example.vn",
    ],
)
def test_an_endpoint_without_tls_or_with_credentials_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError) as refused:
        connect(endpoint, "bucket", **KEYS)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:1", "https://a.vn"]
)
def test_tls_or_loopback_is_accepted_and_the_secret_is_not_shown(endpoint: str) -> None:
    client = connect(endpoint, "bucket", prefix="axis/test", **KEYS)
    assert KEYS["secret_key"] not in f"{client!r} {client.config} {client.client_options}"


@pytest.mark.parametrize("prefix", ["/", "/a", "a/", "a//b", "../a", "a b", "a/.hidden"])
def test_a_prefix_that_is_none_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError):
        connect("https://a.vn", "bucket", prefix=prefix, **KEYS)


def test_a_ca_file_that_is_missing_or_holds_no_certificate_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        connect("https://a.vn", "bucket", ca_file=tmp_path / "none.pem", **KEYS)
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ValueError):
        connect("https://a.vn", "bucket", ca_file=tmp_path / "ca.pem", **KEYS)


async def test_a_store_that_is_away_is_told_at_the_opening(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as away:
        await S3FileStore.open("http://127.0.0.1:1", "bucket", cache_folder=tmp_path, **KEYS)
    assert "127.0.0.1:1" in str(away.value)
    assert "\n" not in str(away.value)


@pytest.mark.cluster
@pytest.mark.parametrize("wrong", ["bucket", "secret_key", "access_key"])
async def test_what_the_store_refuses_is_told_at_the_opening(tmp_path: Path, wrong: str) -> None:
    right = s3_settings()
    settings: dict[str, Any] = {
        "bucket": right.bucket,
        "region": right.region,
        "access_key": right.access_key,
        "secret_key": right.secret_key,
    }
    settings[wrong] = "wrong-but-long-enough"
    for _ in range(2):  # the folder is free again after a failure
        with pytest.raises(Unavailable) as refused:
            await S3FileStore.open(right.endpoint, cache_folder=tmp_path, **settings)
    assert right.secret_key not in str(refused.value)


@pytest.mark.cluster
async def test_the_environment_of_other_clients_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_SESSION_TOKEN": "other",
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_UNSIGNED_PAYLOAD": "true",
        "AWS_ENDPOINT": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_BUCKET": "other",
        "AWS_REGION": "other",
        "AWS_S3_EXPRESS": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "AWS_CONDITIONAL_PUT": "disabled",
    }.items():
        monkeypatch.setenv(name, value)
    settings = s3_settings()
    store = await S3FileStore.open(
        settings.endpoint,
        settings.bucket,
        region=settings.region,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        cache_folder=tmp_path,
        prefix=f"test-{uuid.uuid4().hex}",
    )
    staged = await store.stage("system", "upload")
    await staged.write(b"letter")
    assert await staged.finish() == await store.staged("system", "upload")
    await store.close()


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[S3Settings, Path]]:
    """A server with a certificate of a private authority, and the authority's certificate."""
    require_servers("s3")
    authority, certificate, key = _certificates(tmp_path)
    (port,) = reserve_ports(1)
    settings = S3Settings(f"https://127.0.0.1:{port}", "name", "secret-of-the-test", "docaxis")
    (tmp_path / "data" / settings.bucket).mkdir(parents=True)
    server = ServerProcess(
        "versitygw",
        [
            *(str(versitygw()), "--port", f"127.0.0.1:{port}", "--quiet"),
            *("--cert", str(certificate), "--key", str(key), "posix", str(tmp_path / "data")),
        ],
        tmp_path / "server.log",
        {"ROOT_ACCESS_KEY": settings.access_key, "ROOT_SECRET_KEY": settings.secret_key},
    )
    server.start()
    yield settings, authority
    server.kill()


def _certificates(folder: Path) -> tuple[Path, Path, Path]:
    """Files (PEM): the authority's certificate, the server's, and the server's key."""
    now = datetime.now(UTC)
    made: list[tuple[x509.Certificate, ec.EllipticCurvePrivateKey]] = []
    for name in ("authority", "server"):
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, issuer_key = made[0] if made else (None, key)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
            )
        )
        made.append((builder.sign(issuer_key, hashes.SHA256()), key))
    paths = (folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")
    for path, (certificate, _) in zip(paths, made, strict=False):
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[2].write_bytes(
        made[1][1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return paths


@pytest.mark.cluster
async def test_tls_needs_the_private_authority_s_certificate(
    tls_server: tuple[S3Settings, Path], tmp_path: Path
) -> None:
    settings, authority = tls_server

    async def open_store(ca_file: Path | None) -> S3FileStore:
        return await S3FileStore.open(
            settings.endpoint,
            settings.bucket,
            region=settings.region,
            access_key=settings.access_key,
            secret_key=settings.secret_key,
            cache_folder=tmp_path / "copies",
            ca_file=ca_file,
        )

    deadline = time.monotonic() + 30
    while True:
        try:
            store = await open_store(authority)
            break
        except Unavailable:  # the server is starting
            assert time.monotonic() < deadline
    await store.close()
    with pytest.raises(Unavailable):
        await open_store(None)
