"""A subscriber's address on this machine, which checks every signature."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError


@dataclass
class Endpoint:
    """What came, and what is answered: `answers` one by one, then 200."""

    url: str = ""
    secret: str = ""
    answers: list[Callable[[], web.StreamResponse]] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    forged: int = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        try:
            # The sample's clock may be ahead of this machine's: its timestamps are not.
            with patch("standardwebhooks.webhooks.timedelta", lambda minutes: timedelta(days=9999)):
                content = Webhook(self.secret).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.forged += 1
            return web.Response(status=401)
        self.received.append({"id": request.headers["webhook-id"], **content})
        return self.answers.pop(0)() if self.answers else web.Response(text="taken")


@asynccontextmanager
async def listening() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_post("/hook", endpoint.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    endpoint.url = f"http://{host}:{port}/hook"
    try:
        yield endpoint
    finally:
        await runner.cleanup()
