"""Ports that stay ours while a server is down."""

import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools.cluster import ports
from tools.cluster.ports import release_ports, reserve_ports

ROOT = Path(__file__).resolve().parents[3]


def test_ports_are_free_different_and_never_given_to_outgoing_connections() -> None:
    first, last = ports._RANGE.read_text().split()
    reserved = reserve_ports(50)
    assert len(set(reserved)) == 50
    assert not any(int(first) <= port <= int(last) for port in reserved)
    for port in reserved:
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))
    release_ports(reserved)


def test_a_port_that_another_process_reserved_or_uses_is_not_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = "from tools.cluster.ports import *; print(reserve_ports(1)[0], flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        (in_use, free) = reserve_ports(2)
        release_ports([in_use, free])
        with socket.socket() as server:
            server.bind(("127.0.0.1", in_use))
            server.listen()
            draws = iter([theirs, in_use, free])
            monkeypatch.setattr(random, "randint", lambda *_: next(draws))
            assert reserve_ports(1) == [free]
        other.communicate("\n")
    release_ports([free])
