"""What the client library says of brokers, in our log: the same words not again within seconds.

A client that is refused, for its certificate for example, tries twenty times a second to connect to
each broker, and says so each time.
"""

import logging
import re
import time

SAME_WORDS_EVERY_S = 10.0
_MOST_REMEMBERED = 1_000
_VARYING = re.compile(r"\d+")

LOG = logging.getLogger("docaxis.kafka")


class Repetitions(logging.Filter):
    """Lets a line pass that was not there lately; numbers in it make no difference."""

    def __init__(self, every_s: float = SAME_WORDS_EVERY_S) -> None:
        super().__init__()
        self._every_s = every_s
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes."""
        words = _VARYING.sub("", record.getMessage())
        now = time.monotonic()
        said_at = self._said.get(words)
        if said_at is not None and now - said_at < self._every_s:
            return False
        if len(self._said) >= _MOST_REMEMBERED:
            self._said.clear()
        self._said[words] = now
        return True


LOG.addFilter(Repetitions())
