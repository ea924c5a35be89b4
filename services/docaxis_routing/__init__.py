"""Routing: documents, deliveries, mailboxes.

Owns `docaxis.routing.commands.*`, `docaxis.routing.events` and its states and views. Events in:
the signature service's `DocumentVerified`; the registry's, as a local view for facts. Events out:
`DocumentSubmitted`, `RecipientsAdded`, `VerdictNoted`, `DeliveriesMade`, `DeliveriesReleased`,
`DeliveriesRefused`, `DeliveriesHandedOver`.

Start with `domain` (the rules), then `grpc_servicer` (how a document gets in), `reactions` (how it
becomes deliveries) and `views` (what can be asked).
"""
