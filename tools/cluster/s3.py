"""An S3-compatible server: versitygw over a folder."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tools.cluster.deadline import wait_until
from tools.cluster.fetch import versitygw
from tools.cluster.ports import reserve_ports
from tools.cluster.process import ServerProcess

_READY_S = 30.0
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class S3Settings:
    """What a client needs."""

    endpoint: str
    """`http://127.0.0.1:PORT`, paths are `/BUCKET/KEY`."""
    access_key: str
    secret_key: str
    bucket: str
    region: str = "us-east-1"

    def store(self) -> S3Store:
        """A client of the bucket."""
        return S3Store(
            self.bucket,
            endpoint=self.endpoint,
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            region=self.region,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "timeout": "5s"},
            retry_config={"max_retries": 0},
        )


class S3Server:
    """One server over `folder`, with one bucket, on a free port that it keeps over restarts.

    Access key and secret are drawn anew for each object of this class. The verbs wait: in asyncio
    call them through `asyncio.to_thread`. Raises `MissingProgramError` or `FetchError` where
    versitygw is not in the cache and cannot be built.
    """

    product = "versitygw"

    def __init__(self, folder: Path, bucket: str = "docaxis") -> None:
        (port,) = reserve_ports(1)
        self.settings = S3Settings(
            f"http://127.0.0.1:{port}", secrets.token_hex(10), secrets.token_hex(20), bucket
        )
        data = folder / "data"
        (data / bucket).mkdir(parents=True, exist_ok=True)  # a folder at the top is a bucket
        self.process = ServerProcess(
            self.product,
            [str(versitygw()), "--port", f"127.0.0.1:{port}", "--quiet", "posix", str(data)],
            folder / "server.log",
            {
                "ROOT_ACCESS_KEY": self.settings.access_key,
                "ROOT_SECRET_KEY": self.settings.secret_key,
            },
        )

    @property
    def address(self) -> str:
        """The endpoint."""
        return self.settings.endpoint

    def all_processes(self) -> list[ServerProcess]:
        """The one process."""
        return [self.process]

    def start(self) -> None:
        """Start it, and wait until the bucket answers. Raises `ClusterError` where it does not."""
        self.process.start()
        self.wait_ready()

    start_again = start

    def wait_ready(self, within_s: float = _READY_S) -> None:
        """Wait until the bucket can be listed. Raises `ClusterError`."""
        store = self.settings.store()
        wait_until(
            lambda: self._answers(store),
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

    def _answers(self, store: S3Store) -> bool:
        self.process.check_running()
        try:
            obstore.list_with_delimiter(store)
        except BaseError:
            return False
        return True
