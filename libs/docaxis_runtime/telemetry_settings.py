"""Settings of telemetry, under the names that OpenTelemetry gives them.

The exporter itself reads what else `OTEL_EXPORTER_OTLP_*` says (headers, certificate, time-out,
compression), `OTEL_BSP_*`, `OTEL_METRIC_EXPORT_INTERVAL` and `OTEL_RESOURCE_ATTRIBUTES`.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Sampler(StrEnum):
    """Which traces are recorded; those that fail are, always (see `telemetry_sdk.spans`)."""

    ALWAYS_ON = "always_on"
    ALWAYS_OFF = "always_off"
    RATIO = "traceidratio"
    PARENT_ON = "parentbased_always_on"
    PARENT_OFF = "parentbased_always_off"
    PARENT_RATIO = "parentbased_traceidratio"


class Exporter(StrEnum):
    """Where one kind of telemetry goes."""

    OTLP = "otlp"
    NONE = "none"


class Protocol(StrEnum):
    """How OTLP is spoken."""

    GRPC = "grpc"


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Where traces, figures and log lines go; nowhere, at no cost, unless an address is given."""

    otlp_endpoint: str = field(
        default="",
        metadata={
            "env": "OTEL_EXPORTER_OTLP_ENDPOINT",
            "help": "Address of the OpenTelemetry collector (http://collector:4317); empty: none.",
        },
    )
    otlp_protocol: Protocol = field(
        default=Protocol.GRPC,
        metadata={
            "env": "OTEL_EXPORTER_OTLP_PROTOCOL",
            "help": "How the collector is spoken to: OTLP over gRPC, and no other way.",
        },
    )
    traces_exporter: Exporter = field(
        default=Exporter.OTLP,
        metadata={"env": "OTEL_TRACES_EXPORTER", "help": "none: no traces go to the collector."},
    )
    metrics_exporter: Exporter = field(
        default=Exporter.OTLP,
        metadata={"env": "OTEL_METRICS_EXPORTER", "help": "none: no metrics go to the collector."},
    )
    logs_exporter: Exporter = field(
        default=Exporter.OTLP,
        metadata={"env": "OTEL_LOGS_EXPORTER", "help": "none: no log lines go to the collector."},
    )
    traces_sampler: Sampler = field(
        default=Sampler.PARENT_ON,
        metadata={
            "env": "OTEL_TRACES_SAMPLER",
            "help": "Which traces are recorded. With parentbased_… a caller that says whether its"
            " trace is recorded decides.",
        },
    )
    traces_sampler_arg: float = field(
        default=1.0,
        metadata={
            "env": "OTEL_TRACES_SAMPLER_ARG",
            "min": 0.0,
            "max": 1.0,
            "help": "The share of traces that …traceidratio records.",
        },
    )
    sdk_disabled: bool = field(
        default=False,
        metadata={"env": "OTEL_SDK_DISABLED", "help": "true: no telemetry, whatever else is set."},
    )
    metrics_listen: str = field(
        default="",
        metadata={
            "env": "DOCAXIS_METRICS_LISTEN",
            "help": "Where /metrics is served for Prometheus: host:port, in the clear and to"
            " anybody who reaches it, so never on a public address; empty: nowhere.",
        },
    )

    @property
    def wanted(self) -> bool:
        """Whether anything is to be recorded."""
        return not self.sdk_disabled and bool(self.otlp_endpoint or self.metrics_listen)

    def metrics_address(self) -> tuple[str, int]:
        """Host and port of `/metrics`. Raises `ValueError`."""
        host, colon, port = self.metrics_listen.rpartition(":")
        if not colon or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"DOCAXIS_METRICS_LISTEN is {self.metrics_listen!r}, not host:port")
        return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - as the operator wrote it
