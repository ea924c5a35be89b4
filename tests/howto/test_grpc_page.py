"""`docs/how-to/connect-with-grpc.md`, run as it stands."""

import random
import shutil
import socket
from pathlib import Path

import pytest

from tests.howto.page_runner import run_page
from tests.repository.repository import ROOT

_PAGE = ROOT / "docs" / "how-to" / "connect-with-grpc.md"


def _free_pair() -> int:
    """A port that is free with the one after it, REST's and gRPC's.

    Below those that the kernel gives to outgoing connections: starting takes a while, and by then
    one of these may be somebody's.
    """
    while True:
        port = random.randrange(12_000, 30_000)
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.mark.timeout(600)
def test_connect_with_grpc_as_it_stands(tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("the page needs make")
    port = _free_pair()
    page = tmp_path / _PAGE.name
    page.write_text(_PAGE.read_text().replace("127.0.0.1:8081", f"127.0.0.1:{port + 1}"))
    run_page(page, tmp_path / "run", port)
