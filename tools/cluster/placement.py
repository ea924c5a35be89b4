"""Which processes an axis has, at which ports, and what each is told."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tools.cluster.errors import ClusterError
from tools.cluster.ports import release_ports, reserve_ports
from tools.cluster.process_log import ProcessLog
from tools.cluster.service_process import GATEWAY, SERVICES, ServiceProcess

_PLACES = 4
"""Ports that the gateway knows of each service: replicas may come without its being told."""


class Told(Protocol):
    """Gives settings: the environment of a service's process."""

    def __call__(self, service: str) -> Mapping[str, str]:
        """By the service's name, or `gateway`."""


class Placement:
    """The replicas of the five services and of the gateway, none of them started.

    Raises `ClusterError` where there are no free ports.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        logs: Path,
        told: Told,
        *,
        http_port: int = 0,
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        """`counts` has each service and the gateway; `http_port` 0 takes a free one."""
        self._python = python
        self._logs = logs
        self._told = told
        self._ports = {
            name: reserve_ports(max(_PLACES, counts[name] + 1)) for name in (*SERVICES, GATEWAY)
        }
        self._public_grpc = reserve_ports(len(self._ports[GATEWAY]))
        if http_port:
            self._ports[GATEWAY][0] = http_port
        self._processes: dict[str, list[ServiceProcess]] = {name: [] for name in self._ports}
        for name in self._ports:
            for _ in range(counts[name]):
                self.add(name)

    @property
    def all(self) -> Sequence[ServiceProcess]:
        """All processes, the gateway's last."""
        return tuple(process for each in self._processes.values() for process in each)

    def of(self, service: str) -> Sequence[ServiceProcess]:
        """The replicas of a service."""
        return tuple(self._processes[service])

    def add(self, service: str) -> ServiceProcess:
        """One more. Raises `ClusterError` where no place is left."""
        index, ports = len(self._processes[service]), self._ports[service]
        if index >= len(ports):
            raise ClusterError(f"there is no room for more than {len(ports)} of {service}")
        process = ServiceProcess(
            service,
            index,
            ports[index],
            ProcessLog(self._logs / f"{service}-{index}.log"),
            lambda: self._settings(service, index),
            self._python,
        )
        self._processes[service].append(process)
        return process

    def remove_last(self, service: str) -> None:
        """Forget the last one of a service."""
        self._processes[service].pop()

    def grpc_address(self, service: str) -> str:
        """All places of a service's replicas, as gRPC takes them; it passes over empty ones."""
        return "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in self._ports[service])

    def public_grpc_address(self, index: int) -> str:
        """`host:port` of the public gRPC of a replica of the gateway."""
        return f"127.0.0.1:{self._public_grpc[index]}"

    def release(self) -> None:
        """Let others have the ports."""
        release_ports(self._public_grpc)
        for ports in self._ports.values():
            release_ports(ports)

    def _settings(self, service: str, index: int) -> Mapping[str, str]:
        port = self._ports[service][index]
        if service == GATEWAY:
            own = {f"DOCAXIS_{name.upper()}_ADDRESS": self.grpc_address(name) for name in SERVICES}
            own["DOCAXIS_HTTP_PORT"] = str(port)
            own["DOCAXIS_GRPC_PORT"] = str(self._public_grpc[index])
        else:
            own = {"DOCAXIS_LISTEN": f"127.0.0.1:{port}"}
        return {"DOCAXIS_REPLICA": f"{service}-{index}", **own, **self._told(service)}
