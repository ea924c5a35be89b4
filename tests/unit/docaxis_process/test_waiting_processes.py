"""Processes on the distributed adapters, whose servers are all away: they wait, and say so."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from grpc_health.v1 import health_pb2

from docaxis_runtime.grpc_health import LIVENESS
from docaxis_trust.key_file_signer import KeyFileSigner
from tests.system.axis_process import free_port
from tests.unit.docaxis_process.embedded_process import ROOT, environment
from tests.unit.docaxis_process.polling import eventually
from tests.unit.docaxis_process.test_service_server import status

Response = health_pb2.HealthCheckResponse


def settings_in(folder: Path) -> dict[str, str]:
    """Settings of any process; nobody listens at the servers' addresses."""
    for name in ("access", "secret"):
        (folder / name).write_text("key")
    (folder / "secrets").mkdir(mode=0o700)
    KeyFileSigner.create(folder / "receipts.pem")
    nowhere = f"127.0.0.1:{free_port()}"
    services = ("registry", "routing", "signature", "status", "notification")
    return {
        **{f"DOCAXIS_{name.upper()}_ADDRESS": f"unix:{folder}/{name}" for name in services},
        "DOCAXIS_LISTEN": f"unix:{folder}/listen",
        "DOCAXIS_HTTP_PORT": str(free_port()),
        "DOCAXIS_KAFKA_SERVERS": nowhere,
        "DOCAXIS_MONGO_ADDRESS": f"mongodb://{nowhere}",
        "DOCAXIS_S3_ENDPOINT": f"http://{nowhere}",
        "DOCAXIS_S3_BUCKET": "axis",
        "DOCAXIS_S3_ACCESS_KEY_FILE": f"{folder}/access",
        "DOCAXIS_S3_SECRET_KEY_FILE": f"{folder}/secret",
        "DOCAXIS_S3_CACHE_FOLDER": f"{folder}/cache",
        "DOCAXIS_SECRETS_FOLDER": f"{folder}/secrets",
        "DOCAXIS_RECEIPT_KEY_FILE": f"{folder}/receipts.pem",
    }


@asynccontextmanager
async def process(
    module: str, folder: Path, settings: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    with (folder / "lines").open("ab") as output:
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            cwd=ROOT,
            env=environment(**settings),
            stdout=output,
            stderr=output,
        )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


def waited_for(folder: Path) -> set[str]:
    lines = (folder / "lines").read_text().splitlines()
    told: list[dict[str, Any]] = [json.loads(line) for line in lines if line.startswith("{")]
    return {line["part"] for line in told if line["event"] == "waiting_for"}


@pytest.mark.parametrize(
    ("service", "parts"),
    [
        ("registry", {"kafka", "mongodb"}),
        ("signature", {"kafka", "mongodb", "s3"}),
        ("notification", {"kafka", "mongodb"}),
    ],
)
async def test_a_service_waits_for_what_it_uses_and_answers_its_health(
    service: str, parts: set[str], tmp_path: Path
) -> None:
    async with process(f"docaxis_{service}", tmp_path, settings_in(tmp_path)) as started:
        await eventually(lambda: waited_for(tmp_path) >= parts, "all said")
        assert started.returncode is None
        assert await status(f"unix:{tmp_path}/listen") == Response.NOT_SERVING
        assert await status(f"unix:{tmp_path}/listen", LIVENESS) == Response.SERVING
        started.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(started.wait(), 40) == 0
    assert waited_for(tmp_path) == parts


async def test_the_gateway_waits_and_answers_its_health(tmp_path: Path) -> None:
    parts = {"kafka", "mongodb", "s3"}
    settings = settings_in(tmp_path)
    url = f"http://127.0.0.1:{settings['DOCAXIS_HTTP_PORT']}/health"
    settings["DOCAXIS_GRPC_PORT"] = str(free_port())
    grpc_address = f"127.0.0.1:{settings['DOCAXIS_GRPC_PORT']}"
    async with process("docaxis_gateway", tmp_path, settings) as started:
        await eventually(lambda: waited_for(tmp_path) >= parts, "all said")
        assert await status(grpc_address) == Response.NOT_SERVING
        assert await status(grpc_address, LIVENESS) == Response.SERVING
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{url}/ready") as answer:
                assert answer.status == 503
            async with http.get(f"{url}/live") as answer:
                assert answer.status == 200
        started.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(started.wait(), 40) == 0
    assert waited_for(tmp_path) == parts
