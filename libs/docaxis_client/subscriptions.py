"""Webhooks: having news told to an address, and looking after that."""

from collections.abc import Sequence

import msgspec

from docaxis_client import tracking
from docaxis_client.calls import Calls, path_of, present, segment
from docaxis_client.tokens import new_key
from docaxis_client.transport import Request


class Subscriptions(Calls):
    """A system's subscriptions and what they were told."""

    async def subscribe(
        self,
        url: str,
        *,
        organisations: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        document_types: Sequence[int] | None = None,
        idempotency_key: str | None = None,
    ) -> tracking.Subscription:
        """Have news told to a webhook; keep the answer's `secret`, it is told once."""
        content = present(
            url=url,
            organisations=organisations,
            event_types=event_types,
            document_types=document_types,
        )
        return await self._post("/subscriptions", content, tracking.Subscription, idempotency_key)

    async def subscriptions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> tracking.SubscriptionsPage:
        """List the system's subscriptions."""
        path = path_of("/subscriptions", limit=limit, cursor=cursor)
        return await self._get(path, tracking.SubscriptionsPage)

    async def subscription(self, subscription_id: str) -> tracking.Subscription:
        """Get one subscription."""
        return await self._get(_path(subscription_id), tracking.Subscription)

    async def change_subscription(
        self,
        subscription_id: str,
        url: str,
        *,
        organisations: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        document_types: Sequence[int] | None = None,
        paused: bool = False,
    ) -> tracking.Subscription:
        """Change a subscription as a whole; while it is paused, what happens waits."""
        content = present(
            url=url,
            organisations=organisations,
            event_types=event_types,
            document_types=document_types,
            paused=paused,
        )
        headers = {"Content-Type": "application/json", "Idempotency-Key": new_key()}
        body = msgspec.json.encode(content)
        reply = await self._transport.call(Request("PUT", _path(subscription_id), headers, body))
        return msgspec.json.decode(reply.body, type=tracking.Subscription)

    async def rotate_secret(
        self, subscription_id: str, *, overlap_s: int = 86_400, idempotency_key: str | None = None
    ) -> tracking.NewSecret:
        """Have another secret sign; for the overlap (at most 7 days) the one before signs too."""
        path = f"{_path(subscription_id)}:rotate-secret"
        content = {"overlap_s": overlap_s}
        return await self._post(path, content, tracking.NewSecret, idempotency_key)

    async def test_subscription(self, subscription_id: str) -> tracking.SubscriptionTest:
        """Have a signed test sent to the address now, and be told how that went."""
        path = f"{_path(subscription_id)}:test"
        reply = await self._transport.call(Request("POST", path))
        return msgspec.json.decode(reply.body, type=tracking.SubscriptionTest)

    async def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription."""
        await self._transport.call(Request("DELETE", _path(subscription_id)))

    async def notifications(
        self,
        subscription_id: str,
        *,
        state: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> tracking.NotificationsPage:
        """List what a subscription was told; `state="given_up"` are its dead letters."""
        path = f"{_path(subscription_id)}/notifications"
        return await self._get(
            path_of(path, state=state, limit=limit, cursor=cursor), tracking.NotificationsPage
        )

    async def replay_notifications(
        self, subscription_id: str, notification_id: str | None = None
    ) -> None:
        """Have one notification told again, or all that were given up."""
        path = f"{_path(subscription_id)}/notifications"
        one = f"/{segment(notification_id)}" if notification_id else ""
        headers = {"Idempotency-Key": new_key()}
        await self._transport.call(Request("POST", f"{path}{one}:replay", headers))


def _path(subscription_id: str) -> str:
    return f"/subscriptions/{segment(subscription_id)}"
