"""A submit that the axis keeps durably but has not decided yet (202): waiting for the decision."""

import asyncio
import time

import msgspec

from docaxis_client.errors import ProblemError
from docaxis_client.models import Document, Submission
from docaxis_client.transport import Request, Transport

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0


async def decided_submission(
    transport: Transport, pending: Submission, within_s: float
) -> Submission:
    """Ask for the document until it is decided, or the time is over.

    Raises `ProblemError` when it was refused. Returns `pending` itself when time is over: the
    axis has the document, and decides it later.
    """
    request = Request("GET", f"/documents/{pending.id}")
    deadline = time.monotonic() + within_s
    pause = _FIRST_PAUSE_S
    while time.monotonic() + pause < deadline:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
        try:
            reply = await transport.call(request)
        except ProblemError as problem:
            # Not among the documents yet. Any other problem is the refusal.
            if problem.status != 404:
                raise
            continue
        if reply.status == 202:
            continue
        document = msgspec.json.decode(reply.body, type=Document)
        if document.status != "pending":
            return msgspec.structs.replace(
                pending,
                status=document.status,
                accepted_at=document.accepted_at,
                recipients=document.recipients,
                refused=document.refused,
                receipt=document.receipts[0] if document.receipts else pending.receipt,
            )
    return pending
