"""A client of one bucket from settings. No environment variable changes what it does."""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Credential

_PREFIX = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_LONGEST_REQUEST = timedelta(minutes=15)
"""The last resort; `objects` gives each call a deadline of its own, far below."""
_CONNECT = timedelta(seconds=5)
_RETRIES: "RetryConfig" = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}


def connect(
    endpoint: str,
    bucket: str,
    *,
    region: str,
    access_key: str,
    secret_key: str,
    prefix: str = "",
    virtual_hosted_style: bool = False,
    ca_file: Path | None = None,
) -> S3Store:
    """A client; nothing is asked of the store yet.

    `endpoint` is `https://host[:port]`, with the bucket's name in it where the style is virtual
    hosted; plain `http` is accepted for loopback addresses alone. `ca_file` holds certificates
    (PEM) trusted beside the system's. Raises `ValueError` for a setting that cannot be right,
    `OSError` for a CA file that cannot be read.
    """
    options: ClientConfig = {
        "allow_http": _checked_endpoint(endpoint),
        "connect_timeout": _CONNECT,
        "timeout": _LONGEST_REQUEST,
    }
    if ca_file is not None:
        options["root_certificate"] = ca_file.read_bytes()
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not a key prefix: {prefix!r}")

    def credentials() -> "S3Credential":
        return {"access_key_id": access_key, "secret_access_key": secret_key, "expires_at": None}

    return S3Store(
        bucket,
        prefix=prefix or None,
        # The client reads AWS_* variables: named here is what they could turn round. Keys go in by
        # a call, so that neither a session token joins them nor `config` shows them.
        endpoint=endpoint,
        aws_endpoint_url_s3=endpoint,
        region=region,
        virtual_hosted_style_request=virtual_hosted_style,
        conditional_put="etag",
        disable_bulk_delete=False,
        s3_express=False,
        skip_signature=False,
        unsigned_payload=False,
        credential_provider=credentials,
        client_options=options,
        retry_config=_RETRIES,
    )


def _checked_endpoint(endpoint: str) -> bool:
    """Whether it is plain HTTP, which only loopback may be."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(f"not an endpoint (https://host[:port]): {parts.hostname or endpoint!r}")
    if parts.scheme == "https":
        return False
    if not _is_loopback(parts.hostname):
        raise ValueError(f"plain http is for loopback alone, not for {parts.hostname}: use https")
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
