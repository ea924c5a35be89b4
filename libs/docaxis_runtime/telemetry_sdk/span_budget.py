"""No trace grows with a document's recipients: a part makes a bounded number of spans for each.

A document to 100,000 recipients passes a part in hundreds of batches. The first of them are spans;
the later ones are in the figures alone. What a batch writes goes on under the last span that there
is, so nothing falls out of the trace.
"""

from collections import OrderedDict

_REMEMBERED = 4096


class SpanBudget:
    """Counts one part's spans by trace; traces of long ago are forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[str, int] = OrderedDict()

    def takes(self, trace_id: str) -> bool:
        """Whether one more span of this trace may be made; it is counted."""
        made = self._made.get(trace_id, 0)
        if made >= self._most:
            return False
        self._made[trace_id] = made + 1
        self._made.move_to_end(trace_id)
        while len(self._made) > _REMEMBERED:
            self._made.popitem(last=False)
        return True
