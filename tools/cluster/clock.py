"""A clock that is off, for one process and without any rights (see `shifted_clock`).

Not libfaketime: under its version 0.9.10 Python's `time.sleep` never returns, because it
takes a time of the monotonic clock for one of the day.
"""

import os
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "shifted_clock"
_OFFSET_VARIABLE = "DOCAXIS_CLUSTER_CLOCK_OFFSET_S"


def clock_environment(offset_s: int, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of a Python process whose clock is so many seconds ahead; 0 needs nothing.

    A `PYTHONPATH` stays in front; a `sitecustomize` in it has to import that of `shifted_clock`.
    """
    if offset_s == 0:
        return environment
    given = environment.get("PYTHONPATH") or os.environ.get("PYTHONPATH")
    paths = [*filter(None, [given]), str(_FOLDER)]
    return {
        **environment,
        _OFFSET_VARIABLE: str(offset_s),
        "PYTHONPATH": os.pathsep.join(paths),
    }
