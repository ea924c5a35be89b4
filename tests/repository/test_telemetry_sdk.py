"""The SDK of OpenTelemetry is in one place, and nobody pays for it where telemetry is off."""

import re
import subprocess
import sys

from tests.repository.repository import ROOT

_SDK = re.compile(r"^\s*(from|import) (opentelemetry\.(sdk|exporter)|prometheus_client)\b", re.M)
_OFF = """
import sys
import docaxis_standalone.main, docaxis_gateway.__main__, docaxis_routing.__main__
print([each for each in sys.modules if each.startswith(("opentelemetry.sdk", "opentelemetry.exp",
       "prometheus_client", "docaxis_runtime.telemetry_sdk"))])
"""


def test_only_the_runtime_knows_the_sdk() -> None:
    allowed = ROOT / "libs" / "docaxis_runtime" / "telemetry_sdk"
    found = [
        path
        for top in ("libs", "services")
        for path in (ROOT / top).rglob("*.py")
        if _SDK.search(path.read_text()) and path.parent != allowed
    ]
    assert found == []
    assert any(_SDK.search(path.read_text()) for path in allowed.glob("*.py"))


def test_a_process_without_telemetry_loads_none_of_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OFF], capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout.strip() == "[]"
