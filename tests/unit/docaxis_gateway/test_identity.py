"""Who is shut out, who may call what and how often: rules G2 and G8; and input that is none."""

import json
import time
from typing import Any

import pytest

from docaxis_eventsourcing.moments import rfc3339
from docaxis_gateway.settings import GatewaySettings
from docaxis_gateway.token import ASSERTION_TYPE
from docaxis_proto import registry_events_v1_pb2 as events
from tests.unit.docaxis_gateway.conftest import FakeSystem, World
from tests.unit.docaxis_gateway.shown_credentials import (
    SECRET_ID,
    certificate,
    credential,
    field,
    secret_of,
    sign,
    thumbprint,
)


class TestShutOut:
    """Suspended systems and credentials outside their dates, by each kind of credential."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, certificate_proxies=("127.0.0.0/8",))

    async def refusals(self, world: World, der: bytes, secret: str) -> list[tuple[int, str]]:
        """Of the key's token, the signature and the certificate, then of asking for a token."""
        shown = (
            world.bearer(world.receiver), sign(world, secret, "GET", "/me"), field(der)
        )  # fmt: skip
        answers = [await world.call("GET", "/me", headers=each) for each in shown]
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": world.receiver.assertion(),
        }
        answers.append(await world.call("POST", "/token", data=form))
        return [(status, body.get("code", "")) for status, body, _ in answers]

    async def test_rule_G2_a_suspended_system_gets_nowhere(self, world: World) -> None:
        der, _ = certificate()
        await credential(world, world.receiver, "certificate", thumbprint(der))
        secret = await secret_of(world, world.receiver)
        assert await self.refusals(world, der, secret) == [(200, "")] * 4
        receiver = world.receiver.system_id
        for state, expected in (("suspended", (403, "system_suspended")), ("testing", (200, ""))):
            await world.tell(events.SystemOnboarded(system_id=receiver, state=state))
            await world.gateway.directory.wait_for_version(world.sequence)
            assert await self.refusals(world, der, secret) == [expected] * 4

    async def test_rule_G2_a_credential_outside_its_dates_gets_nowhere(self, world: World) -> None:
        der, _ = certificate()
        secret = await world.gateway.credential_secrets.make(SECRET_ID)
        now = int(time.time() * 1000)
        hour, expired = 3_600_000, [(401, "credential_expired")] * 4
        cases = (
            ((now - 2 * hour, now - hour), expired),
            ((now + hour, 0), expired),
            ((now - hour, now + hour), [(200, "")] * 4),
        )
        for (begins, ends), expected in cases:
            for kind, credential_id, jwk in (
                ("", world.receiver.jwk["kid"], json.dumps(world.receiver.jwk)),
                ("hmac", SECRET_ID, ""),
                ("certificate", thumbprint(der), ""),
            ):
                await world.tell(
                    events.CredentialAdded(
                        system_id=world.receiver.system_id,
                        credential_id=credential_id,
                        public_jwk=jwk,
                        kind=kind,
                        not_before=begins,
                        not_after=ends,
                    )
                )
            await world.gateway.directory.wait_for_version(world.sequence)
            assert await self.refusals(world, der, secret) == expected
        _, body, _ = await world.call("GET", "/me", headers=field(der))
        assert body["credential"]["not_after"] == rfc3339(now + hour)


async def test_rule_G8_an_administrator_is_no_system(world: World) -> None:
    chief = FakeSystem(())
    await world.tell(
        events.SystemRegistered(system_id=chief.system_id, name="x", connection="administration")
    )
    await world.tell(
        events.CredentialAdded(
            system_id=chief.system_id,
            credential_id=chief.jwk["kid"],
            public_jwk=json.dumps(chief.jwk),
        )
    )
    await world.gateway.directory.wait_for_version(world.sequence)
    for path in ("/inbox", "/receipts", "/organisations", "/subscriptions"):
        status, problem, _ = await world.call("GET", path, chief)
        assert (status, problem["code"]) == (403, "systems_only")
    assert (await world.call("GET", "/me", chief))[0] == 200


class TestRates:
    """A system that calls too often."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, requests_per_s=0.5, requests_burst=3)

    async def test_a_system_is_told_when_to_come_again_and_others_are_served(
        self, world: World
    ) -> None:
        for _ in range(3):
            assert (await world.call("GET", "/me"))[0] == 200
        status, problem, headers = await world.call("GET", "/me")
        assert (status, problem["code"], headers["Retry-After"]) == (429, "rate_limited", "2")
        assert problem["retryable"]
        assert (await world.call("GET", "/me", world.receiver))[0] == 200


def test_a_bucket_fills_again() -> None:
    from docaxis_eventsourcing.errors import DocaxisError
    from docaxis_gateway.limits import RateLimits

    now = time.monotonic()
    clock = [now]
    rates = RateLimits(2.0, 2, lambda: clock[0])
    rates.take("a")
    rates.take("a")
    with pytest.raises(DocaxisError) as refused:
        rates.take("a")
    assert refused.value.retry_after_s == pytest.approx(0.5)
    rates.take("b")
    clock[0] = now + 0.5
    rates.take("a")
    clock[0] = now + 1000
    rates.take("a")
    rates.take("a")
    with pytest.raises(DocaxisError):
        rates.take("a")
    unlimited = RateLimits(0.0, 1, lambda: now)
    for _ in range(10):
        unlimited.take("a")


@pytest.mark.parametrize("path", ["/documents?sender=%00", "/organisations/%00", "/inbox?wait=NaN"])
async def test_bytes_that_are_no_text_are_refused_and_break_nothing(
    world: World, path: str
) -> None:
    status, problem, _ = await world.call("GET", path)
    assert 400 <= status < 500, problem
    assert problem["code"] != "internal"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"deliveries": "1"}, "field_invalid", "/deliveries"),
        ({"deliveries": [1]}, "field_invalid", "/deliveries/0"),
        ({"deliveries": ["\x00"]}, "field_invalid", "/deliveries/0"),
        ({"deliveries": [], "a/b~c": 1}, "validation_failed", "/a~1b~0c"),
    ],
)
async def test_what_has_the_wrong_type_or_name_is_named(
    world: World, body: dict[str, Any], code: str, pointer: str
) -> None:
    status, problem, _ = await world.call("POST", "/deliveries:acknowledge", json=body)
    assert (status, problem["code"]) == (422, code)
    assert pointer in [each["pointer"] for each in problem["errors"]]
