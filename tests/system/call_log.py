"""What callers of an axis saw: each attempt, each answer, each document's way. Seconds throughout.

Moments are of the monotonic clock. Nothing here judges: the figures are told beside the tests.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

import aiohttp

from docaxis_client.errors import AxisUnavailable, ProblemError

TIMEOUT = "no answer in time"
REFUSED = "connection refused"
CUT = "connection cut"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call that ended; `error` is the kind of its failure, empty for an answer."""

    operation: str
    begun: float
    ended: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller wanted and got, all repeats included."""

    operation: str
    begun: float
    """When it was first to be asked: of a document sent at a fixed rate, when it was due."""
    ended: float

    @property
    def took(self) -> float:
        """From the first attempt to the answer."""
        return self.ended - self.begun


@dataclass(slots=True)
class CallLog:
    """All calls of one run of traffic, in the order in which they ended."""

    begun: float = field(default_factory=monotonic)
    attempts: list[Attempt] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)
    """When each document that was answered had been due."""
    finished: dict[str, float] = field(default_factory=dict)
    """When each document was taken over and reported on by its last recipient."""
    unanswered: dict[int, float] = field(default_factory=dict)
    """Documents due and not yet answered, by their number: since when."""

    def errors(self) -> Counter[str]:
        """How many attempts failed, by kind."""
        return Counter(each.error for each in self.attempts if each.error)

    def backlog(self) -> int:
        """Documents that are due and not yet with all recipients."""
        return len(self.unanswered) + len(self.due) - len(self.finished)

    def oldest(self) -> float:
        """For how long the oldest of them has been waiting; 0 where there are none."""
        since = [*self.unanswered.values()]
        since += [at for document, at in self.due.items() if document not in self.finished]
        return monotonic() - min(since) if since else 0.0

    def gaps(self, begin: float, end: float) -> dict[str, float]:
        """The longest time without an answer between two moments, by operation."""
        times: defaultdict[str, list[float]] = defaultdict(lambda: [begin])
        for each in self.attempts:
            if begin <= each.ended <= end:
                if not each.error:
                    times[each.operation].append(each.ended)
                else:
                    times[each.operation]  # asked in vain: the gap may be all of the time
        return {
            operation: max(b - a for a, b in zip(found, [*found[1:], end], strict=True))
            for operation, found in times.items()
        }

    def took(self, operation: str, begin: float, end: float) -> list[float]:
        """How long answers took that were asked for between two moments."""
        return [
            each.took
            for each in self.answers
            if each.operation == operation and begin <= each.begun < end
        ]


def quantile(values: Iterable[float], share: float) -> float:
    """The value that this share of all does not exceed; not a number where there are none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def kind_of(error: Exception) -> str:
    """What a caller would call a failed attempt: an HTTP status and code, or what the network did.

    Takes what the client library raises, and `TimeoutError`.
    """
    problem = error.problem if isinstance(error, AxisUnavailable) else error
    if isinstance(problem, ProblemError):
        return f"{problem.status} {problem.code}"
    cause = error.__cause__ if isinstance(error, AxisUnavailable) else error
    if isinstance(cause, TimeoutError):
        return TIMEOUT
    if isinstance(cause, aiohttp.ClientConnectorError):
        return REFUSED
    return CUT
