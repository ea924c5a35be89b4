"""Getting in: assertions, tokens, locks, freshness."""

import asyncio
import time
from typing import Any

import pytest

from docaxis_eventsourcing.errors import Unavailable
from docaxis_gateway.replays import SeenAssertions
from docaxis_gateway.response_models import AccessToken, Me
from docaxis_proto import registry_events_v1_pb2 as events
from docaxis_trust.access_tokens import AccessTokens
from tests.unit.docaxis_gateway.conftest import FakeSystem, World
from tests.unit.docaxis_gateway.fake_registry import organisation_id

GRANT = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
}


async def token(world: World, assertion: str, **changes: Any) -> tuple[int, Any]:
    form = {**GRANT, "client_assertion": assertion, **changes}
    form = {name: value for name, value in form.items() if value is not None}
    async with world.http.post(world.base + "/token", data=form) as answer:
        return answer.status, await answer.json(content_type=None)


async def me(world: World, authorization: str) -> tuple[int, Any, Any]:
    return await world.call("GET", "/me", headers={"Authorization": authorization})


async def test_an_assertion_gives_a_token_that_opens_the_door(world: World) -> None:
    status, body = await token(world, world.receiver.assertion())
    assert status == 200, body
    AccessToken.model_validate(body)
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    status, body, _ = await me(world, f"Bearer {body['access_token']}")
    assert status == 200
    Me.model_validate(body)
    assert body["system_id"] == world.receiver.system_id
    assert body["organisations"][1] == {
        "id": organisation_id("H29"),
        "code": "H29",
        "name": "Thành phố Hồ Chí Minh",
    }
    assert body["server_time"].endswith("Z")


async def test_an_assertion_is_used_once(world: World) -> None:
    assertion = world.sender.assertion()
    assert (await token(world, assertion))[0] == 200
    status, problem = await token(world, assertion)
    assert (status, problem["code"]) == (401, "assertion_replayed")
    assert problem["error"] == "invalid_client"


async def test_assertions_that_prove_nothing(world: World) -> None:
    now = int(time.time())
    sender, other = world.sender, FakeSystem(("G22",))
    cases = {
        "assertion_malformed": "abc",
        "assertion_unknown_key": sender.assertion(key_id="other"),
        "assertion_bad_signature": other.assertion(
            system_id=sender.system_id, key_id=sender.jwk["kid"]
        ),
        "assertion_expired": sender.assertion(now=now - 200),
        "assertion_not_yet_valid": sender.assertion(now=now + 200),
        "assertion_wrong_audience": sender.assertion(audience="elsewhere"),
        "assertion_lifetime_too_long": sender.assertion(lifetime=400),
        "system_unknown": other.assertion(),
    }
    for code, assertion in cases.items():
        status, problem = await token(world, assertion)
        assert (status, problem["code"], problem["error"]) == (401, code, "invalid_client")


async def test_forms_that_ask_for_something_else(world: World) -> None:
    assertion = world.sender.assertion()
    status, problem = await token(world, assertion, grant_type="password")
    assert (status, problem["code"]) == (400, "grant_type_unsupported")
    assert problem["error"] == "unsupported_grant_type"
    status, problem = await token(world, assertion, client_assertion=None)
    assert (status, problem["code"]) == (422, "field_required")
    async with world.http.post(world.base + "/token", json={}) as answer:
        assert answer.status == 415
    form = "grant_type=a&grant_type=b"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with world.http.post(world.base + "/token", data=form, headers=headers) as answer:
        assert (await answer.json(content_type=None))["code"] == "malformed_form"
    # What the form does not know is passed over, as OAuth says.
    assert (await token(world, assertion, scope="all"))[0] == 200


async def test_the_audience_may_be_the_endpoint(world: World) -> None:
    object.__setattr__(world.gateway.settings, "public_url", "https://truc.example/")
    assertion = world.sender.assertion(audience="https://truc.example/api/v1/token")
    assert (await token(world, assertion))[0] == 200
    assert (await token(world, world.sender.assertion()))[0] == 200


async def test_rule_G1_tokens_that_open_nothing(world: World) -> None:
    good, _ = world.gateway.tokens.issue(
        world.sender.system_id, world.sender.jwk["kid"], int(time.time())
    )
    old, _ = world.gateway.tokens.issue(
        world.sender.system_id, world.sender.jwk["kid"], int(time.time()) - 1000
    )
    foreign, _ = AccessTokens(b"x" * 32, 600).issue("a", "b", int(time.time()))
    head, payload, signature = good.split(".")
    tampered = (
        f"{head}.{payload}.{'A' + signature[1:] if signature[0] != 'A' else 'B' + signature[1:]}"
    )
    cases = {
        "": "unauthenticated",
        "Basic abc": "unauthenticated",
        "Bearer ": "unauthenticated",
        "Bearer abc": "token_malformed",
        f"Bearer {'a' * 5000}": "token_malformed",
        f"Bearer {tampered}": "token_forged",
        f"Bearer {foreign}": "token_forged",
        f"Bearer {old}": "token_expired",
    }
    for authorization, code in cases.items():
        status, problem, headers = await me(world, authorization)
        assert (status, problem["code"]) == (401, code), authorization
        assert headers["WWW-Authenticate"].startswith("Bearer")
    assert (await me(world, f"bearer {good}"))[0] == 200


async def test_rule_G2_a_locked_system_is_out(world: World) -> None:
    await world.lock(world.sender)
    status, problem, _ = await world.call("GET", "/me")
    assert (status, problem["code"]) == (403, "system_locked")
    status, problem = await token(world, world.sender.assertion())
    assert (status, problem["code"]) == (403, "system_locked")
    await world.tell(events.SystemLocked(system_id=world.sender.system_id, locked=False))
    await world.gateway.directory.wait_for_version(2)
    assert (await world.call("GET", "/me"))[0] == 200


async def test_rule_G2_a_revoked_credential_ends_its_tokens(world: World) -> None:
    await world.tell(
        events.CredentialRevoked(
            system_id=world.sender.system_id, credential_id=world.sender.jwk["kid"]
        )
    )
    await world.gateway.directory.wait_for_version(1)
    status, problem, _ = await world.call("GET", "/me")
    assert (status, problem["code"]) == (401, "credential_revoked")


async def test_rule_G2_without_fresh_news_nobody_gets_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(topic: str, partition: int) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(world.log, "end", away)
    monkeypatch.setattr(world.gateway.directory, "_fresh_as_of", time.monotonic() - 6)
    status, problem, headers = await world.call("GET", "/me")
    assert (status, problem["code"]) == (503, "unavailable")
    assert headers["Retry-After"] == "1"
    assert (await world.call("GET", "/health/live"))[0] == 200
    monkeypatch.undo()
    await asyncio.sleep(1.2)
    assert (await world.call("GET", "/me"))[0] == 200


async def test_rule_G3_a_system_registered_a_moment_ago_gets_in(world: World) -> None:
    import json

    new = FakeSystem(("G22",))
    await world.tell(
        events.SystemRegistered(
            system_id=new.system_id,
            name="mới",
            connection="direct",
            organisation_ids=[organisation_id("G22")],
        )
    )
    await world.tell(
        events.CredentialAdded(
            system_id=new.system_id, credential_id=new.jwk["kid"], public_jwk=json.dumps(new.jwk)
        )
    )
    status, body = await token(world, new.assertion())
    assert status == 200, body


def test_used_assertions_are_forgotten_when_they_have_ended() -> None:
    seen = SeenAssertions(limit=2)
    assert seen.first_use("a", "1", until=10, now=0)
    assert not seen.first_use("a", "1", until=10, now=9)
    assert seen.first_use("b", "1", until=10, now=9)
    assert seen.first_use("a", "1", until=20, now=10)
    for number in range(5):
        assert seen.first_use("a", f"x{number}", until=99, now=11)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ("locked", 403, "system_locked"),
        ("revoked", 401, "credential_revoked"),
        ("unserved", 403, "organisation_not_served"),
        ("served", 200, None),
    ],
)
async def test_rule_G4_what_was_waited_for_is_told_to_who_may_have_it_then(
    world: World, monkeypatch: pytest.MonkeyPatch, change: str, status: int, code: str | None
) -> None:
    begun, go_on, routing = asyncio.Event(), asyncio.Event(), world.gateway.services.routing
    answer = routing.GetInbox

    async def slow(request: Any, **options: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await answer(request, **options)

    monkeypatch.setattr(routing, "GetInbox", slow)
    system = world.receiver
    waiting = asyncio.create_task(world.call("GET", "/inbox", system, params={"wait": 30}))
    async with asyncio.timeout(10):
        await begun.wait()
    served = {"unserved": ("H01",), "served": ("H01", "H29", "G22")}.get(change, system.codes)
    ids = [organisation_id(each) for each in served]
    await world.tell(
        {
            "locked": events.SystemLocked(system_id=system.system_id, locked=True),
            "revoked": events.CredentialRevoked(
                system_id=system.system_id, credential_id=system.jwk["kid"]
            ),
        }.get(change, events.SystemServes(system_id=system.system_id, organisation_ids=ids))
    )
    await world.gateway.directory.wait_for_version(world.sequence)
    go_on.set()
    got, body, _ = await waiting
    assert (got, body.get("code")) == (status, code)
