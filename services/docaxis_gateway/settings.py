"""Settings of the gateway (`DOCAXIS_GATEWAY_*`), and where its process finds the services."""

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from docaxis_runtime.tls import is_loopback

MIB = 1024 * 1024
_network = lru_cache(ip_network)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How the REST interface listens and what it takes. Sizes in bytes, times in seconds."""

    host: str = field(
        default="127.0.0.1",
        metadata={"env": "DOCAXIS_HTTP_HOST", "help": "Address to listen on."},
    )
    port: int = field(
        default=8080,
        metadata={
            "env": "DOCAXIS_HTTP_PORT",
            "min": 0,
            "max": 65535,
            "help": "Port to listen on; 0 takes a free one.",
        },
    )
    grpc_port: int | None = field(
        default=None,
        metadata={
            "env": "DOCAXIS_GRPC_PORT",
            "min": 0,
            "max": 65535,
            "help": "Port of the public gRPC, on the same address; 0 takes a free one."
            " Where it is not set: the one after REST's, or a free one where that is taken.",
        },
    )
    grpc_certificate_port: int | None = field(
        default=None,
        metadata={
            "env": "DOCAXIS_GRPC_CERTIFICATE_PORT",
            "min": 0,
            "max": 65535,
            "help": "Port of the public gRPC that demands a client certificate, there where"
            " DOCAXIS_GATEWAY_TLS_CLIENT_AUTHORITIES is set; 0 takes a free one."
            " Where it is not set: the second one after REST's, or a free one where that is taken.",
        },
    )
    grpc_message_bytes: int = field(
        default=4 * MIB,
        metadata={
            "env": "DOCAXIS_GATEWAY_GRPC_MESSAGE_BYTES",
            "min": 64 * 1024,
            "max": 64 * MIB,
            "help": "Largest message of the public gRPC, a document with its small files included;"
            " larger files come as streams.",
        },
    )
    tls_certificate: Path | None = field(
        default=None,
        metadata={
            "env": "DOCAXIS_GATEWAY_TLS_CERTIFICATE",
            "help": "PEM certificate chain; needed to listen on other than a loopback address.",
        },
    )
    tls_key: Path | None = field(
        default=None,
        metadata={"env": "DOCAXIS_GATEWAY_TLS_KEY", "help": "PEM key of the certificate."},
    )
    tls_client_authorities: Path | None = field(
        default=None,
        metadata={
            "env": "DOCAXIS_GATEWAY_TLS_CLIENT_AUTHORITIES",
            "help": "PEM certificates of the authorities whose client certificates are taken; "
            "which system has one, the registry says.",
        },
    )
    certificate_proxies: tuple[str, ...] = field(
        default=(),
        metadata={
            "env": "DOCAXIS_GATEWAY_CERTIFICATE_PROXIES",
            "help": "Addresses or networks of the proxies whose Client-Cert (RFC 9440) is taken.",
        },
    )
    behind_tls_proxy: bool = field(
        default=False,
        metadata={
            "env": "DOCAXIS_GATEWAY_BEHIND_TLS_PROXY",
            "help": "A proxy in front speaks TLS: listen in the clear on any address.",
        },
    )
    issuer: str = field(
        default="docaxis",
        metadata={
            "env": "DOCAXIS_GATEWAY_ISSUER",
            "help": "Name of this axis, which an assertion may name as its audience.",
        },
    )
    public_url: str = field(
        default="",
        metadata={
            "env": "DOCAXIS_GATEWAY_PUBLIC_URL",
            "help": "The interface's own address (https://…); an assertion may name its /token.",
        },
    )
    token_lifetime_s: int = field(
        default=900,
        metadata={
            "env": "DOCAXIS_GATEWAY_TOKEN_LIFETIME_S",
            "min": 60,
            "max": 3600,
            "help": "Life of an access token.",
        },
    )
    signature_leeway_s: int = field(
        default=120,
        metadata={
            "env": "DOCAXIS_GATEWAY_SIGNATURE_LEEWAY_S",
            "min": 1,
            "max": 900,
            "help": "How far the time of a signed request (RFC 9421) may be from the axis's.",
        },
    )
    max_json_bytes: int = field(
        default=4 * MIB,  # 100,000 recipients' codes fit in
        metadata={
            "env": "DOCAXIS_GATEWAY_MAX_JSON_BYTES",
            "min": 1024,
            "help": "Largest JSON body or document part.",
        },
    )
    max_file_bytes: int = field(
        default=16 * MIB,
        metadata={
            "env": "DOCAXIS_GATEWAY_MAX_FILE_BYTES",
            "min": 1,
            "help": "Largest single file, uploaded in one request or sent with its document.",
        },
    )
    max_upload_bytes: int = field(
        default=2048 * MIB,
        metadata={
            "env": "DOCAXIS_GATEWAY_MAX_UPLOAD_BYTES",
            "min": 1,
            "max": 5120 * MIB,
            "help": "Largest single file, uploaded in pieces.",
        },
    )
    upload_hours: float = field(
        default=24.0,
        metadata={
            "env": "DOCAXIS_GATEWAY_UPLOAD_HOURS",
            "min": 0.01,
            "help": "How long an unfinished upload waits for its next piece; after "
            "DOCAXIS_ROUTING_STAGING_HOURS it is removed.",
        },
    )
    max_multipart_bytes: int = field(
        default=64 * MIB,
        metadata={
            "env": "DOCAXIS_GATEWAY_MAX_MULTIPART_BYTES",
            "min": 1024,
            "help": "Largest document with its files in one request.",
        },
    )
    body_idle_s: float = field(
        default=15.0,
        metadata={
            "env": "DOCAXIS_GATEWAY_BODY_IDLE_S",
            "min": 0.1,
            "help": "Longest pause within a body.",
        },
    )
    body_start_s: float = field(
        default=30.0,
        metadata={
            "env": "DOCAXIS_GATEWAY_BODY_START_S",
            "min": 0.1,
            "help": "Time for a whole body, to which its bytes add at the slowest allowed rate.",
        },
    )
    body_bytes_per_s: int = field(
        default=16 * 1024,
        metadata={
            "env": "DOCAXIS_GATEWAY_BODY_BYTES_PER_S",
            "min": 1,
            "help": "Slowest rate at which a large body may come.",
        },
    )
    max_requests: int = field(
        default=2000,
        metadata={
            "env": "DOCAXIS_GATEWAY_MAX_REQUESTS",
            "min": 1,
            "help": "Requests at the same time, long-polls included; more are told to come later.",
        },
    )
    max_requests_per_system: int = field(
        default=500,
        metadata={
            "env": "DOCAXIS_GATEWAY_MAX_REQUESTS_PER_SYSTEM",
            "min": 1,
            "help": "The same for one system.",
        },
    )
    stream_heartbeat_s: int = field(
        default=15,
        metadata={
            "env": "DOCAXIS_GATEWAY_STREAM_HEARTBEAT_S",
            "min": 1,
            "max": 60,
            "help": "Seconds from one sign of life of a live stream to the next.",
        },
    )
    stream_stalled_s: float = field(
        default=30.0,
        metadata={
            "env": "DOCAXIS_GATEWAY_STREAM_STALLED_S",
            "min": 0.1,
            "help": "Seconds after which a live stream whose client takes nothing is cut.",
        },
    )
    stream_longest_s: float = field(
        default=900.0,
        metadata={
            "env": "DOCAXIS_GATEWAY_STREAM_LONGEST_S",
            "min": 1.0,
            "help": "Seconds after which a live stream ends, for its client to come back.",
        },
    )
    requests_per_s: float = field(
        default=1000.0,
        metadata={
            "env": "DOCAXIS_GATEWAY_REQUESTS_PER_S",
            "min": 0.0,
            "help": "Requests a second of one system, by each replica of the gateway; 0: no limit.",
        },
    )
    requests_burst: int = field(
        default=2000,
        metadata={
            "env": "DOCAXIS_GATEWAY_REQUESTS_BURST",
            "min": 1,
            "help": "Requests that a system may have saved up.",
        },
    )
    request_log_days: int = field(
        default=30,
        metadata={
            "env": "DOCAXIS_GATEWAY_REQUEST_LOG_DAYS",
            "min": 0,
            "max": 366,
            "help": "Days for which a system can look up its own requests; 0 notes none.",
        },
    )
    request_log_per_system: int = field(
        default=500_000,
        metadata={
            "env": "DOCAXIS_GATEWAY_REQUEST_LOG_PER_SYSTEM",
            "min": 1000,
            "help": "Requests of one system that are kept; the oldest go first.",
        },
    )
    stop_grace_s: int = field(
        default=5,
        metadata={
            "env": "DOCAXIS_GATEWAY_STOP_GRACE_S",
            "min": 0,
            "help": "Time that requests under way are given at a stop.",
        },
    )

    def __post_init__(self) -> None:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS needs both the certificate and the key")
        if self.max_file_bytes > self.max_multipart_bytes:
            raise ValueError("max_multipart_bytes must not be below max_file_bytes")
        if self.tls_client_authorities is not None and self.tls_certificate is None:
            raise ValueError("client certificates need the axis's own TLS certificate and key")
        _ = self.proxy_networks

    @property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The listed proxies. Raises `ValueError` for what is no address and no network."""
        return tuple(_network(each) for each in self.certificate_proxies)

    @property
    def grpc_ports(self) -> tuple[int, ...]:
        """Ports of the public gRPC, of which the first one that is free is taken."""
        if self.grpc_port is not None:
            return (self.grpc_port,)
        return (self.port + 1, 0) if 0 < self.port < 65535 else (0,)

    @property
    def grpc_certificate_ports(self) -> tuple[int, ...]:
        """The same for the one that demands certificates; empty where nobody's would count."""
        if self.tls_client_authorities is None:
            return ()
        if self.grpc_certificate_port is not None:
            return (self.grpc_certificate_port,)
        return (self.port + 2, 0) if 0 < self.port < 65534 else (0,)

    def require_safe(self) -> None:
        """Raise `ValueError` where it would speak in the clear across a network."""
        address = f"[{self.host}]:0" if ":" in self.host else f"{self.host}:0"
        in_the_clear = self.tls_certificate is None and not self.behind_tls_proxy
        if in_the_clear and not is_loopback(address):
            raise ValueError(
                f"{self.host} is not a loopback address: set DOCAXIS_GATEWAY_TLS_CERTIFICATE "
                "and DOCAXIS_GATEWAY_TLS_KEY, or DOCAXIS_GATEWAY_BEHIND_TLS_PROXY"
            )


@dataclass(frozen=True, slots=True)
class ServiceAddressSettings:
    """Where the gateway's process finds the five services: `host:port`, `dns:///host:port` (all
    replicas behind the name, in turn) or `unix:/path`. Other machines need the TLS settings."""

    registry_address: str = field(metadata={"help": "gRPC address of the registry."})
    routing_address: str = field(metadata={"help": "gRPC address of routing."})
    signature_address: str = field(metadata={"help": "gRPC address of the signature service."})
    status_address: str = field(metadata={"help": "gRPC address of the status service."})
    notification_address: str = field(
        metadata={"help": "gRPC address of the notification service."}
    )

    def by_name(self) -> dict[str, str]:
        """The addresses by the services' names."""
        return {
            "registry": self.registry_address,
            "routing": self.routing_address,
            "signature": self.signature_address,
            "status": self.status_address,
            "notification": self.notification_address,
        }
