"""In which lane a document's commands go (L10, ADR 0027).

Pure: what one document causes on one partition has one lane, told from its event alone.
"""

from docaxis_eventsourcing.topics import Lane

FIRST_URGENT = 1
"""Priority 1 (Khẩn) and above is urgent; 0 is Thường (the code list of edXML)."""


DOCUMENT_LANES = (Lane.URGENT, Lane.NORMAL)
"""Where submissions stand until they are decided."""


def document_lane(priority: int) -> Lane:
    """Of a document, and of its deliveries where there are at most 500."""
    return Lane.URGENT if priority >= FIRST_URGENT else Lane.NORMAL


def slices_lane(priority: int) -> Lane:
    """Of the slices of more recipients, and of their deliveries."""
    return Lane.URGENT if priority >= FIRST_URGENT else Lane.BULK
