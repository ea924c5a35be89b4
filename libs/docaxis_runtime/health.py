"""Which parts of a process are ready, why the others are not, and whether it can serve.

*Ready* is what operators want: every part does its work. *Serving* is what a load balancer wants:
all is started and nothing has failed. A part that waits for a broker or a store keeps a process
serving: its calls are answered, if only with `unavailable`, and taking every replica away at once
would tell callers less.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

READY = "ready"


@dataclass(slots=True)
class Readiness:
    """Whether a part was started; the kernel's parts have a `PartHealth` beside it."""

    name: str
    is_ready: bool = False
    reason: str = "starting"

    def ready(self) -> None:
        """From now on the part does its work."""
        self.is_ready, self.reason = True, ""

    def not_ready(self, reason: str) -> None:
        """Until told otherwise it does not; the reason is shown to operators and load balancers."""
        self.is_ready, self.reason = False, reason

    def word(self) -> str:
        """`ready`, or the reason why it is not."""
        return READY if self.is_ready else self.reason


@dataclass(frozen=True, slots=True)
class _Followed:
    word: Callable[[], str]
    can_serve: Callable[[], bool]


@dataclass(slots=True)
class Health:
    """The parts of one process. It is ready when there are parts and all of them are."""

    _parts: dict[str, Readiness] = field(default_factory=dict)
    _followed: dict[str, _Followed] = field(default_factory=dict)

    def part(self, name: str) -> Readiness:
        """The part of that name, made where it is new."""
        return self._parts.setdefault(name, Readiness(name))

    def follow(
        self, name: str, word: Callable[[], str], can_serve: Callable[[], bool] | None = None
    ) -> None:
        """Ask a part that keeps its own health: `ready`, or the reason why it is not.

        `can_serve` tells whether the process can serve beside it; without one, when it is ready.
        """
        self._followed[name] = _Followed(word, can_serve or (lambda: word() == READY))

    @property
    def ready(self) -> bool:
        """Whether every part is ready."""
        words = self.words()
        return bool(words) and all(word == READY for word in words.values())

    @property
    def serving(self) -> bool:
        """Whether all is started and no part stands in the way of calls."""
        return (
            bool(self._parts)
            and all(part.is_ready for part in self._parts.values())
            and all(part.can_serve() for part in self._followed.values())
        )

    def words(self) -> Mapping[str, str]:
        """Every part with `ready` or the reason why it is not."""
        own = {name: part.word() for name, part in self._parts.items()}
        # A part may both be started by the lifecycle and keep its own health: the worse counts.
        for name, followed in self._followed.items():
            if own.get(name, READY) == READY:
                own[name] = followed.word()
        return own
