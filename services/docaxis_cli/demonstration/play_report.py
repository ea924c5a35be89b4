"""What a play of the demonstration found, as data: JSON-able, for people rendered by `report`."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from docaxis_client.errors import DocaxisClientError
from docaxis_client.models import Document
from docaxis_client.tracking import Receipt, RecipientTimeline, Verdict


class Check(msgspec.Struct, frozen=True):
    """One thing that must hold, and whether it did."""

    name: str
    ok: bool
    detail: str = ""


class Report(msgspec.Struct):
    """The checks in the order in which they were made, and what the axis told in the end."""

    url: str
    checks: list[Check] = []
    document: Document | None = None
    timeline: tuple[RecipientTimeline, ...] = ()
    verdict: Verdict | None = None
    receipts: tuple[Receipt, ...] = ()
    proven: dict[str, bool] = {}
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there were any."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    def check(self, name: str, ok: bool, detail: object = "") -> bool:
        """Note one check."""
        self.checks.append(Check(name, ok, str(detail)))
        return ok

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Note a step that fails as a failed check; the play ends there."""
        try:
            yield
        except (DocaxisClientError, OSError, TimeoutError) as error:
            self.check(name, False, f"{type(error).__name__}: {error}")
            raise PlayEnded from error


class PlayEnded(Exception):
    """A step failed on which all further ones stand; the report says which."""
