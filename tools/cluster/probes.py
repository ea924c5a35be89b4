"""Whether a process of the axis can serve, asked as a load balancer asks."""

import http.client
import json

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

READY = "ready"
_ASK_S = 2.0


def ask_service(port: int) -> str:
    """`ready`, or why not, by `grpc.health.v1`."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            found = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=_ASK_S
            )
        except grpc.RpcError:
            return "does not answer"
    return READY if found.status == health_pb2.HealthCheckResponse.SERVING else "starting"


def ask_gateway(port: int) -> str:
    """`ready`, or why not, by `/health/ready`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ASK_S)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        parts: dict[str, str] = json.loads(answer.read())["parts"]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return "does not answer"
    finally:
        connection.close()
    if answer.status == http.client.OK:
        return READY
    return "; ".join(f"{part}: {word}" for part, word in parts.items() if word != READY)
