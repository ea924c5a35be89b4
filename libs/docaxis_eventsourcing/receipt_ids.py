"""Computed ids of deliveries and receipts (L2), shared by all who name them before they exist.

Routing answers a receipt's address when it accepts a document, the signature service seals the
receipt later: both compute the same id from what the receipt is about.
"""

from docaxis_eventsourcing.identifiers import derived_id


def delivery_id(document_id: str, organisation_id: str) -> str:
    """The one delivery of a document to an organisation."""
    return derived_id("delivery", document_id, organisation_id)


def accepted_receipt_id(document_id: str, recipients_digest: str) -> str:
    """The receipt that a document was accepted for these recipients, as sent (L8).

    The same content for further recipients has another digest of recipients: another receipt.
    """
    return derived_id("receipt", "accepted", document_id, recipients_digest)


def handed_over_receipt_id(delivery_id: str) -> str:
    """The receipt that a delivery was handed over."""
    return derived_id("receipt", "handed_over", delivery_id)
