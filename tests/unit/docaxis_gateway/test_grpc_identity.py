"""Who calls over gRPC is found out, limited, noted and refused as over REST."""

import base64
import json
import time

import pytest

from docaxis_eventsourcing.moments import rfc3339
from docaxis_gateway.settings import GatewaySettings
from docaxis_proto import gateway_v1_pb2 as pb
from docaxis_proto import registry_events_v1_pb2 as events
from tests.unit.docaxis_gateway.conftest import FakeSystem, World
from tests.unit.docaxis_gateway.public_grpc import Rpc, rpc_of
from tests.unit.docaxis_gateway.shown_credentials import certificate, credential, thumbprint

HOUR = 3_600_000


def shown(der: bytes) -> list[tuple[str, str]]:
    return [("client-cert", f":{base64.b64encode(der).decode()}:")]


async def outcome(rpc: Rpc, metadata: list[tuple[str, str]]) -> tuple[str, str]:
    refused = await rpc.refused("GetInbox", pb.GetInboxRequest(), metadata=metadata)
    return refused.grpc, refused.code


async def test_a_certificate_of_an_unlisted_source_is_refused(world: World) -> None:
    der, _ = certificate()
    await credential(world, world.receiver, "certificate", thumbprint(der))
    async with rpc_of(world) as rpc:
        expected = ("PERMISSION_DENIED", "client_certificate_source_refused")
        assert await outcome(rpc, shown(der)) == expected
        assert await outcome(rpc, [*shown(der), *rpc.metadata()]) == expected


class TestBehindAProxy:
    """A proxy on this machine that may say whose certificate it saw."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, certificate_proxies=("127.0.0.0/8",))

    async def test_a_registered_certificate_is_its_systems(self, world: World) -> None:
        der, _ = certificate()
        await credential(world, world.receiver, "certificate", thumbprint(der))
        async with rpc_of(world) as rpc:
            me = await rpc.call("GetMe", pb.GetMeRequest(), metadata=shown(der))
        assert (me.system_id, me.credential.kind) == (world.receiver.system_id, "certificate")
        assert me.credential.HasField("until")
        assert not me.credential.HasField("not_after")

    async def test_suspended_systems_and_credentials_outside_their_dates_get_nowhere(
        self, world: World
    ) -> None:
        der, _ = certificate()
        receiver, now = world.receiver, int(time.time() * 1000)

        async def dated(begins: int, ends: int) -> None:
            for kind, credential_id, jwk in (
                ("", receiver.jwk["kid"], json.dumps(receiver.jwk)),
                ("certificate", thumbprint(der), ""),
            ):
                added = events.CredentialAdded(
                    system_id=receiver.system_id,
                    credential_id=credential_id,
                    public_jwk=jwk,
                    kind=kind,
                    not_before=begins,
                    not_after=ends,
                )
                await world.tell(added)
            await world.gateway.directory.wait_for_version(world.sequence)

        async with rpc_of(world) as rpc:
            ways = (rpc.metadata(receiver), shown(der))
            for begins, ends in ((now - 2 * HOUR, now - HOUR), (now + HOUR, 0)):
                await dated(begins, ends)
                for way in ways:
                    assert await outcome(rpc, way) == ("UNAUTHENTICATED", "credential_expired")
            await dated(0, now + HOUR)
            for way in ways:
                me = await rpc.call("GetMe", pb.GetMeRequest(), metadata=way)
                told = me.credential.not_after.ToMilliseconds()
                assert rfc3339(told) == rfc3339(now + HOUR)
            suspended = events.SystemOnboarded(system_id=receiver.system_id, state="suspended")
            await world.tell(suspended)
            await world.gateway.directory.wait_for_version(world.sequence)
            for way in ways:
                assert await outcome(rpc, way) == ("PERMISSION_DENIED", "system_suspended")


async def test_an_administrator_is_no_system(world: World) -> None:
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
    async with rpc_of(world) as rpc:
        assert await outcome(rpc, rpc.metadata(chief)) == ("PERMISSION_DENIED", "systems_only")
        assert (await rpc.call("GetMe", pb.GetMeRequest(), chief)).role == "administrator"


class TestRates:
    """One bucket for both doors."""

    @pytest.fixture
    def settings(self) -> GatewaySettings:
        return GatewaySettings(port=0, stop_grace_s=1, requests_per_s=0.01, requests_burst=2)

    async def test_calls_of_both_doors_come_from_one_bucket(self, world: World) -> None:
        async with rpc_of(world) as rpc:
            await rpc.call("GetMe", pb.GetMeRequest())
            assert (await world.call("GET", "/me"))[0] == 200
            refused = await rpc.refused("GetMe", pb.GetMeRequest())
            assert (refused.grpc, refused.code) == ("RESOURCE_EXHAUSTED", "rate_limited")
            assert refused.retry_s
            assert (await world.call("GET", "/me"))[0] == 429
            await rpc.call("GetMe", pb.GetMeRequest(), world.receiver)


async def test_a_systems_own_calls_are_in_its_list_of_requests(world: World) -> None:
    async with rpc_of(world) as rpc:
        missing = pb.GetDocumentRequest(document_id="0192f0aa-0000-7000-8000-000000000001")
        refused = await rpc.refused("GetDocument", missing)
        await world.gateway.request_log.stop()  # which writes what it noted
        page = await rpc.call("ListRequests", pb.ListRequestsRequest())
    (entry,) = [each for each in page.items if each.request_id == refused.request_id]
    assert (entry.method, entry.route) == ("GET", "/api/v1/documents/{document_id}")
    assert (entry.status, entry.code) == (404, "unknown_document")
