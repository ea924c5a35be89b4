"""Where a subscription's secrets lie behind the port, and which of them sign."""

from docaxis_eventsourcing.ports.secrets import Secrets
from docaxis_notification.domain.subscriptions import SubscriptionState


def secret_name(subscription_id: str, secret_id: str = "") -> str:
    """Where a secret lies: the first one has no id."""
    return f"webhook.{subscription_id}" + (f".{secret_id}" if secret_id else "")


async def signing_secrets(secrets: Secrets, subscription: SubscriptionState) -> list[bytes]:
    """The secrets that sign now, newest first; those that were removed meanwhile are left out.

    Raises `Unavailable`.
    """
    found = []
    for secret_id in subscription.secret_ids:
        try:
            found.append(await secrets.read(secret_name(subscription.subscription_id, secret_id)))
        except FileNotFoundError:
            continue
    return found
