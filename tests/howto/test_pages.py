"""Each page that takes its reader from nothing to an acknowledged document is run as it stands."""

import shutil
from pathlib import Path

import pytest

from tests.howto.page_runner import run_page
from tests.repository.repository import ROOT
from tests.system.axis_process import free_port

pytestmark = pytest.mark.timeout(900)
"""A page may have Maven fetch what it needs, once."""

_PAGES = ROOT / "docs" / "how-to"


def _need(*programs: str) -> None:
    missing = [each for each in programs if shutil.which(each) is None]
    if missing:
        pytest.skip(f"the page needs {', '.join(missing)}")


def test_connect_with_rest_as_it_stands(tmp_path: Path) -> None:
    _need("make", "curl", "openssl", "python3")
    run_page(_PAGES / "connect-with-rest.md", tmp_path, free_port())


def test_read_a_trace_as_it_stands(tmp_path: Path) -> None:
    _need("make", "python3")
    run_page(_PAGES / "read-a-trace.md", tmp_path, free_port())


def test_connect_with_java_as_it_stands(tmp_path: Path) -> None:
    _need("make", "javac", "mvn")
    run_page(_PAGES / "connect-with-java.md", tmp_path, free_port())
