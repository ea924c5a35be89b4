"""The domain of status: the rules are in `deliveries`, what they speak of in `messages`."""

from docaxis_eventsourcing.decider import Decider, kind_of
from docaxis_status.domain import deliveries, holders
from docaxis_status.domain.deliveries import Delivery, aggregates, decide, touched
from docaxis_status.domain.holders import DEFAULT_MOST_HELD, Holder, facts_with
from docaxis_status.domain.messages import Event

__all__ = ["DECIDER", "decide", "evolve", "initial"]


def initial(name: str) -> Delivery | Holder:
    """The state of an aggregate to which nothing has happened."""
    if kind_of(name) == "holder":
        return holders.initial(name)
    return deliveries.initial(name)


def evolve(state: Delivery | Holder, event: Event) -> Delivery | Holder:
    """Fold an event into one of the aggregates that it names."""
    if isinstance(state, Holder):
        return holders.evolve(state, event)
    return deliveries.evolve(state, event)


DECIDER = Decider(
    service="status",
    fold_version=3,
    states={"delivery": Delivery, "holder": Holder},
    aggregates=aggregates,
    touched=touched,
    initial=initial,
    decide=decide,
    evolve=evolve,
    facts=facts_with(DEFAULT_MOST_HELD),
)
