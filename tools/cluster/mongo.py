"""A MongoDB-compatible server: `mongod` where one is installed, else SecantusDB.

Both answer as a replica set of one node, so transactions and change streams work. SecantusDB proves
that the code is right; it is far slower than `mongod`, and its figures say nothing about speed.
"""

import shutil
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from tools.cluster.deadline import wait_until
from tools.cluster.fetch import secantusdb_python
from tools.cluster.ports import reserve_ports
from tools.cluster.process import ServerProcess

MONGOD = "mongod"
SECANTUSDB = "SecantusDB"
_READY_S = 60.0
_STOP_S = 10.0
_REPLICA_SET = "docaxis"
_ALREADY_INITIALISED = 23
_RUN_SECANTUSDB = "import sys; from secantus.cli import main; sys.exit(main())"


def mongo_program() -> tuple[str, list[str]]:
    """Which server there is, and the command that runs it, without options.

    Raises `FetchError` where there is no `mongod` and SecantusDB could not be fetched.
    """
    if mongod := shutil.which("mongod"):
        return MONGOD, [mongod]
    return SECANTUSDB, [str(secantusdb_python()), "-c", _RUN_SECANTUSDB]


class MongoServer:
    """One server with its data in `folder`, on a free port that it keeps over restarts.

    The verbs wait: in asyncio call them through `asyncio.to_thread`. Raises `MissingProgramError`
    or `FetchError` where there is neither `mongod` nor a way to fetch SecantusDB.
    """

    def __init__(self, folder: Path, *, sync_on_commit: bool = True) -> None:
        """Without `sync_on_commit` SecantusDB forgets what it acknowledged last when it is killed.

        Majority writes and transactions too: seen 5 times in 5. `mongod` keeps those by itself.
        """
        (self.port,) = reserve_ports(1)
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        self.product, program = mongo_program()
        if self.product == MONGOD:
            command = [*program, *_mongod_options(data, self.port)]
        else:
            command = [*program, *_secantusdb_options(data, self.port)]
            command += ["--sync-on-commit"] if sync_on_commit else []
        self.process = ServerProcess(self.product, command, folder / "server.log")

    @property
    def address(self) -> str:
        """The address, with no database: `mongodb://127.0.0.1:PORT/?directConnection=true`."""
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    def all_processes(self) -> list[ServerProcess]:
        """The one process."""
        return [self.process]

    def start(self) -> None:
        """Start it, and wait until it takes writes. Raises `ClusterError` where it does not."""
        self.process.start()
        self.wait_ready()

    start_again = start

    def wait_ready(self, within_s: float = _READY_S) -> None:
        """Wait until it answers a ping as the primary of its replica set. Raises `ClusterError`."""
        with _client(self.address) as client:
            wait_until(
                lambda: self._is_primary(client),
                within_s,
                lambda: f"{self.product} is not ready: {self.process.last_words()}",
            )

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def pause(self) -> None:
        """SIGSTOP."""
        self.process.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self.process.resume()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for a server that does not end by that."""
        self.process.stop(_STOP_S)

    def _is_primary(self, client: "MongoClient[dict[str, Any]]") -> bool:
        self.process.check_running()
        try:
            client.admin.command("ping")
            hello = client.admin.command("hello")
            if not hello.get("isWritablePrimary") and not hello.get("setName"):
                self._initiate(client)
        except PyMongoError:
            return False
        return bool(hello.get("isWritablePrimary"))

    def _initiate(self, client: "MongoClient[dict[str, Any]]") -> None:
        """Make a fresh `mongod` a replica set of one."""
        member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
        try:
            client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [member]})
        except OperationFailure as error:
            if error.code != _ALREADY_INITIALISED:
                raise


def _client(address: str) -> "MongoClient[dict[str, Any]]":
    return MongoClient(address, serverSelectionTimeoutMS=500, connectTimeoutMS=500)


def _mongod_options(data: Path, port: int) -> list[str]:
    return ["--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(data),
            "--replSet", _REPLICA_SET, "--wiredTigerCacheSizeGB", "0.25", "--quiet"]  # fmt: skip


def _secantusdb_options(data: Path, port: int) -> list[str]:
    settings = data.with_name("secantusd.toml")
    settings.touch()  # else it takes one that it finds in the person's home folder
    return ["--config", str(settings), "--host", "127.0.0.1", "--port", str(port),
            "--storage-path", str(data), "--cache-size", "256M",
            "--log-level", "WARNING"]  # fmt: skip
