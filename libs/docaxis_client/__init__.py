"""What an integrator imports to connect a document system to the axis.

    async with DocaxisClient(url, Credentials.load(path)) as axis:
        sent = await axis.submit(document, [OutgoingFile("thu.pdf", pdf)])
        async for item in axis.inbox_stream():
            ...

`docaxis_client.sync.DocaxisClient` has the same methods for code without an event loop. Start
reading at `client`; `transport` holds what makes repeats safe. Exports load on first use, so
that a command that only wants the errors stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docaxis_client.client import DocaxisClient
    from docaxis_client.credentials import Credentials
    from docaxis_client.errors import (
        AxisUnavailable,
        CredentialsUnusable,
        DigestMismatch,
        DocaxisClientError,
        FieldError,
        ProblemError,
        ReceiptInvalid,
    )
    from docaxis_client.models import DocumentType, Signer
    from docaxis_client.receipts import ReceiptClaims, verify_receipt
    from docaxis_client.submission import NewDocument, OutgoingFile
    from docaxis_client.tracking import StatusReport
    from docaxis_client.watching import Event

__all__ = [
    "AxisUnavailable",
    "Credentials",
    "CredentialsUnusable",
    "DigestMismatch",
    "DocaxisClient",
    "DocaxisClientError",
    "DocumentType",
    "Event",
    "FieldError",
    "NewDocument",
    "OutgoingFile",
    "ProblemError",
    "ReceiptClaims",
    "ReceiptInvalid",
    "Signer",
    "StatusReport",
    "verify_receipt",
]

_HOMES = {
    "client": ("DocaxisClient",),
    "credentials": ("Credentials",),
    "errors": (
        "AxisUnavailable",
        "CredentialsUnusable",
        "DigestMismatch",
        "DocaxisClientError",
        "FieldError",
        "ProblemError",
        "ReceiptInvalid",
    ),
    "models": ("DocumentType", "Signer"),
    "receipts": ("ReceiptClaims", "verify_receipt"),
    "submission": ("NewDocument", "OutgoingFile"),
    "tracking": ("StatusReport",),
    "watching": ("Event",),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"docaxis_client.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
