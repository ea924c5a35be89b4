"""Notification: webhooks and a live stream that tell what happened; ids only, pull is the truth.

Owns `docaxis.notification.commands.*`, `docaxis.notification.events` (on the partition of the
subscription, rule L3), its states and views, and each subscription's secrets behind
`ports.secrets` (`webhook.<subscription id>`, and `.<secret id>` for later ones). Events in:
routing's (`DocumentSubmitted`, `RecipientsAdded`, `VerdictNoted`, `DeliveriesMade`,
`DeliveriesReleased`, `DeliveriesRefused`, `DeliveriesHandedOver`), status's (`StatusesReported`),
and the registry's about systems, as a local view. Events out: `SubscriptionMade`,
`SubscriptionChanged`, `SubscriptionEnded`, `SecretRotated`, `SecretExpired`, `ReplayAsked`,
`NotificationQueued`, `AttemptFailed`, `AttemptDue`, `NotificationHeld`, `NotificationDelivered`,
`NotificationGivenUp`, `NotificationReplayed`.

Start with `domain` (the rules), then `reactions` (what is told to whom), `effects` and `webhooks`
(how it is told) and `grpc_servicer`; the live stream begins at `event_feed`.
"""
