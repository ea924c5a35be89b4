"""TLS between services: each has a certificate, and believes only its own authority's.

Files are read again when they change, so that short-lived certificates need no restart.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc

_SCHEMES = ("dns:///", "dns:")
_LIST_SCHEMES = ("ipv4:", "ipv6:")
"""gRPC takes several addresses after these, separated by commas."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: this service's certificate chain and key, and the authority of all services."""

    certificate: Path
    key: Path
    authority: Path

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Changes when a file changes. Raises `OSError`."""
        stats = [path.stat() for path in (self.certificate, self.key, self.authority)]
        return tuple((each.st_mtime_ns, each.st_size) for each in stats)

    def server_credentials(self) -> grpc.ServerCredentials:
        """Credentials that ask every client for a certificate and follow the files."""
        known = self.stamp()

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal known
            try:
                now = self.stamp()
                if now == known:
                    return None
                configuration = self._configuration()
            except OSError:
                # Half-way through a rotation: what served until now serves on.
                return None
            known = now
            return configuration

        # The stubs do not know that None means "as before".
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(), cast(Any, fetch), require_client_authentication=True
        )

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Credentials of a client, as the files are now."""
        return grpc.ssl_channel_credentials(
            self.authority.read_bytes(), self.key.read_bytes(), self.certificate.read_bytes()
        )

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], self.authority.read_bytes())


def tls_files(
    certificate: Path | None, key: Path | None, authority: Path | None
) -> TlsFiles | None:
    """The three together; None where none is given. Raises `ValueError` where some are missing."""
    if certificate is None and key is None and authority is None:
        return None
    if certificate is None or key is None or authority is None:
        raise ValueError("certificate, key and authority of TLS go together")
    return TlsFiles(certificate, key, authority)


def is_unix(address: str) -> bool:
    """Whether an address names a unix socket (`unix:/run/docaxis/routing.sock`)."""
    return address.startswith("unix:")


def is_loopback(address: str) -> bool:
    """Whether an address is reached from here alone.

    It is `host:port`, `[v6]:port`, `dns:///host:port`, or a list of gRPC's
    (`ipv4:127.0.0.1:1,127.0.0.1:2`), of which each must be.
    """
    addresses = [address]
    for scheme in _LIST_SCHEMES:
        if address.startswith(scheme):
            addresses = address.removeprefix(scheme).split(",")
    return all(map(_is_one_loopback, addresses))


def require_safe(address: str, tls: TlsFiles | None) -> None:
    """Raise `ValueError` where calls would cross a network in the clear."""
    if tls is None and not is_unix(address) and not is_loopback(address):
        raise ValueError(f"{address} is not a loopback address: it needs TLS (mutual)")


def _is_one_loopback(address: str) -> bool:
    host = _without_scheme(address).rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _without_scheme(address: str) -> str:
    """Of gRPC's names; one that names a resolver of its own (`dns://10.0.0.2/…`) stays whole."""
    for scheme in _SCHEMES:
        if address.startswith(scheme):
            return address.removeprefix(scheme)
    return address
