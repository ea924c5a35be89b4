"""What a crash or a lost answer does to `apply` (L33), made to order for tests."""

from dataclasses import dataclass, field
from random import Random


@dataclass(slots=True)
class StoreUnkindness:
    """How often an `apply` is cut. Chances are between 0 and 1; seeded."""

    seed: int = 1
    cut_before_chance: float = 0.05
    """Raises `Unavailable`, having done nothing."""
    cut_after_chance: float = 0.05
    """Raises `Unavailable`, having done everything: the answer was lost."""
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - misfortune, not a secret

    def cuts_before(self) -> bool:
        """Whether this `apply` fails before it begins."""
        return self._random.random() < self.cut_before_chance

    def cuts_after(self) -> bool:
        """Whether this `apply` fails after it is done."""
        return self._random.random() < self.cut_after_chance
