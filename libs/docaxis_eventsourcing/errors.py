"""The one typed error that travels through every layer, and the kernel's own failures.

`DocaxisError` is carried from a domain's refusal through gRPC to the caller; its code's words and
statuses are in one table (`docaxis_runtime.error_table`). The others never leave a process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field: a JSON pointer (RFC 6901) into the request, and a code."""

    pointer: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)


class DocaxisError(Exception):
    """A request that could not be served, for a reason that its caller may know.

    `code` is a row of the error table; `params` fill the words of its message; `fields` name the
    fields at fault; `retry_after_s` says when trying again makes sense.
    """

    def __init__(
        self,
        code: str,
        params: Mapping[str, str] | None = None,
        *,
        fields: tuple[FieldProblem, ...] = (),
        retry_after_s: float | None = None,
        suggestions: tuple[str, ...] = (),
    ) -> None:
        super().__init__(code, dict(params or {}))
        self.code = code
        self.params = dict(params or {})
        self.fields = fields
        self.retry_after_s = retry_after_s
        self.suggestions = suggestions


class Fenced(Exception):
    """A batch's partition has another owner now (L11): drop all and take the partition anew."""


class CheckpointMoved(Exception):
    """`apply` was given a `start` that is not the stored checkpoint (L24)."""


class Unavailable(Exception):
    """A store, broker or disk does not answer: wait and try again, without bound (L22)."""


class StorageFull(Unavailable):
    """A disk takes no more: what was accepted stays, and it goes on when there is room again."""


class Divergence(Exception):
    """The same version with another event id (L16), or a gap: stop the partition and alarm."""


class UnknownType(Exception):
    """A stored event type that this release does not know: the fold stops here (L16)."""
