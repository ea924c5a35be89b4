"""What the servers are told: Kafka's settings, and which MongoDB."""

from pathlib import Path

import pytest

from tools.cluster.kafka_config import as_properties, settings
from tools.cluster.mongo import MONGOD, MongoServer


@pytest.mark.parametrize(("nodes", "copies", "in_sync"), [(1, "1", "1"), (3, "3", "2")])
def test_copies_follow_the_number_of_nodes(nodes: int, copies: str, in_sync: str) -> None:
    voters = {number + 1: 20_000 + number for number in range(nodes)}
    given = settings(1, Path("/data"), {"PLAINTEXT": 19_000}, voters)
    assert given["default.replication.factor"] == copies
    assert given["transaction.state.log.replication.factor"] == copies
    assert given["min.insync.replicas"] == in_sync
    assert given["transaction.state.log.min.isr"] == in_sync


def test_each_client_listener_has_its_port_and_the_controller_is_not_told_to_clients() -> None:
    given = settings(2, Path("/data"), {"PLAINTEXT": 19_000, "SSL": 19_001}, {1: 20_001, 2: 20_002})
    clients = "PLAINTEXT://127.0.0.1:19000,SSL://127.0.0.1:19001"
    assert given["advertised.listeners"] == clients
    assert given["listeners"] == f"{clients},CONTROLLER://127.0.0.1:20002"
    assert given["controller.quorum.voters"] == "1@127.0.0.1:20001,2@127.0.0.1:20002"


def test_a_value_of_several_lines_stays_one_property() -> None:
    assert as_properties({"a": "one\ntwo", "b": "c:\\d", "e": " f"}) == (
        "a=one\\ntwo\nb=c:\\\\d\ne=\\ f\n"
    )


def test_an_installed_mongod_is_used_as_a_replica_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mongod = tmp_path / "mongod"
    mongod.write_text("#!/bin/sh\n")
    mongod.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    server = MongoServer(tmp_path / "mongo")
    assert server.product == MONGOD
    command = " ".join(server.process.command)
    assert command.startswith(f"{mongod} ")
    assert f"--port {server.port} " in command
    assert "--replSet " in command
