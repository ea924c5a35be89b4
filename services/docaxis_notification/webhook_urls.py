"""Which addresses a webhook may be sent to, so that nobody has us call what only we can reach.

Checked twice: the URL when a subscription is made and before each attempt, and every address that
its name resolves to when a connection is made (a name may lead elsewhere tomorrow).

- A complete address with https; http only to this machine, or where the settings allow it.
- No user name or password, no fragment, no signs outside of ASCII.
- No address of this machine, of private networks or of special use, unless the settings allow it.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from docaxis_notification.domain.subscriptions import LONGEST_URL
from docaxis_notification.settings import NotificationSettings


def url_fault(url: str, settings: NotificationSettings) -> str:
    """A row of the error table, `url_invalid` or `url_forbidden`; empty where all is well."""
    parts = _parts(url)
    if parts is None:
        return "url_invalid"
    host = parts.hostname or ""
    address = _address(host)
    loopback = address.is_loopback if address else _is_localhost(host)
    if parts.scheme == "http" and not (settings.allow_http or loopback):
        return "url_invalid"
    if address is not None:
        return "" if address_allowed(host, settings) else "url_forbidden"
    return "url_forbidden" if loopback and not settings.allow_loopback else ""


def address_allowed(host: str, settings: NotificationSettings) -> bool:
    """Whether an IP address may be connected to; what is no IP address may not."""
    address = _address(host)
    if address is None:
        return False
    if address.is_loopback:
        return settings.allow_loopback
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    return address.is_global or (address.is_private and settings.allow_private)


def _parts(url: str) -> SplitResult | None:
    if not 0 < len(url) <= LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        return None
    if "@" in parts.netloc or "#" in url or "\\" in url or "%" in parts.netloc:
        return None
    return parts


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        return inner or address
    return address


def _is_localhost(host: str) -> bool:
    name = host.rstrip(".").casefold()
    return name == "localhost" or name.endswith(".localhost")
