"""A process's clock that is off: the time of day alone, and in its children too."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.cluster.clock import clock_environment

_TELL = """
import json, sys, time
from datetime import UTC, date, datetime, timedelta, timezone
class Own(datetime): pass
told = dict(
    time=time.time(), time_ns=time.time_ns() / 1e9, clock=time.clock_gettime(time.CLOCK_REALTIME),
    utc=datetime.now(UTC).timestamp(), local=datetime.now().timestamp(),
    zone=datetime.now(timezone(timedelta(hours=7))).timestamp(), today=datetime.today().timestamp(),
    own=Own.now(UTC).timestamp(),
)
kinds = [type(Own.now()).__name__, type(date.today()).__name__, type(datetime.now()).__name__]
before = time.monotonic()
time.sleep(0.01)
print(json.dumps([told, kinds, time.monotonic(), time.monotonic() - before]))
"""
_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_TELL!r}], check=True)"
_NEAR_S = 60.0


@pytest.mark.parametrize("offset_s", [3600, -86_400, 0])
@pytest.mark.parametrize("program", [_TELL, _CHILD], ids=["itself", "its child"])
def test_the_time_of_day_is_off_and_monotonic_time_is_not(offset_s: int, program: str) -> None:
    environment = clock_environment(offset_s, os.environ)
    run = [sys.executable, "-c", program]
    begun, monotonic = time.time(), time.monotonic()
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    told, kinds, at, slept = json.loads(done.stdout)
    for name, moment in told.items():
        assert abs(moment - begun - offset_s) < _NEAR_S, name
    assert kinds == ["Own", "date", "datetime"]
    assert abs(at - monotonic) < _NEAR_S
    assert slept >= 0.01


_DEADLINE = """
import asyncio, grpc, time
class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        async def answer(request, context):
            return str(context.time_remaining()).encode()
        return grpc.unary_unary_rpc_method_handler(answer)
async def main():
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        print(float(await channel.unary_unary("/a/b")(b"", timeout=50)))
    await server.stop(None)
asyncio.run(main())
"""


def test_a_call_has_the_time_that_it_was_given() -> None:
    environment = clock_environment(3600, os.environ)
    run = [sys.executable, "-c", _DEADLINE]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert 0 < float(done.stdout) <= 50


def test_other_paths_stay_in_front(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "mine"))
    mine, given = str(tmp_path / "mine") + os.pathsep, str(tmp_path / "given") + os.pathsep
    assert clock_environment(1, {})["PYTHONPATH"].startswith(mine)
    assert clock_environment(1, {"PYTHONPATH": given})["PYTHONPATH"].startswith(given)
