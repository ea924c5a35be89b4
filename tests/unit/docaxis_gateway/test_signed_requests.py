"""Requests signed with a secret: rules G5, G7, and G2 for them."""

import json
from datetime import UTC, datetime, timedelta

from docaxis_proto import registry_events_v1_pb2 as events
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.shown_credentials import (
    SECRET_ID,
    credential,
    secret_of,
    sign,
)


async def test_rule_G5_a_signed_request_is_its_systems(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    for path in ("/me", "/organisations?query=an+giang&limit=2"):
        status, body, _ = await world.call("GET", path, headers=sign(world, secret, "GET", path))
        assert status == 200, body
    status, body, _ = await world.call("GET", "/me", headers=sign(world, secret, "GET", "/me"))
    assert body["system_id"] == world.receiver.system_id
    assert body["credential"] == {"id": SECRET_ID, "kind": "hmac", "until": None, "not_after": None}


async def test_rule_G5_its_nonce_counts_once(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    headers = sign(world, secret, "GET", "/me")
    assert (await world.call("GET", "/me", headers=headers))[0] == 200
    status, problem, _ = await world.call("GET", "/me", headers=headers)
    assert (status, problem["code"]) == (401, "signature_replayed")


async def test_rule_G5_the_body_has_the_digest_that_was_signed(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    path = "/deliveries:acknowledge"
    body = json.dumps({"deliveries": ["01890a5d-ac96-774b-bcce-b302099a8057"]}).encode()
    sent = {"Content-Type": "application/json"}
    headers = {**sign(world, secret, "POST", path, body), **sent}
    status, _, _ = await world.call("POST", path, headers=headers, data=body)
    assert status == 200
    headers = {**sign(world, secret, "POST", path, body), **sent}
    other = body.replace(b"8057", b"8058")
    status, problem, _ = await world.call("POST", path, headers=headers, data=other)
    assert (status, problem["code"]) == (422, "digest_mismatch")
    headers = {**sign(world, secret, "POST", path), **sent}
    status, problem, _ = await world.call("POST", path, headers=headers, data=body)
    assert (status, problem["code"]) == (401, "signature_incomplete")
    assert "content-digest" in problem["detail"]


async def test_rule_G5_a_file_that_is_not_what_was_signed_leaves_nothing(world: World) -> None:
    secret = await secret_of(world, world.sender)
    path = "/uploads/01890a5d-ac96-774b-bcce-b302099a8057"
    headers = {**sign(world, secret, "PUT", path, b"good"), "Content-Type": "a/b"}
    status, problem, _ = await world.call("PUT", path, headers=headers, data=b"evil")
    assert (status, problem["code"]) == (422, "digest_mismatch")
    assert world.staged() == []
    headers = {**sign(world, secret, "PUT", path, b"good"), "Content-Type": "a/b"}
    assert (await world.call("PUT", path, headers=headers, data=b"good"))[0] == 201


async def test_rule_G5_signatures_that_prove_nothing(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    hour = datetime.now(UTC) - timedelta(hours=1)
    cases = {
        "signature_unknown_key": sign(world, secret, "GET", "/me"),
        "signature_invalid": sign(world, "another", "GET", "/me"),
        "signature_stale": sign(world, secret, "GET", "/me", created=hour),
        "signature_malformed": {**sign(world, secret, "GET", "/me"), "Signature": ""},
    }
    cases["signature_unknown_key"]["Signature-Input"] = cases["signature_unknown_key"][
        "Signature-Input"
    ].replace(SECRET_ID, "nobody's-key-at-all")
    for code, headers in cases.items():
        status, problem, _ = await world.call("GET", "/me", headers=headers)
        assert (status, problem["code"]) == (401, code)
        assert not problem["retryable"]
    _, problem, _ = await world.call("GET", "/me", headers=cases["signature_stale"])
    assert f"{datetime.now(UTC):%Y-%m-%dT%H}" in problem["detail"], "the axis's time is told"


async def test_rule_G5_a_secret_that_is_not_here_or_cannot_be_read(world: World) -> None:
    await credential(world, world.receiver, "hmac", SECRET_ID)
    headers = sign(world, "x", "GET", "/me")
    status, problem, _ = await world.call("GET", "/me", headers=headers)
    assert (status, problem["code"]) == (401, "signature_unknown_key")
    folder = world.folder.parent / "secrets" / f"credential.{SECRET_ID}"
    folder.mkdir()
    status, problem, _ = await world.call("GET", "/me", headers=sign(world, "x", "GET", "/me"))
    assert (status, problem["code"]) == (503, "unavailable")


async def test_rule_G2_locked_or_revoked_no_signature_counts(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    await world.lock(world.receiver)
    status, problem, _ = await world.call("GET", "/me", headers=sign(world, secret, "GET", "/me"))
    assert (status, problem["code"]) == (403, "system_locked")
    revoked = events.CredentialRevoked(system_id=world.receiver.system_id, credential_id=SECRET_ID)
    await world.tell(revoked)
    await world.gateway.directory.wait_for_version(world.sequence)
    status, problem, _ = await world.call("GET", "/me", headers=sign(world, secret, "GET", "/me"))
    assert (status, problem["code"]) == (401, "signature_unknown_key")


async def test_rule_G7_one_way_at_a_time(world: World) -> None:
    secret = await secret_of(world, world.receiver)
    headers = {**sign(world, secret, "GET", "/me"), **world.bearer(world.receiver)}
    status, problem, _ = await world.call("GET", "/me", headers=headers)
    assert (status, problem["code"]) == (401, "several_credentials")
