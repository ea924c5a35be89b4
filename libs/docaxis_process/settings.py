"""Settings of every process (`DOCAXIS_*`); each service has its own beside these.

Those of its ports are in `port_settings`. Secrets are paths of files.
"""

import logging
import socket
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from docaxis_eventsourcing.topics import DEFAULT_PARTITIONS
from docaxis_runtime.telemetry_settings import TelemetrySettings
from docaxis_runtime.tls import TlsFiles, require_safe


class LogStyle(StrEnum):
    """How log lines are written."""

    JSON = "json"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class InstallationSettings(TelemetrySettings):
    """What all processes of an installation are told, the standalone too."""

    log_level: str = field(
        default="INFO",
        metadata={"env": "DOCAXIS_LOG_LEVEL", "help": "DEBUG, INFO, WARNING or ERROR."},
    )
    log_style: LogStyle = field(
        default=LogStyle.JSON,
        metadata={"env": "DOCAXIS_LOG_STYLE", "help": "json for machines, console for people."},
    )
    partitions: int = field(
        default=DEFAULT_PARTITIONS,
        metadata={
            "env": "DOCAXIS_PARTITIONS",
            "min": 1,
            "max": 1000,
            "help": "Partitions of every topic; fixed for ever when the log is first made.",
        },
    )

    def __post_init__(self) -> None:
        """Raises `ValueError` for a log level that is not known, or no address of metrics."""
        if self.log_level.upper() not in logging.getLevelNamesMapping():
            raise ValueError(f"DOCAXIS_LOG_LEVEL is {self.log_level!r}, which is no level")
        if self.metrics_listen:
            self.metrics_address()


@dataclass(frozen=True, slots=True)
class ProcessSettings(InstallationSettings):
    """What every process of the distributed form is told, the gateway's too. Times in seconds."""

    replica: str = field(
        default="",
        metadata={
            "help": "Name of this replica, different for each of a service and the same when it"
            " comes back; the host's name where none is given.",
        },
    )
    stop_within_s: float = field(
        default=25.0,
        metadata={"min": 1.0, "help": "Seconds from SIGTERM to the end of the process, at most."},
    )
    tls_certificate: Path | None = field(
        default=None,
        metadata={
            "help": "PEM certificate chain of this service, for gRPC between services; needed to"
            " speak with other machines.",
        },
    )
    tls_key: Path | None = field(
        default=None, metadata={"secret": True, "help": "PEM key of that certificate."}
    )
    tls_authority: Path | None = field(
        default=None,
        metadata={"help": "PEM certificates of the authority of all services, and of no others."},
    )

    def __post_init__(self) -> None:
        """Raises `ValueError` for TLS with a file missing."""
        InstallationSettings.__post_init__(self)
        files = (self.tls_certificate, self.tls_key, self.tls_authority)
        if any(files) and not all(path is not None and path.is_file() for path in files):
            raise ValueError(
                "DOCAXIS_TLS_CERTIFICATE, DOCAXIS_TLS_KEY and DOCAXIS_TLS_AUTHORITY go together,"
                " and each names a file that is there"
            )

    @property
    def replica_name(self) -> str:
        """The name of this replica."""
        return self.replica or socket.gethostname()

    @property
    def tls(self) -> TlsFiles | None:
        """The files for gRPC between services; None where all is on this machine."""
        if not (self.tls_certificate and self.tls_key and self.tls_authority):
            return None
        return TlsFiles(self.tls_certificate, self.tls_key, self.tls_authority)


@dataclass(frozen=True, slots=True)
class ServiceSettings(ProcessSettings):
    """What the process of each of the five services is told besides."""

    listen: str = field(
        kw_only=True,
        metadata={"help": "Where gRPC listens: host:port, or unix:/path (without TLS)."},
    )
    health_listen: str = field(
        default="",
        metadata={
            "help": "A second address, host:port, that serves grpc.health.v1 alone and in the"
            " clear: for probes that speak no TLS.",
        },
    )
    views_kept_s: float = field(
        default=15.0,
        metadata={
            "min": 0.0,
            "help": "Seconds that a view's old build stays after a rebuild: until every replica"
            " has followed.",
        },
    )

    def __post_init__(self) -> None:
        """Raises `ValueError` for an address that needs TLS and has none."""
        ProcessSettings.__post_init__(self)
        require_safe(self.listen, self.tls)
