"""The first year on a standalone, carried elsewhere and back: the same views, answers, receipts."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from docaxis_cli.simulation.axis import own_axis
from docaxis_cli.simulation.plan import Plan
from docaxis_cli.simulation.playing import ATTEMPTS, PATIENCE_S, Run
from docaxis_cli.simulation.units import units
from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_standalone.composition import running_axis
from docaxis_standalone.moving_secrets import carry_secrets
from tests.servers import require_servers
from tests.system.axis_process import ROOT
from tests.system.moved_axis import at_rest, receipts_of
from tests.system.traffic import sample_document, sample_files
from tools.cluster.axis import AxisCluster
from tools.cluster.errors import FetchError
from tools.cluster.servers import Servers
from tools.cluster.service_process import SERVICES
from tools.cluster.stores import stores_of

pytestmark = pytest.mark.timeout(3600)
_FOLDS_WITHIN_S = 1500.0
"""All states and views are made on the tests' slow database before the axis is ready."""
_KEPT_BY = {"webhook.": "notification", "person.": "registry", "login-": "registry"}
SCALE = os.environ.get("MOVED_SCALE", "0.0003")
LARGEST_SENDER = "G22"


async def docaxis(*arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """A command of ours with `--json`, as one types it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "docaxis_cli", *arguments, "--json"),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    return json.loads(said)


async def play(url: str, clients: Path) -> tuple[int, int]:
    """The year, played or played again; gives how many documents and deliveries are new."""
    plan = Plan(Decimal(SCALE))
    async with AsyncExitStack() as stack:
        connected = {
            each.code: await stack.enter_async_context(
                DocaxisClient(
                    url,
                    Credentials.load(clients / f"{each.code}.json"),
                    attempts=ATTEMPTS,
                    patience_s=PATIENCE_S,
                )
            )
            for each in units()
        }
        run = Run(plan, units(), connected)
        await run.play()
        figures, _ = await run.figures()
        assert (figures.total.sent, figures.total.received) == (plan.documents, plan.deliveries)
        return run.documents, run.deliveries


async def played(data: Path) -> None:
    """Let a standalone have its first year, and come to rest."""
    async with own_axis(data, units()) as url:
        sent, taken = await play(url, data / "clients")
        assert sent > 0
        assert taken > 0
    await digests_of(data)


async def digests_of(data: Path) -> dict[str, str]:
    async with running_axis(data) as axis:
        return await at_rest(axis)


async def test_a_standalone_moved_to_another_is_the_same_axis(tmp_path: Path) -> None:
    old, new, back = (tmp_path / each for each in ("old", "new", "back"))
    clients = old / "clients"
    await played(old)
    async with running_axis(old) as axis:
        receipts = await receipts_of(axis.url, clients / f"{LARGEST_SENDER}.json")
        async with DocaxisClient(axis.url, Credentials.load(clients / "H26.json")) as hanoi:
            cursor = (await hanoi.inbox()).next
    assert receipts
    digests = await digests_of(old)
    secrets = ("--secrets", str(tmp_path / "secrets"))
    told = await docaxis("export", str(tmp_path / "there"), "--data", str(old), *secrets)
    digest = told["export"]["digest"]
    assert "keys/receipts.pem" in told["secrets"]
    in_it = ("import", str(tmp_path / "there"), "--data", str(new))
    await docaxis(*in_it, "--digest", digest, *secrets)

    assert await digests_of(new) == digests
    async with running_axis(new) as axis:
        assert await receipts_of(axis.url, clients / f"{LARGEST_SENDER}.json") == receipts
        async with DocaxisClient(axis.url, Credentials.load(clients / "H26.json")) as hanoi:
            page = await hanoi.inbox(cursor=cursor)  # L4: starts again at what is open
            assert page.next != cursor
            await hanoi.verify_receipt(next(iter(receipts.values())))
        assert await play(axis.url, clients) == (0, 0)
    moved = await digests_of(new)
    assert {name for name in moved if moved[name] != digests[name]} <= {"registry_directory"}

    await docaxis("export", str(tmp_path / "home"), "--data", str(new))
    await docaxis("import", str(tmp_path / "home"), "--data", str(back))
    carry_secrets(tmp_path / "secrets", back)
    assert await digests_of(back) == moved


async def test_a_killed_command_goes_on(tmp_path: Path) -> None:
    """SIGKILL at moments that nobody chose; the last run ends as if it had been the only one."""
    old, new = tmp_path / "old", tmp_path / "new"
    async with own_axis(old, units()):
        pass  # the catalogue and 95 systems
    arguments = (
        ("export", str(tmp_path / "export"), "--data", str(old)),
        ("import", str(tmp_path / "export"), "--data", str(new)),
    )
    for command in arguments:
        for patience_s in (0.8, 1.1, 1.4, 1.7, 2.0):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "docaxis_cli", *command, "--json"),
                cwd=ROOT,
                stdout=asyncio.subprocess.DEVNULL,
            )
            try:
                async with asyncio.timeout(patience_s):
                    assert await process.wait() == 0
            except TimeoutError:
                process.send_signal(signal.SIGKILL)
                await process.wait()
        await docaxis(*command)
    assert await digests_of(new) == await digests_of(old)


@pytest.mark.cluster
@pytest.mark.faults
async def test_a_standalone_moved_to_a_cluster_and_back_has_the_same_views(tmp_path: Path) -> None:
    require_servers()
    old, back, folder = (tmp_path / each for each in ("old", "back", "cluster"))
    await played(old)
    async with running_axis(old) as at_home:
        receipts = await receipts_of(at_home.url, old / "clients" / f"{LARGEST_SENDER}.json")
    digests = await digests_of(old)  # that a system was seen is an event, too
    await docaxis("export", str(tmp_path / "there"), "--data", str(old))
    keys_in_place(old, folder)
    try:
        servers = await asyncio.to_thread(Servers, tmp_path / "servers")
    except FetchError as error:
        pytest.skip(f"no real servers here: {error}")
    await asyncio.to_thread(servers.start)
    try:
        axis = AxisCluster(folder, partitions=12, stores=stores_of(servers))
        settings = axis.settings("routing")
        await docaxis("import", str(tmp_path / "there"), "--cluster", environment=settings)
        try:
            await asyncio.to_thread(axis.start, within_s=_FOLDS_WITHIN_S)
            assert await rebuilt(axis, "10") == digests
            await check_at_work(axis.url, old / "clients", receipts)
        finally:
            await asyncio.to_thread(axis.stop)
        here = await rebuilt(axis, "0")  # nobody has to follow
        await docaxis("export", str(tmp_path / "home"), "--cluster", environment=settings)
    finally:
        await asyncio.to_thread(servers.stop)
    await docaxis("import", str(tmp_path / "home"), "--data", str(back))
    # The log as it is: nothing goes on there before the views are compared.
    views = await docaxis("rebuild", "--data", str(back))
    assert {each["view"]: each["after"] for each in views} == here


async def check_at_work(url: str, clients: Path, receipts: Mapping[str, str]) -> None:
    """What was told before is told again, and a new letter comes through."""
    assert await receipts_of(url, clients / f"{LARGEST_SENDER}.json") == receipts
    office, hanoi = (Credentials.load(clients / f"{code}.json") for code in ("G22", "H26"))
    async with DocaxisClient(url, office) as sender, DocaxisClient(url, hanoi) as recipient:
        sent = await sender.submit(sample_document("1/CV-CHUYEN"), sample_files(1))
        async with asyncio.timeout(120):
            page = await recipient.inbox(wait=50)
            while sent.id not in [each.document.id for each in page.items]:
                page = await recipient.inbox(cursor=page.next, wait=50)
        again = await sender.submit(sample_document("1/CV-CHUYEN"), sample_files(1))
        assert (again.id, again.first) == (sent.id, False)


def keys_in_place(old: Path, folder: Path) -> None:
    """A standalone's keys and secrets, each where the process of a cluster that uses it looks."""
    carry_secrets(old, folder)
    for service in ("gateway", "notification", "registry"):
        (folder / "secrets" / service).mkdir(mode=0o700)
    for secret in (folder / "secrets").iterdir():
        if secret.is_file():
            service = next(
                (to for start, to in _KEPT_BY.items() if secret.name.startswith(start)), "gateway"
            )
            shutil.move(secret, folder / "secrets" / service / secret.name)


async def rebuilt(axis: AxisCluster, kept_s: str) -> dict[str, str]:
    """The digests that `python -m docaxis_<service> rebuild` tells, of all services' views.

    `kept_s`: how long the views before stay for replicas to follow.
    """
    found: dict[str, str] = {}
    for service in SERVICES:
        environment = {
            **os.environ,
            **axis.settings(service),
            "DOCAXIS_LISTEN": "127.0.0.1:1",
            "DOCAXIS_VIEWS_KEPT_S": kept_s,
            "DOCAXIS_REPLICA": f"{service}-digests",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"docaxis_{service}", "rebuild"),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said
        found.update(re.findall(r"^(\w+): \S+ serves; digest (\w+)$", said.decode(), re.MULTILINE))
    return found
