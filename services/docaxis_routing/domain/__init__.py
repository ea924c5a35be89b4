"""The rules of routing: `decide` and `evolve`, and what they work on.

Rules 1-10 and 22 are about documents (`documents`), 11-17 and 26 about deliveries and mailboxes
(`deliveries`), 18-21 about slices of many recipients (`slices`), 23-25 about expiry (`expiry`).
Documents and their slices lie on the partition of the document id's first part, deliveries and
mailboxes on that of the recipient organisation (rule L3).
"""

from docaxis_eventsourcing.decider import Decider
from docaxis_routing.domain import deliveries, documents, expiry, slices
from docaxis_routing.domain.aggregates import aggregates, initial, touched
from docaxis_routing.domain.decisions import decide, evolve
from docaxis_routing.domain.facts import FactsProvider

FOLD_VERSION = 2
STATES: dict[str, type] = {
    "document": documents.Document,
    "submission": documents.Submission,
    "slice": slices.Slice,
    "delivery": deliveries.Delivery,
    "mailbox": deliveries.Mailbox,
}


def decider(facts: FactsProvider) -> Decider:
    """The domain as the processor uses it; `facts` resolves codes and locks."""
    return Decider(
        service="routing",
        fold_version=FOLD_VERSION,
        states=STATES,
        aggregates=aggregates,
        touched=touched,
        initial=initial,
        decide=decide,
        evolve=evolve,
        facts=facts,
        timer=expiry.timer,
    )


__all__ = ["FOLD_VERSION", "STATES", "aggregates", "decide", "decider", "evolve", "initial"]
