"""Status: what became of each delivery, as its recipient and the axis itself report it.

Owns `docaxis.status.commands.*`, `docaxis.status.events` and its states and view; the partition is
the recipient organisation's. Events in, of routing: `DeliveriesMade`, `DeliveriesHandedOver`.
Events out: `TimelinesOpened`, `StatusesReported`, `StatusesHeld`.

Start with `domain` (the rules), then `grpc_servicer` (how a report gets in), `reactions` (what
deliveries bring about) and `views` (the timelines).
"""
