"""TCP ports on loopback that stay ours while a server is down.

They lie below the range that the kernel gives to outgoing connections: a client that tries again
and again to reach a killed server could otherwise be given the server's own port, and connect to
itself. A port is reserved among processes like this one by an abstract unix socket, which the
kernel frees when its process ends.
"""

import random
import socket
import sys
from pathlib import Path

from tools.cluster.errors import ClusterError

_FIRST = 15_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_ATTEMPTS = 1000

_reserved: dict[int, socket.socket] = {}


def reserve_ports(count: int) -> list[int]:
    """`count` free ports on 127.0.0.1, reserved until `release_ports` or the end of this process.

    Raises `ClusterError` where none can be found.
    """
    ports: list[int] = []
    last = _first_outgoing() - 1
    for _ in range(_ATTEMPTS):
        if len(ports) == count:
            return ports
        port = random.randint(_FIRST, last)  # noqa: S311 not a secret
        if _reserve(port):
            ports.append(port)
    release_ports(ports)
    raise ClusterError(f"found no {count} free ports between {_FIRST} and {last}")


def release_ports(ports: list[int]) -> None:
    """Let others have these ports."""
    for port in ports:
        if (held := _reserved.pop(port, None)) is not None:
            held.close()


def _reserve(port: int) -> bool:
    if port in _reserved:
        return False
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        if sys.platform == "linux":
            mark.bind(f"\0docaxis-port-{port}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        mark.close()
        return False
    _reserved[port] = mark
    return True


def _first_outgoing() -> int:
    """The first port that the kernel may give to an outgoing connection (Linux)."""
    try:
        first = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = 32_768
    return first if first > _FIRST + 1000 else 65_535
