"""In which order a batch's commands of one partition are decided (L10).

Lane by lane, the most urgent first. Within a lane senders take turns, so that who sent thousands
does not come before everybody else; commands that name a common aggregate keep their order, and so
do those of one sender.
"""

from collections import defaultdict, deque
from collections.abc import Sequence

from docaxis_eventsourcing.deciding import Pending


def in_turns(pendings: Sequence[Pending], lanes: Sequence[str]) -> list[Pending]:
    """The commands of one partition, given in log order within each lane (a topic's name)."""
    by_lane: dict[str, list[Pending]] = {lane: [] for lane in lanes}
    for pending in pendings:
        by_lane[pending.record.topic].append(pending)
    return [pending for each in by_lane.values() for pending in _by_sender(each)]


def _by_sender(pendings: list[Pending]) -> list[Pending]:
    senders: dict[str, deque[int]] = defaultdict(deque)
    for place, pending in enumerate(pendings):
        senders[pending.record.envelope.actor].append(place)
    if len(senders) < 2:
        return pendings
    named: dict[str, deque[int]] = defaultdict(deque)
    for place, pending in enumerate(pendings):
        for name in dict.fromkeys(pending.names):
            named[name].append(place)
    ordered: list[Pending] = []
    while senders:  # the oldest that is left is always free to go
        for sender, queue in list(senders.items()):
            pending = pendings[queue[0]]
            if any(named[name][0] != queue[0] for name in pending.names):
                continue  # an older command of somebody else names the same aggregate
            queue.popleft()
            for name in dict.fromkeys(pending.names):
                named[name].popleft()
            if not queue:
                del senders[sender]
            ordered.append(pending)
    return ordered
