"""Signature: what the signatures of a document are worth, and what the axis itself signs.

Owns `docaxis.signature.commands.*`, `docaxis.signature.events` and its states and views; the
partition is the document's. Events in, of routing: `DocumentSubmitted` (verify and seal),
`RecipientsAdded` and `DeliveriesHandedOver` (seal). Events out: `DocumentVerified`,
`ReceiptsSealed`.

Start with `domain` (the rules), then `effects` (verifying and sealing), `views` (verdicts, receipts
and their cursor) and `grpc_servicer` (what can be asked).
"""
