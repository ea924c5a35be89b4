"""What every answer has, limits, health, and the OpenAPI document."""

import asyncio
import json
import re
from typing import Any

import pytest
from fastapi import FastAPI

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway.languages import choose_language
from docaxis_gateway.limits import InFlight
from docaxis_gateway.problems import problem_body
from docaxis_gateway.response_models import HealthState, KeySet, Problem
from docaxis_gateway.server import HttpServer
from docaxis_gateway.settings import GatewaySettings
from docaxis_runtime.error_table import ERRORS
from tests.unit.docaxis_gateway.conftest import World


async def test_every_answer_has_its_id_and_safe_headers(world: World) -> None:
    for path in ("/me", "/nowhere", "/health/live", "/openapi.json"):
        _, _, headers = await world.call("GET", path)
        assert re.fullmatch(r"[0-9a-f-]{36}", headers["X-Request-Id"])
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Server" not in headers
    _, _, headers = await world.call("GET", "/me", headers={"X-Request-Id": "my-id.1"})
    assert headers["X-Request-Id"] == "my-id.1"
    assert headers["Cache-Control"] == "no-store"
    _, _, headers = await world.call("GET", "/me", headers={"X-Request-Id": "a b<script>"})
    assert headers["X-Request-Id"] != "a b<script>"


async def test_addresses_and_methods_that_do_not_exist(world: World) -> None:
    status, problem, headers = await world.call("GET", "/nowhere")
    assert (status, problem["code"]) == (404, "not_found")
    assert headers["Content-Type"] == "application/problem+json"
    Problem.model_validate(problem)
    status, problem, headers = await world.call("DELETE", "/me")
    assert (status, problem["code"], headers["Allow"]) == (405, "method_not_allowed", "GET")
    status, problem, _ = await world.call("GET", "/me/")
    assert (status, problem["code"]) == (404, "not_found")


async def test_health(world: World) -> None:
    root = world.base.removesuffix("/api/v1")
    for base in (root, world.base):
        async with world.http.get(f"{base}/health/ready") as answer:
            body = await answer.json()
            HealthState.model_validate(body)
            assert (answer.status, body) == (200, {"status": "ready", "parts": {"test": "ready"}})
    world.gateway.health.part("log").not_ready("disk full")
    async with world.http.get(f"{root}/health/ready") as answer:
        assert answer.status == 503
        assert (await answer.json())["parts"] == {"test": "ready", "log": "disk full"}
    async with world.http.get(f"{root}/health/live") as answer:
        assert answer.status == 200


async def test_keys_are_public_and_may_be_kept(world: World) -> None:
    async with world.http.get(world.base + "/keys") as answer:
        KeySet.model_validate_json(await answer.read())
        assert answer.headers["Cache-Control"] == "public, max-age=300"


class TestLimits:
    """More requests than there is room for."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, max_requests=3, max_requests_per_system=1)

    async def test_a_system_and_then_all_are_told_to_come_later(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = asyncio.Event()

        async def slow(request: Any, context: Any) -> Any:
            await release.wait()
            raise DocaxisError("unknown_receipt")

        monkeypatch.setattr(world.gateway.services.signature, "ListReceipts", slow_call(slow))
        first = asyncio.create_task(world.call("GET", "/receipts"))
        await asyncio.sleep(0.1)
        status, problem, headers = await world.call("GET", "/me")
        assert (status, problem["code"], headers["Retry-After"]) == (429, "busy", "1")
        assert problem["retryable"]
        second = asyncio.create_task(world.call("GET", "/receipts", world.receiver))
        await asyncio.sleep(0.1)
        world.gateway.in_flight.enter()
        status, problem, _ = await world.call("GET", "/health/live")
        assert (status, problem["code"]) == (429, "busy")
        world.gateway.in_flight.leave()
        release.set()
        assert (await first)[0] == (await second)[0] == 404
        assert (await world.call("GET", "/me"))[0] == 200


def slow_call(behaviour: Any) -> Any:
    async def call(request: Any, **_options: Any) -> Any:
        return await behaviour(request, None)

    return call


def test_counts_come_back_to_nothing() -> None:
    counts = InFlight(1, 1)
    counts.enter_for("a")
    with pytest.raises(DocaxisError):
        counts.enter_for("a")
    counts.leave_for("a")
    counts.enter_for("a")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "vi"),
        ("en", "en"),
        ("EN-us", "en"),
        ("fr, en;q=0.2", "en"),
        ("en;q=0.5, vi;q=0.9", "vi"),
        ("en;q=x", "vi"),
        ("en;q=0", "vi"),
        ("en;q=nan", "vi"),
        (";;;,,", "vi"),
    ],
)
def test_languages(header: str, language: str) -> None:
    assert choose_language(header) == language


def test_a_code_that_is_not_in_the_table_is_internal() -> None:
    body = problem_body(DocaxisError("no_such_code"), "en", "r")
    assert (body["code"], body["status"]) == ("internal", 500)


def test_no_clear_text_across_a_network() -> None:
    with pytest.raises(ValueError, match="not a loopback"):
        HttpServer(FastAPI(), GatewaySettings(host="0.0.0.0"))
    HttpServer(FastAPI(), GatewaySettings(host="0.0.0.0", behind_tls_proxy=True))


async def test_headers_without_end_close_the_connection(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    try:
        for index in range(100):
            writer.write(f"X-{index}: {'x' * 1000}\r\n".encode())
            await writer.drain()
        assert await asyncio.wait_for(reader.read(), 5) == b""
    except ConnectionError:
        pass
    writer.close()


class TestOpenApi:
    """The document that integrators generate their clients from."""

    @pytest.fixture
    async def api(self, world: World) -> Any:
        root = world.base.removesuffix("/api/v1")
        async with world.http.get(f"{root}/openapi.json") as answer:
            assert answer.status == 200
            return await answer.json()

    async def test_every_route_is_there_with_its_problems(self, api: Any) -> None:
        routes = {
            f"{method.upper()} {path.removeprefix('/api/v1')}"
            for path, operations in api["paths"].items()
            for method in operations
        }
        assert routes == set(
            """
            POST /token|GET /me|GET /requests|GET /keys|GET /organisations|GET /organisations/{code}
            POST /uploads|HEAD /uploads/{upload_id}|PATCH /uploads/{upload_id}
            DELETE /uploads/{upload_id}|PUT /uploads/{upload_id}|POST /documents
            GET /documents|GET /documents/{document_id}
            GET /events|GET /subscriptions/{subscription_id}|PUT /subscriptions/{subscription_id}
            POST /subscriptions/{subscription_id}:test
            POST /subscriptions/{subscription_id}:rotate-secret
            POST /subscriptions/{subscription_id}/notifications:replay
            POST /subscriptions/{subscription_id}/notifications/{notification_id}:replay
            GET /documents/{document_id}/deliveries|GET /documents/{document_id}/verdict
            GET /documents/{document_id}/timeline|GET /documents/{document_id}/receipts
            GET /documents/{document_id}/files/{digest}|GET /inbox|POST /deliveries:acknowledge
            POST /documents:check|GET /documents/{document_id}/refused
            GET /deliveries|POST /deliveries/{delivery_id}:resend
            POST /deliveries/{delivery_id}/statuses|POST /statuses|GET /receipts
            GET /statuses/unmatched|GET /statistics|GET /statistics/feedback
            GET /receipts/{receipt_id}|POST /subscriptions|GET /subscriptions
            DELETE /subscriptions/{subscription_id}
            GET /subscriptions/{subscription_id}/notifications|GET /health/live|GET /health/ready
            GET /organisations/{code}/reachability|GET /recipient-groups|POST /recipient-groups
            GET /recipient-groups/{group_id}|PUT /recipient-groups/{group_id}
            DELETE /recipient-groups/{group_id}
            POST /admin/organisations|POST /admin/organisations/{code}:lock
            GET /admin/organisations|GET /admin/organisations/{code}
            POST /admin/organisations:merge|PUT /admin/systems/{system_id}/onboarding
            PUT /admin/systems/{system_id}/security-level
            PUT /admin/systems/{system_id}/credentials/{credential_id}
            POST /admin/organisations/{code}:unlock|POST /admin/systems|GET /admin/systems
            PUT /admin/organisations/{code}/signature-policy|GET /admin/systems/{system_id}
            PUT /admin/systems/{system_id}/organisations|POST /admin/systems/{system_id}:lock
            POST /admin/systems/{system_id}:unlock|POST /admin/systems/{system_id}/credentials
            DELETE /admin/systems/{system_id}/credentials/{credential_id}
            POST /admin/accounts|GET /admin/accounts|POST /admin/accounts:find
            GET /admin/accounts/{account_id}|PUT /admin/accounts/{account_id}/person
            POST /admin/accounts/{account_id}:lock|POST /admin/accounts/{account_id}:unlock
            POST /admin/accounts/{account_id}:erase|POST /admin/accounts/{account_id}/roles
            POST /admin/accounts/{account_id}/roles:end
            """.replace("\n", "|")
            .replace("            ", "")
            .strip("|")
            .split("|")
        ) - {""}
        for path, operations in api["paths"].items():
            for method, operation in operations.items():
                if "/health/" in path:
                    continue
                problems = [
                    answer
                    for answer in operation["responses"].values()
                    if "application/problem+json" in answer.get("content", {})
                ]
                assert problems, f"{method} {path}"
                public = path.endswith(("/token", "/keys"))
                assert public or operation["security"] == [{"accessToken": []}], path

    async def test_references_lead_somewhere(self, api: Any) -> None:
        text = json.dumps(api)
        known = api["components"]["schemas"]
        for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
            assert name in known
        assert "HTTPValidationError" not in text
        submit = known["SubmitDocument"]
        assert submit["additionalProperties"] is False
        assert submit["properties"]["subject"]["maxLength"] == 500
        assert "http://" not in text
        assert "cdn" not in text

    async def test_codes_are_those_of_the_table(self, api: Any) -> None:
        text = json.dumps(api["paths"])
        described = set(re.findall(r"Problem: ([^\"]+)", text))
        for words in described:
            for code in re.findall(r"`([a-z_]+)`", words):
                assert code in ERRORS
