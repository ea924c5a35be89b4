"""What a real broker does and an embedded log hides (L33), made to order for tests.

Never on in production. Seeded: the same seed draws the same misfortunes, although tasks may meet
them in another order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random


@dataclass(slots=True)
class Unkindness:
    """How unkind the log shall be. Chances are between 0 and 1."""

    seed: int = 1
    gap_chance: float = 0.2
    """Offsets jump before a record (transaction markers, aborted records)."""
    longest_gap: int = 9
    late_chance: float = 0.3
    """A committed batch is seen by readers only later; `end` counts it at once (L15)."""
    latest_ms: int = 20
    regain_chance: float = 0.05
    """After a batch its consumer loses its partitions and gets them again: the batch in hand is
    fenced (L11), and its records come once more from the committed position."""
    decide_regain: Callable[[], bool] | None = None
    """Decides instead of `regain_chance`, where a test wants to choose the moment."""
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.regain_chance >= 1:
            raise ValueError("a consumer that loses every batch never gets anywhere")
        self._random = Random(self.seed)  # noqa: S311 - misfortune, not a secret

    def gap(self) -> int:
        """How many offsets to leave out before the next record."""
        if self._random.random() >= self.gap_chance:
            return 0
        return self._random.randint(1, max(1, self.longest_gap))

    def delay_s(self) -> float:
        """How long readers do not see what was just committed."""
        if self._random.random() >= self.late_chance:
            return 0.0
        return self._random.uniform(0, self.latest_ms / 1000)

    def regains(self) -> bool:
        """Whether the consumer that was just given a batch loses and regains its partitions."""
        if self.decide_regain is not None:
            return self.decide_regain()
        return self._random.random() < self.regain_chance
