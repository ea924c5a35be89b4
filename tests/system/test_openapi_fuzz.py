"""Requests made from the OpenAPI document, good ones and bad ones: no answer that it does not tell.

Bounded: some examples of each operation, the same in each run.
"""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests import RequestException
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from docaxis_client.administration import Administration
from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_gateway.http_protocol import LARGEST_HEADER
from docaxis_standalone.administrators import create_administrator
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.composition import running_axis

EXAMPLES = 6
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


class Served:
    """An axis in a thread of its own, with tokens of a system and of an administrator."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._axis = running_axis(folder)
        axis = self.run(self._axis.__aenter__())
        self.url = axis.url
        self.run(bootstrap_demo(axis.clients, axis.folder, axis.url))
        chief = self.run(create_administrator(folder, "chief", axis.url))
        self.system = self.run(self._system_token(folder / "clients" / "office.json"))
        self.administrator = self.run(self._administrator_token(chief))

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def stop(self) -> None:
        self.run(self._axis.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _system_token(self, path: Path) -> str:
        async with DocaxisClient(self.url, Credentials.load(path)) as client:
            return await client.access_token()

    async def _administrator_token(self, path: Path) -> str:
        async with Administration(self.url, Credentials.load(path)) as client:
            return (await client._transport.authorization()).removeprefix("Bearer ")


@pytest.fixture(scope="module")
def axis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("fuzz") / "data")
    yield served
    served.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_has_an_answer_that_the_document_does_not_describe(
    axis: Served, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{axis.url}/openapi.json")
    tried: set[int] = set()
    failures: list[str] = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        failures += _faults(axis, found.ok(), mode, tried)
    assert not failures, "\n\n".join(failures)
    assert {200, 404, 422} <= tried, "the requests did reach the routes"


def _faults(axis: Served, operation: Any, mode: GenerationMode, tried: set[int]) -> list[str]:
    token = axis.administrator if "/admin/" in operation.path else axis.system
    try:
        strategy = operation.as_strategy(generation_mode=mode)
    except Exception as error:  # noqa: BLE001 - nothing can be wrong with what takes nothing
        return [] if mode is GenerationMode.NEGATIVE else [f"{operation.label}: {error!r}"]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def call(data: st.DataObject) -> None:
        case = data.draw(strategy)
        if "wait" in (case.query or {}):
            case.query["wait"] = 0  # a long-poll has nothing to hide, and takes long
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = case.call(headers=headers, timeout=30)
        except RequestException:
            # Above that a header is cut off without an answer (`http_protocol`).
            assert len(case.as_curl_command()) > LARGEST_HEADER
            return
        tried.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS, headers=headers)

    try:
        call()
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all are tried before it fails
        if type(error).__name__ in ("Unsatisfiable", "SkipTest", "Skipped"):
            return []
        return [f"{operation.label}: {type(error).__name__}: {error}"[:1000]]
    return []
