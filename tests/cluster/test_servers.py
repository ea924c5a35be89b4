"""The servers of `tools/cluster` really answer, and keep their data over a kill.

Faults of docaxis on them are other tests' matter; here the servers themselves are tried.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import obstore
import pytest
from confluent_kafka import Producer
from obstore.exceptions import AlreadyExistsError, BaseError
from pymongo import MongoClient, WriteConcern
from pymongo.errors import PyMongoError

from tests.cluster.kafka_clients import (
    broker_settings,
    group_protocol_error,
    make_topic,
    read_all,
    write,
)
from tests.cluster.private_servers import eventually, private
from tests.cluster.tls_files import KeyPair, self_signed
from tests.servers import (
    KafkaCluster,
    MongoServer,
    S3Server,
    S3Settings,
    require_servers,
)
from tools.cluster.errors import ClusterError
from tools.cluster.kafka_config import settings

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

_IMPATIENT = {
    "request.timeout.ms": 2000,
    "socket.timeout.ms": 2000,
    "api.version.request.timeout.ms": 1000,
}
"""Of a client that asks another broker soon when one does not answer."""


def documents(address: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(address, serverSelectionTimeoutMS=2000, socketTimeoutMS=2000)


def test_shared_kafka_keeps_aborted_records_from_readers(kafka: str, own_name: str) -> None:
    make_topic(kafka, own_name)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": own_name, "log_level": 0})
    producer.init_transactions(30)
    for value, end in (
        ("aborted", producer.abort_transaction),
        ("kept", producer.commit_transaction),
    ):
        producer.begin_transaction()
        producer.produce(own_name, value, partition=0)
        producer.flush(30)
        end(30)
    assert read_all(kafka, own_name, 1) == ["kept"]


def test_shared_mongo_has_transactions(mongo: str, own_name: str) -> None:
    with documents(mongo) as client:
        rows = client[own_name].get_collection("rows", write_concern=WriteConcern("majority"))
        rows.insert_one({"_id": 1, "n": 0})
        with client.start_session() as session:
            with pytest.raises(ZeroDivisionError), session.start_transaction():
                rows.update_one({"_id": 1}, {"$set": {"n": 1}}, session=session)
                raise ZeroDivisionError
            assert rows.find_one({"_id": 1}) == {"_id": 1, "n": 0}
            with session.start_transaction():
                rows.update_one({"_id": 1}, {"$inc": {"n": 2}}, session=session)
        assert rows.find_one({"_id": 1}) == {"_id": 1, "n": 2}
        client.drop_database(own_name)


def test_shared_s3_refuses_to_create_a_key_twice(s3: S3Settings, own_name: str) -> None:
    store = s3.store()
    obstore.put(store, f"{own_name}/a", b"first", mode="create")
    with pytest.raises(AlreadyExistsError):
        obstore.put(store, f"{own_name}/a", b"second", mode="create")
    assert bytes(obstore.get(store, f"{own_name}/a").bytes()) == b"first"


def test_s3_refuses_a_wrong_secret(s3: S3Settings, own_name: str) -> None:
    stranger = S3Settings(s3.endpoint, s3.access_key, "0" * 40, s3.bucket)
    with pytest.raises(BaseError):
        obstore.put(stranger.store(), own_name, b"x")


def test_kafka_goes_on_without_its_controller_and_keeps_all_when_all_are_killed(
    tmp_path: Path,
) -> None:
    require_servers("kafka")
    cluster = KafkaCluster(tmp_path)
    with private(cluster):
        make_topic(cluster.bootstrap, "letters")
        write(cluster.bootstrap, "letters", (f"{n:04}" for n in range(100)))

        controller = cluster.controller()
        assert controller in (1, 2, 3)
        cluster.kill(controller)
        write(cluster.bootstrap, "letters", (f"{n:04}" for n in range(100, 200)))
        eventually(lambda: cluster.controller() not in (0, controller), "another controller")
        cluster.start_again(controller)
        cluster.wait_in_sync()

        cluster.kill_all()
        cluster.start()
        assert read_all(cluster.bootstrap, "letters", 200) == [f"{n:04}" for n in range(200)]

        cluster.stop()
        assert [each.running for each in cluster.all_processes()] == [False] * 3
        assert all((node.data / ".kafka_cleanshutdown").exists() for node in cluster.nodes)


def test_a_paused_broker_is_left_out_and_comes_back(tmp_path: Path) -> None:
    require_servers("kafka")
    cluster = KafkaCluster(tmp_path)
    with private(cluster):
        make_topic(cluster.bootstrap, "letters", partitions=3)
        cluster.pause(2)
        # Acknowledged when the paused one, which leads a partition, has been left out.
        write(cluster.bootstrap, "letters", map(str, range(30)), **_IMPATIENT)
        with pytest.raises(ClusterError, match="not in sync"):
            cluster.wait_in_sync(within_s=0)
        cluster.resume(2)
        cluster.wait_in_sync()


def test_kafka_knows_every_setting_that_is_given(tmp_path: Path) -> None:
    """A broker tells what it was given; of a key that is not its own it tells no value."""
    require_servers("kafka")
    cluster = KafkaCluster(tmp_path, extra={"num.io.threads": "3", "not.a.setting": "1"})
    with private(cluster):
        node = cluster.nodes[0]
        voters = {each.number: each.controller_port for each in cluster.nodes}
        given = settings(1, node.data, node.ports, voters)
        expected = {**given, "num.io.threads": "3", "not.a.setting": None}
        assert broker_settings(cluster.bootstrap, 1, list(expected)) == expected
        log = (node.folder / "server.log").read_text()
        assert "unknown" not in log.lower()


def test_kafka_over_tls_with_a_password(tmp_path: Path) -> None:
    require_servers("kafka")
    pair = self_signed()
    authority = tmp_path / "authority.pem"
    authority.write_text(pair.certificate)
    cluster = KafkaCluster(
        tmp_path / "kafka", brokers=1, protocols=["SASL_SSL"], extra=_tls_and_password(pair)
    )
    with private(cluster):
        make_topic(cluster.bootstrap, "letters", copies=1)
        address = cluster.bootstrap_of("SASL_SSL")
        assert address != cluster.bootstrap
        given = {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(authority),
            "sasl.mechanism": "PLAIN",
            "sasl.username": "axis",
            "sasl.password": "right",
        }
        write(address, "letters", ["sealed"], **given)
        assert read_all(cluster.bootstrap, "letters", 1) == ["sealed"]
        refused: list[str] = []
        stranger = Producer(
            {
                "bootstrap.servers": address,
                **given,
                "sasl.password": "wrong",
                "log_level": 0,
                "error_cb": lambda error: refused.append(error.name()),
            }
        )
        stranger.produce("letters", "x")
        eventually(lambda: bool(stranger.poll(0.05) or refused), "refusal")
        assert "_AUTHENTICATION" in refused
        stranger.purge()


def _tls_and_password(pair: KeyPair) -> Mapping[str, str]:
    login = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": pair.certificate,
        "ssl.keystore.key": pair.key,
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{login} required user_axis="right";',
    }


def test_a_cluster_formatted_without_the_new_group_protocol_refuses_it(tmp_path: Path) -> None:
    require_servers("kafka")
    old = KafkaCluster(tmp_path, brokers=1, features={"group.version": 0})
    with private(old):
        make_topic(old.bootstrap, "letters", copies=1)
        write(old.bootstrap, "letters", ["x"])
        assert "API version not supported" in group_protocol_error(old.bootstrap, "letters")


def test_mongo_keeps_its_data_over_a_kill_and_a_stop(tmp_path: Path) -> None:
    require_servers("mongo")
    server = MongoServer(tmp_path)
    with private(server):
        for number, end in enumerate((server.kill, server.stop)):
            with documents(server.address) as client:
                majority = WriteConcern("majority")
                rows = client.axis.get_collection("rows", write_concern=majority)
                rows.insert_one({"_id": number})
            end()
            with documents(server.address) as client, pytest.raises(PyMongoError):
                client.admin.command("ping")
            server.start_again()
        with documents(server.address) as client:
            assert [row["_id"] for row in client.axis.rows.find().sort("_id")] == [0, 1]


def test_a_paused_mongo_answers_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    require_servers("mongo")
    server = MongoServer(tmp_path)
    with private(server), documents(server.address) as client:
        client.admin.command("ping")
        server.pause()
        with pytest.raises(PyMongoError):
            client.admin.command("ping")
        server.resume()
        server.wait_ready()
        client.admin.command("ping")


def test_s3_keeps_its_data_over_a_kill_and_a_stop(tmp_path: Path) -> None:
    require_servers("s3")
    server = S3Server(tmp_path)
    with private(server):
        store = server.settings.store()
        for number, end in enumerate((server.kill, server.stop)):
            obstore.put(store, f"key-{number}", bytes([number]))
            end()
            with pytest.raises(BaseError):
                obstore.get(store, f"key-{number}")
            server.start_again()
        assert [bytes(obstore.get(store, f"key-{n}").bytes()) for n in range(2)] == [b"\0", b"\1"]
