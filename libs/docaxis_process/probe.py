"""`python -m docaxis_process.probe`: whether the process in this container can serve; ends 0 or 1.

What it asks follows from the settings of the container: a service that has `DOCAXIS_HEALTH_LISTEN`
by `grpc.health.v1` there, all others (the gateway, the standalone) by `/health/ready`.
"""

import http.client
import os
import ssl
import sys
from collections.abc import Mapping

_WITHIN_S = 4.0
_READY = "/health/ready"
_HTTP_PORT = "8080"


def probe(environ: Mapping[str, str]) -> str:
    """Empty where the process can serve, else why not."""
    health = environ.get("DOCAXIS_HEALTH_LISTEN", "")
    if health:
        return _ask_grpc(f"127.0.0.1:{health.rpartition(':')[2]}")
    port = int(environ.get("DOCAXIS_HTTP_PORT") or _HTTP_PORT)
    return _ask_http(port, tls=bool(environ.get("DOCAXIS_GATEWAY_TLS_CERTIFICATE")))


def _ask_grpc(address: str) -> str:
    import grpc  # where the gateway is asked, it would be most of the time
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(address) as channel:
        try:
            found = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=_WITHIN_S
            )
        except grpc.RpcError as error:
            return f"{address} does not answer: {error.code().name}"
    serving = found.status == health_pb2.HealthCheckResponse.SERVING
    return "" if serving else f"{address} is not serving"


def _ask_http(port: int, *, tls: bool) -> str:
    address = f"127.0.0.1:{port}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WITHIN_S)
    if tls:
        # Its own certificate does not name this address, and nobody else can listen here.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=_WITHIN_S, context=context
        )
    try:
        connection.request("GET", _READY)
        answer = connection.getresponse()
        words = answer.read(1000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{address} does not answer: {error}"
    finally:
        connection.close()
    return "" if answer.status == http.client.OK else f"{address} is not ready: {words}"


def main() -> int:
    """Ask, and tell why not."""
    problem = probe(os.environ)
    if problem:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
