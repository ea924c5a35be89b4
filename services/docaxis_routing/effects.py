"""Routing has no slow or foreign work: verdicts and receipts are the signature service's."""
