"""Webhooks and the live stream for code without an event loop: each call waits for its answer."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from docaxis_client import client, tracking
from docaxis_client.own_loop import Waiting
from docaxis_client.watching import Event


class Subscriptions(Waiting):
    """A system's subscriptions and what they were told; see `docaxis_client.DocaxisClient`."""

    _axis: client.DocaxisClient

    def subscribe(
        self,
        url: str,
        *,
        organisations: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        document_types: Sequence[int] | None = None,
        idempotency_key: str | None = None,
    ) -> tracking.Subscription:
        """Have news told to a webhook."""
        return self._run(
            self._axis.subscribe(
                url,
                organisations=organisations,
                event_types=event_types,
                document_types=document_types,
                idempotency_key=idempotency_key,
            )
        )

    def subscriptions(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> tracking.SubscriptionsPage:
        """List the system's subscriptions."""
        return self._run(self._axis.subscriptions(limit=limit, cursor=cursor))

    def subscription(self, subscription_id: str) -> tracking.Subscription:
        """Get one subscription."""
        return self._run(self._axis.subscription(subscription_id))

    def change_subscription(
        self,
        subscription_id: str,
        url: str,
        *,
        organisations: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        document_types: Sequence[int] | None = None,
        paused: bool = False,
    ) -> tracking.Subscription:
        """Change a subscription as a whole."""
        return self._run(
            self._axis.change_subscription(
                subscription_id,
                url,
                organisations=organisations,
                event_types=event_types,
                document_types=document_types,
                paused=paused,
            )
        )

    def rotate_secret(
        self, subscription_id: str, *, overlap_s: int = 86_400, idempotency_key: str | None = None
    ) -> tracking.NewSecret:
        """Have another secret sign."""
        return self._run(
            self._axis.rotate_secret(
                subscription_id, overlap_s=overlap_s, idempotency_key=idempotency_key
            )
        )

    def test_subscription(self, subscription_id: str) -> tracking.SubscriptionTest:
        """Have a signed test sent now."""
        return self._run(self._axis.test_subscription(subscription_id))

    def replay_notifications(
        self, subscription_id: str, notification_id: str | None = None
    ) -> None:
        """Have one notification told again, or all that were given up."""
        self._run(self._axis.replay_notifications(subscription_id, notification_id))

    def events(
        self,
        *,
        types: Sequence[str] = (),
        organisations: Sequence[str] = (),
        cursor: str | None = None,
    ) -> Iterator[Event]:
        """Follow what happens for ever; leaving the loop closes the connection."""
        stream = self._axis.events(types=types, organisations=organisations, cursor=cursor)
        try:
            yield from self._each(stream)
        finally:
            if not self._loop.closed:
                self._run(_closed(stream))

    def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription."""
        self._run(self._axis.unsubscribe(subscription_id))

    def notifications(
        self,
        subscription_id: str,
        *,
        state: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> tracking.NotificationsPage:
        """List what a subscription was told."""
        return self._run(
            self._axis.notifications(subscription_id, state=state, limit=limit, cursor=cursor)
        )


async def _closed(stream: AsyncGenerator[Any, None]) -> None:
    await stream.aclose()
