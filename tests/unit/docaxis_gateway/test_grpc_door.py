"""The server: TLS as REST has it, health, what it tells of itself, a stop within its grace."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from docaxis_gateway.early_app import EarlyApp
from docaxis_gateway.public_grpc.door import PublicGrpcServer
from docaxis_gateway.settings import GatewaySettings
from docaxis_proto import gateway_v1_pb2 as pb
from docaxis_proto.gateway_v1_pb2_grpc import GatewayStub
from docaxis_proto.routing_v1_pb2_grpc import RoutingStub
from docaxis_runtime.grpc_client import twin
from docaxis_runtime.health import Health
from tests.cluster.tls_files import self_signed
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.public_grpc import refusal, rpc_of

_Health = health_pb2.HealthCheckResponse


def test_it_listens_at_the_port_after_rest_unless_told() -> None:
    settings = GatewaySettings()
    assert settings.grpc_ports == (8081, 0)
    assert replace(settings, port=0).grpc_ports == (0,)
    assert replace(settings, port=65535).grpc_ports == (0,)
    assert replace(settings, grpc_port=9000).grpc_ports == (9000,)


def test_certificates_have_a_port_of_their_own_where_some_count(tmp_path: Path) -> None:
    settings = GatewaySettings()
    assert settings.grpc_certificate_ports == ()
    pem = tmp_path / "x.pem"
    secured = replace(settings, tls_certificate=pem, tls_key=pem, tls_client_authorities=pem)
    assert secured.grpc_certificate_ports == (8082, 0)
    assert replace(secured, port=65534).grpc_certificate_ports == (0,)
    assert replace(secured, grpc_certificate_port=9001).grpc_certificate_ports == (9001,)


def test_it_speaks_in_the_clear_on_loopback_alone() -> None:
    early, health = EarlyApp(Health()), Health()
    exposed = GatewaySettings(host="0.0.0.0", port=0)
    with pytest.raises(ValueError, match="not a loopback address"):
        PublicGrpcServer(early, exposed, health)
    PublicGrpcServer(early, replace(exposed, behind_tls_proxy=True), health)


async def test_tls_is_that_of_rest(world: World, tmp_path: Path) -> None:
    pair = self_signed()
    certificate, key = tmp_path / "tls.pem", tmp_path / "tls.key"
    certificate.write_text(pair.certificate)
    key.write_text(pair.key)
    async with rpc_of(world, tls_certificate=certificate, tls_key=key) as rpc:
        address = f"127.0.0.1:{rpc.server.port}"
        credentials = grpc.ssl_channel_credentials(pair.certificate.encode())
        async with grpc.aio.secure_channel(address, credentials) as channel:
            stub = GatewayStub(channel)
            me = await stub.GetMe(pb.GetMeRequest(), metadata=rpc.metadata(), timeout=20)
            assert me.system_id == world.sender.system_id
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await GatewayStub(channel).GetMe(pb.GetMeRequest(), timeout=5)
            assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_a_taken_port_is_an_error_of_the_system(world: World) -> None:
    async with rpc_of(world) as rpc:
        again = replace(world.gateway.settings, grpc_port=rpc.server.port)
        server = PublicGrpcServer(EarlyApp(Health()), again, Health())
        with pytest.raises(OSError, match="cannot listen"):
            await server.start()
        await server.stop()  # harmless
        unset = replace(again, grpc_port=None, port=rpc.server.port - 1)
        server = PublicGrpcServer(EarlyApp(Health()), unset, Health())
        await server.start()
        assert server.port not in (0, rpc.server.port)
        await server.stop()


async def test_health_follows_the_process(world: World) -> None:
    async with rpc_of(world) as rpc:
        stub = health_pb2_grpc.HealthStub(rpc.channel)
        for service in ("", "docaxis.gateway.v1.Gateway"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == _Health.SERVING
        world.gateway.health.part("test").not_ready("failed to start")
        answer = await stub.Check(health_pb2.HealthCheckRequest())
        assert answer.status == _Health.NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await anext(aiter(stub.Watch(health_pb2.HealthCheckRequest())))
        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_before_all_is_there_callers_are_told_to_come_again() -> None:
    health = Health()
    server = PublicGrpcServer(EarlyApp(health), GatewaySettings(port=0), health)
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await GatewayStub(channel).GetMe(pb.GetMeRequest(), timeout=5)
            told = refusal(raised.value)
            assert (told.code, told.retry_s) == ("unavailable", 1.0)
    finally:
        await server.stop()


async def test_it_tells_its_own_interface_and_nothing_behind_it(world: World) -> None:
    async with rpc_of(world) as rpc:
        stub = reflection_pb2_grpc.ServerReflectionStub(rpc.channel)

        async def ask(**question: str) -> reflection_pb2.ServerReflectionResponse:
            request = reflection_pb2.ServerReflectionRequest(**question)
            call = stub.ServerReflectionInfo(iter([request]))
            return await anext(aiter(call))

        listed = await ask(list_services="")
        names = {each.name for each in listed.list_services_response.service}
        assert names == {
            "docaxis.gateway.v1.Gateway",
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }
        found = await ask(file_containing_symbol="docaxis.gateway.v1.Gateway")
        files = [
            FileDescriptorProto.FromString(each)
            for each in found.file_descriptor_response.file_descriptor_proto
        ]
        assert "docaxis_proto/gateway_v1.proto" in {each.name for each in files}
        assert (await ask(file_containing_symbol="google.rpc.ErrorInfo")).HasField(
            "file_descriptor_response"
        )
        hidden = await ask(file_containing_symbol="docaxis.registry.v1.Registry")
        assert hidden.HasField("error_response")


async def test_a_stop_waits_for_calls_under_way_no_longer_than_its_grace(world: World) -> None:
    """The grace of the world's settings is one second."""
    async with rpc_of(world) as rpc:
        started = asyncio.Event()

        async def never(request: Any, context: Any) -> Any:
            started.set()
            await asyncio.Event().wait()

        world.routing.GetDocument = never  # type: ignore[method-assign]
        services = replace(world.gateway.services, routing=twin(world.routing, RoutingStub))
        world.gateway.services = services
        asked = pb.GetDocumentRequest(document_id="0190d8b4-7ab3-8080-a635-4dfe64cab2e3")
        call = asyncio.create_task(rpc.call("GetDocument", asked))
        await started.wait()
        began = asyncio.get_running_loop().time()
        await rpc.server.stop()
        assert asyncio.get_running_loop().time() - began < 3.0
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
            await call
