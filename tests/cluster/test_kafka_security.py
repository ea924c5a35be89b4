"""TLS and passwords: settings that are right work, and those that are wrong say what is wrong."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from structlog.testing import capture_logs

from docaxis_adapters.kafka_log import KafkaEventLog, KafkaSettings
from docaxis_adapters.kafka_log.settings import Mechanism, Protocol
from docaxis_eventsourcing.errors import Unavailable
from tests.cluster.private_servers import private
from tests.cluster.tls_files import KeyPair, self_signed
from tests.contract.messages import (
    COMMANDS,
    EVENTS,
    ids,
    next_batch,
    outgoing,
    read_to_end,
    take_all,
)
from tests.servers import KafkaCluster, require_servers

pytestmark = pytest.mark.cluster

_USER = "axis"
_PASSWORD = "right-5f1c9a"
_WRONG = "wrong-77d0e3"
_SECURITY = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class Site:
    """One broker with a listener for passwords and one for client certificates."""

    cluster: KafkaCluster
    folder: Path

    def file(self, name: str, text: str) -> Path:
        """A file of the process that is to connect."""
        path = self.folder / name
        path.write_text(text)
        return path

    def with_password(self, mechanism: Mechanism, password: str = _PASSWORD) -> KafkaSettings:
        """Settings that are right but for the password, where another one is given."""
        return KafkaSettings(
            kafka_servers=self.cluster.bootstrap_of("SASL_SSL"),
            kafka_replication=1,
            kafka_min_insync=1,
            kafka_protocol=Protocol.SASL_SSL,
            kafka_ca_file=self.folder / "authority.pem",
            kafka_sasl_mechanism=mechanism,
            kafka_user=_USER,
            kafka_password_file=self.file("password", f"{password}\n"),
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    require_servers("kafka")
    folder = tmp_path_factory.mktemp("site")
    broker, client = self_signed(), self_signed()
    cluster = KafkaCluster(
        folder / "kafka",
        brokers=1,
        protocols=["SASL_SSL", "SSL"],
        extra=_listeners(broker, client),
    )
    found = Site(cluster, folder)
    found.file("authority.pem", broker.certificate)
    found.file("stranger.pem", self_signed().certificate)
    found.file("client.pem", client.certificate)
    found.file("client.key", client.key)
    with private(cluster):
        yield found


def _listeners(broker: KeyPair, client: KeyPair) -> dict[str, str]:
    listener = "listener.name.sasl_ssl"
    plain = f"{_SECURITY}.plain.PlainLoginModule"
    scram = f"{_SECURITY}.scram.ScramLoginModule"
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": broker.certificate,
        "ssl.keystore.key": broker.key,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": client.certificate,
        "listener.name.ssl.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        f"{listener}.plain.sasl.jaas.config": f'{plain} required user_{_USER}="{_PASSWORD}";',
        f"{listener}.scram-sha-512.sasl.jaas.config": f"{scram} required;",
    }


async def opened(settings: KafkaSettings) -> KafkaEventLog:
    return await KafkaEventLog.open(settings, replica="test", partitions=1)


async def work(settings: KafkaSettings) -> None:
    """Every kind of client once: admin, appends, a member, its transaction, a tail."""
    log = await opened(settings)
    await log.declare((COMMANDS, EVENTS))
    await log.append([outgoing("command")])
    member = await log.join("processor", (COMMANDS,), transactional=True)
    await take_all(member, log.partitions)
    batch = await next_batch(member)
    await member.commit(batch, [outgoing("event", topic=EVENTS, sequence=1)])
    assert ids(await read_to_end(log, EVENTS, 0))[-1] == "event"
    await log.close()


def give_scram_password(cluster: KafkaCluster) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    given = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    wanted = UserScramCredentialUpsertion(_USER, given, _PASSWORD.encode())
    for each in admin.alter_user_scram_credentials([wanted]).values():
        each.result()


async def test_a_user_with_a_password_over_tls(site: Site) -> None:
    await work(site.with_password(Mechanism.PLAIN))


async def test_a_user_that_the_brokers_learn_of_later_is_waited_for(site: Site) -> None:
    """Why it is `Unavailable`: nothing has to change on our side."""
    settings = site.with_password(Mechanism.SCRAM_SHA_512)
    with pytest.raises(Unavailable, match="_AUTHENTICATION"):
        await opened(settings)
    give_scram_password(site.cluster)
    await work(settings)


async def test_a_client_certificate_over_tls(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = KafkaSettings(
        kafka_servers=site.cluster.bootstrap_of("SSL"),
        kafka_replication=1,
        kafka_min_insync=1,
        kafka_protocol=Protocol.SSL,
        kafka_ca_file=site.folder / "authority.pem",
        kafka_certificate_file=site.folder / "client.pem",
        kafka_key_file=site.folder / "client.key",
    )
    await work(settings)
    monkeypatch.setattr("docaxis_adapters.kafka_log.administration.OPERATION_S", 2.0)
    with pytest.raises(Unavailable, match=r"SSL|certificate|Disconnected"):
        await opened(replace(settings, kafka_certificate_file=None, kafka_key_file=None))


async def test_a_wrong_password_is_told_and_no_password_is(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = site.with_password(Mechanism.PLAIN, _WRONG)
    with (
        caplog.at_level(logging.DEBUG),
        capture_logs() as told,
        pytest.raises(Unavailable, match=r"_AUTHENTICATION.*Invalid username or password") as away,
    ):
        await opened(settings)
    await work(site.with_password(Mechanism.PLAIN))
    said = f"{caplog.text} {told} {capfd.readouterr()} {away.value!r} {settings!r}"
    assert said.count("Invalid username or password") >= 2, "it was told, and in the log"
    assert _WRONG not in said
    assert _PASSWORD not in said


async def test_an_authority_that_did_not_sign_the_brokers_certificate_is_told(site: Site) -> None:
    settings = replace(
        site.with_password(Mechanism.PLAIN), kafka_ca_file=site.folder / "stranger.pem"
    )
    with pytest.raises(Unavailable, match="certificate verify failed"):
        await opened(settings)


async def test_an_authority_that_cannot_be_read_is_a_wrong_setting(site: Site) -> None:
    right = site.with_password(Mechanism.PLAIN)
    for path in (site.folder / "missing.pem", site.file("empty.pem", "")):
        with pytest.raises(ValueError, match=r"ssl\.ca\.location"):
            await opened(replace(right, kafka_ca_file=path))
