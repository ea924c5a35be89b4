"""The domain of status: the rules are in `deliveries`, what they speak of in `messages`."""

from docaxis_eventsourcing.decider import Decider
from docaxis_status.domain.deliveries import (
    Delivery,
    aggregates,
    decide,
    evolve,
    initial,
    touched,
)

__all__ = ["DECIDER", "decide", "evolve"]

DECIDER = Decider(
    service="status",
    fold_version=2,
    states={"delivery": Delivery},
    aggregates=aggregates,
    touched=touched,
    initial=initial,
    decide=decide,
    evolve=evolve,
)
