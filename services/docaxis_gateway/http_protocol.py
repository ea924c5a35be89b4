"""uvicorn's HTTP protocol with two bounds that it lacks: how long and how large a header may be.

Without them a client that sends half a request line holds a connection for ever, and one that sends
headers without end fills the memory.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CERTIFICATE = "docaxis.certificate"
"""Where a request's scope has the certificate (DER) that its connection's client showed."""
HEADER_TIMEOUT_S = 15.0
LARGEST_HEADER = 64 * 1024
ABORT = "docaxis.abort"
"""Where a request's scope keeps what ends its connection at once, unsent bytes and all."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes connections whose headers are too slow or too large."""

    _header_timer: asyncio.TimerHandle | None = None
    _header_size = 0
    _certificate: bytes | None = None

    def connection_made(self, transport: Any) -> None:
        """A first request must come."""
        super().connection_made(transport)
        if secured := transport.get_extra_info("ssl_object"):
            self._certificate = secured.getpeercert(binary_form=True)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The next request of the connection begins."""
        super().on_message_begin()
        scope: MutableMapping[str, Any] = cast(Any, self.scope)
        scope[ABORT] = self.transport.abort
        if self._certificate:
            scope[CERTIFICATE] = self._certificate
        self._header_size = 0
        self._expect_headers()

    def on_url(self, url: bytes) -> None:
        """A piece of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """From here on the app watches over the body."""
        self._stop_waiting()
        super().on_headers_complete()

    def _expect_headers(self) -> None:
        self._stop_waiting()
        self._header_timer = self.loop.call_later(HEADER_TIMEOUT_S, self._give_up)

    def _stop_waiting(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _count(self, size: int) -> None:
        self._header_size += size
        if self._header_size > LARGEST_HEADER:
            self.transport.abort()
            raise ValueError("the header is too large")
