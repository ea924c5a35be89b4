"""Settings of the Kafka log, and what the client library is given of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from docaxis_adapters.kafka_log.clients import appending, common, following, reading, transacting
from docaxis_adapters.kafka_log.settings import KafkaSettings, Mechanism, Protocol

PLAIN = KafkaSettings(kafka_servers="a:9092,b:9092")


def test_more_copies_in_sync_than_there_are_cannot_be() -> None:
    with pytest.raises(ValueError, match="DOCAXIS_KAFKA_MIN_INSYNC"):
        replace(PLAIN, kafka_replication=2, kafka_min_insync=3)


@pytest.mark.parametrize("protocol", [Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL])
@pytest.mark.parametrize("given", [{}, {"kafka_user": "axis"}, {"kafka_password_file": Path("p")}])
def test_a_sasl_protocol_wants_a_user_and_a_password(
    protocol: Protocol, given: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="DOCAXIS_KAFKA_PASSWORD_FILE"):
        replace(PLAIN, kafka_protocol=protocol, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given", [{"kafka_key_file": Path("k")}, {"kafka_certificate_file": Path("c")}]
)
def test_a_certificate_and_its_key_go_together(given: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="DOCAXIS_KAFKA_KEY_FILE"):
        replace(PLAIN, kafka_protocol=Protocol.SSL, **given)  # type: ignore[arg-type]


def test_without_tls_and_sasl_the_client_is_told_of_neither() -> None:
    config = common(PLAIN, "routing-0")
    assert config["bootstrap.servers"] == "a:9092,b:9092"
    assert config["client.id"] == "routing-0"
    assert config["security.protocol"] == "plaintext"
    assert not [key for key in config if key.startswith(("ssl.", "sasl."))]


def test_a_password_is_read_from_its_file_without_the_line_end(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(" p:ss \r\n")
    settings = replace(
        PLAIN,
        kafka_protocol=Protocol.SASL_SSL,
        kafka_user="axis",
        kafka_password_file=password,
        kafka_ca_file=tmp_path / "ca.pem",
    )
    config = common(settings, "routing-0")
    assert config["sasl.mechanism"] == Mechanism.SCRAM_SHA_512
    assert config["sasl.username"] == "axis"
    assert config["sasl.password"] == " p:ss "
    assert config["ssl.ca.location"] == str(tmp_path / "ca.pem")
    assert "p:ss" not in repr(settings)


def test_a_client_certificate_is_told_by_its_files(tmp_path: Path) -> None:
    settings = replace(
        PLAIN,
        kafka_protocol=Protocol.SSL,
        kafka_certificate_file=tmp_path / "c.pem",
        kafka_key_file=tmp_path / "k.pem",
    )
    config = common(settings, "routing-0")
    assert config["ssl.certificate.location"] == str(tmp_path / "c.pem")
    assert config["ssl.key.location"] == str(tmp_path / "k.pem")


def test_what_is_written_is_on_all_copies_in_sync() -> None:
    for config in (appending({}), transacting({}, "routing-0-a")):
        assert config["acks"] == "all"
        assert config["enable.idempotence"] is True


def test_L13_a_dead_processors_transaction_ends_within_ten_seconds() -> None:
    config = transacting({}, "routing-0-a")
    assert config["transactional.id"] == "routing-0-a"
    assert config["transaction.timeout.ms"] == 10_000
    assert config["delivery.timeout.ms"] <= config["transaction.timeout.ms"]


def test_L17_readers_see_what_is_committed_and_guess_no_place() -> None:
    for config in (reading({}, "tail", 50), following({}, "group")):
        assert config["isolation.level"] == "read_committed"
        assert config["auto.offset.reset"] == "error"
        assert config["enable.auto.commit"] is False
        assert config["enable.auto.offset.store"] is False


def test_L10_members_share_by_range_and_L13_have_no_instance_id() -> None:
    config = following({}, "group")
    assert config["group.protocol"] == "consumer"
    assert config["group.remote.assignor"] == "range"
    assert "group.instance.id" not in config
