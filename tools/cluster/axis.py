"""The whole axis on this machine, as a ministry runs it: three servers' kinds, six of processes.

`AxisCluster` starts all at once (the processes wait for what they need) and keeps them; tests pull
its pieces out from under load.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_standalone.data_folder import DataFolder
from docaxis_standalone.demo_systems import register_demo_systems
from tools.cluster.axis_folder import AxisFolder
from tools.cluster.deadline import wait_until
from tools.cluster.errors import ClusterError
from tools.cluster.kafka import KafkaCluster
from tools.cluster.mongo import MongoServer
from tools.cluster.placement import Placement
from tools.cluster.s3 import S3Server
from tools.cluster.servers import Servers
from tools.cluster.service_process import GATEWAY, SERVICES, ProcessState, ServiceProcess
from tools.cluster.stores import Stores, stores_of
from tools.cluster.supervisor import Startable, Supervisor

READY_S = 240.0
_STOP_S = 12.0
"""Of a process, before it is killed; it is told one second less."""

Progress = Callable[[], None]


class AxisCluster:
    """Kafka, MongoDB, S3, the five services and the gateway, on free ports of loopback.

    - `folder`: all data, logs and keys; an earlier one goes on from where it was. It belongs to one
      process.
    - `replicas`: how many of each service (and of `gateway`); one of each where nothing is said.
    - `partitions`: of every topic; fixed when the folder is first used.
    - `stores`: servers of others, which are left alone; without it the axis has its own
      (`servers`).
    - `environment`: further settings (`DOCAXIS_*`) by service; those under `""` are for all.
    - `clock_offsets`: seconds by which a service's clock is ahead.
    - `keep_servers`: start Kafka, MongoDB and S3 again, too, when they end. Not for tests that kill
      them and start them again.
    - `http_port`: the gateway's port; a free one where it is 0.
    - `python`: the command that runs `-m docaxis_…`; this Python where nothing is said.
    - `said`: gets a line when something ended and is started again.

    The verbs wait: in asyncio call them through `asyncio.to_thread`. A replica is named by its
    service and its index, from 0. Nothing outlives the process that made this object. Raises
    `ClusterError`, and its kinds for what is missing or cannot be fetched.
    """

    def __init__(
        self,
        folder: Path,
        *,
        replicas: Mapping[str, int] | None = None,
        partitions: int = 4,
        stores: Stores | None = None,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        clock_offsets: Mapping[str, int] | None = None,
        keep_servers: bool = False,
        http_port: int = 0,
        python: Sequence[str] = (sys.executable,),
        said: Callable[[str], None] = lambda line: None,
    ) -> None:
        names = {*SERVICES, GATEWAY}
        counts = {**dict.fromkeys(names, 1), **(replicas or {})}
        offsets = clock_offsets or {}
        if unknown := {*counts, *offsets, *(environment or {})} - names - {""}:
            raise ClusterError(f"no service is called {', '.join(sorted(unknown))}")
        self._files = AxisFolder(folder)
        self._partitions = partitions
        self._environment = environment or {}
        self._keep_servers = keep_servers
        self._said = said
        self._supervisor = Supervisor(self._tell)
        try:
            self.servers = None if stores else Servers(self._files.servers)
            self.stores = stores_of(self.servers) if self.servers else _given(stores)
            self._files.keep_keys(self.stores.s3)
            self._placed = Placement(
                counts, self._files.logs, self.settings, http_port=http_port, python=python
            )
        except BaseException:
            self._files.release()
            raise
        for process in self._placed.all:
            process.clock_offset_s = offsets.get(process.service, 0)

    # What there is

    @property
    def folder(self) -> DataFolder:
        """Where credentials, keys and the demonstration's certificates are."""
        return self._files.data

    @property
    def url(self) -> str:
        """The REST interface, of the gateway's first replica."""
        return self._placed.of(GATEWAY)[0].address

    @property
    def public_grpc(self) -> str:
        """`host:port` of the public gRPC, of the gateway's first replica."""
        return self._placed.public_grpc_address(0)

    @property
    def kafka(self) -> KafkaCluster:
        """The axis's own. Raises `ClusterError` where it stands on others'."""
        return self._own().kafka

    @property
    def mongo(self) -> MongoServer:
        """The axis's own. Raises `ClusterError` where it stands on others'."""
        return self._own().mongo

    @property
    def s3(self) -> S3Server:
        """The axis's own. Raises `ClusterError` where it stands on others'."""
        return self._own().s3

    def processes(self, service: str = "") -> Sequence[ServiceProcess]:
        """The replicas of a service; of all, the gateway last, where none is named."""
        return self._placed.of(service) if service else self._placed.all

    def replicas(self, service: str) -> int:
        """How many there are, stopped ones included."""
        return len(self._placed.of(service))

    def grpc_address(self, service: str) -> str:
        """All places of a service's replicas, as gRPC takes them; it passes over empty ones."""
        return self._placed.grpc_address(service)

    def settings(self, service: str) -> Mapping[str, str]:
        """What the processes of a service are told (`DOCAXIS_*`), but for their own names."""
        return {
            "DOCAXIS_PARTITIONS": str(self._partitions),
            "DOCAXIS_STOP_WITHIN_S": str(_STOP_S - 1),
            **self.stores.environment(service),
            **self._files.environment(service),
            **self._environment.get("", {}),
            **self._environment.get(service, {}),
        }

    def state(self) -> list[ProcessState]:
        """How each process is; they are asked at once, which takes up to two seconds."""
        asked = self.processes()
        with ThreadPoolExecutor(len(asked)) as pool:
            return list(pool.map(self._state_of, asked))

    def log(self, service: str, index: int = 0) -> str:
        """All that a replica has written."""
        path = self.processes(service)[index].process.log
        return path.read_text(errors="replace") if path.exists() else ""

    # The whole

    def start(self, progress: Progress = lambda: None, within_s: float = READY_S) -> None:
        """Start everything at once, and wait until all is ready; else all is stopped.

        `progress` is called often meanwhile. Raises `ClusterError` with what was not ready and why.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="servers") as pool:
            servers = pool.submit(self._start_servers)
            try:
                for each in self.processes():
                    self._supervisor.keep(each)
                self._wait_for_all(servers, progress, within_s)
                servers.result()
            except BaseException:
                self.stop()
                raise
        if self.servers and self._keep_servers:
            for server in self.servers.all:
                for process in server.all_processes():
                    self._supervisor.keep(process)

    def wait_ready(self, within_s: float = READY_S, progress: Progress = lambda: None) -> None:
        """Wait until every process that should run can serve. Raises `ClusterError`."""
        self._wait_for_all(None, progress, within_s)

    def bootstrap(self) -> None:
        """Register the demonstration's agencies and systems, and write their credentials.

        Repeatable. Raises `DocaxisError` where the registry does not do it.
        """
        asyncio.run(register_demo_systems(self.grpc_address("registry"), self.folder, self.url))

    def client(self, name: str, *, attempts: int = 6, patience_s: float = 60.0) -> DocaxisClient:
        """A client of one of the demonstration's systems (`office`, `hanoi`, `hatinh`)."""
        credentials = Credentials.load(self.folder.clients / f"{name}.json")
        return DocaxisClient(self.url, credentials, attempts=attempts, patience_s=patience_s)

    def stop(self) -> None:
        """Stop all: the gateway, the services, then the servers; the folder is free then."""
        self._supervisor.end()
        _stop_together(self._placed.of(GATEWAY))
        _stop_together([each for name in SERVICES for each in self._placed.of(name)])
        if self.servers:
            self.servers.stop()
        self._placed.release()
        self._files.release()

    # One replica

    def kill(self, service: str, index: int = 0, *, stay_down: bool = False) -> None:
        """SIGKILL. It is started again soon, unless it is to stay down."""
        process = self._placed.of(service)[index]
        if stay_down:
            self._supervisor.release(process)
            process.stopped = True
        process.process.kill()

    def stop_replica(self, service: str, index: int = 0) -> None:
        """SIGTERM, and wait; it stays down."""
        process = self._placed.of(service)[index]
        self._supervisor.release(process)
        _stop_together([process])

    def start_again(self, service: str, index: int = 0) -> None:
        """Start one that is down, and wait until it can serve. Raises `ClusterError`."""
        process = self._placed.of(service)[index]
        self._supervisor.keep(process)
        self._wait_for(process)

    def restart(self, service: str, index: int = 0, *, clock_offset_s: int | None = None) -> None:
        """Stop one and start it again, perhaps with another clock. Raises `ClusterError`."""
        self.stop_replica(service, index)
        if clock_offset_s is not None:
            self._placed.of(service)[index].clock_offset_s = clock_offset_s
        self.start_again(service, index)

    def pause(self, service: str, index: int = 0) -> None:
        """SIGSTOP, its workers included: it keeps its connections and answers nothing."""
        process = self._placed.of(service)[index]
        process.process.pause()
        process.paused = True

    def resume(self, service: str, index: int = 0) -> None:
        """SIGCONT."""
        process = self._placed.of(service)[index]
        process.process.resume()
        process.paused = False

    # How many there are

    def restart_rolling(self, services: Sequence[str] = (*SERVICES, GATEWAY)) -> None:
        """Stop and start one process after the other, each when the one before can serve."""
        for service in services:
            for index in range(self.replicas(service)):
                self.restart(service, index)

    def add_replica(self, service: str) -> int:
        """Start one more, and wait until it can serve; returns its index. Raises `ClusterError`."""
        process = self._placed.add(service)
        self._supervisor.keep(process)
        self._wait_for(process)
        return process.index

    def remove_replica(self, service: str) -> None:
        """Stop the last one in good order, for good. Raises `ClusterError` where there is none."""
        if not self.replicas(service):
            raise ClusterError(f"there is no {service}")
        self.stop_replica(service, self.replicas(service) - 1)
        self._placed.remove_last(service)

    # Inside

    def _own(self) -> Servers:
        if self.servers is None:
            raise ClusterError("this axis stands on servers of others")
        return self.servers

    def _start_servers(self) -> None:
        if self.servers:
            self.servers.start()

    def _tell(self, subject: Startable, pause_s: float, error: Exception | None) -> None:
        if error is not None:
            self._said(f"{subject.name} does not start: {error}")
            return
        how = subject.ended() if isinstance(subject, ServiceProcess) else "ended"
        self._said(f"{subject.name} {how}; it is started again in {pause_s:.1f} s")

    def _state_of(self, process: ServiceProcess) -> ProcessState:
        return process.state(self._supervisor.restarts(process))

    def _wait_for(self, process: ServiceProcess, within_s: float = READY_S) -> None:
        wait_until(
            lambda: self._state_of(process).ready,
            within_s,
            lambda: f"{process.name} is not ready: {self._state_of(process).state}",
        )

    def _wait_for_all(
        self, servers: "Future[None] | None", progress: Progress, within_s: float
    ) -> None:
        def all_ready() -> bool:
            progress()
            if servers is not None and servers.done():
                servers.result()
            return all(each.ready or each.state == "stopped" for each in self.state())

        wait_until(all_ready, within_s, self._not_ready)

    def _not_ready(self) -> str:
        lines = [f"{each.name}: {each.state}" for each in self.state() if not each.ready]
        return "not ready:\n" + "\n".join(lines)


def _given(stores: Stores | None) -> Stores:
    if stores is None:
        raise ClusterError("no servers are given")
    return stores


def _stop_together(processes: Sequence[ServiceProcess]) -> None:
    """SIGTERM to all, SIGKILL to those that have not ended in time."""
    for each in processes:
        each.stopped = True
        each.process.ask_to_stop()
    end = monotonic() + _STOP_S
    for each in processes:
        if not each.process.wait(max(0.0, end - monotonic())):
            each.process.kill()
