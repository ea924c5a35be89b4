"""A clock that is off, for one process and without any rights (see `shifted_clock`).

Not libfaketime: under its version 0.9.10 Python's `time.sleep` never returns, because it
takes a time of the monotonic clock for one of the day.
"""

import os
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "shifted_clock"
_OFFSET_VARIABLE = "DOCAXIS_CLUSTER_CLOCK_OFFSET_S"


def clock_environment(offset_s: int) -> Mapping[str, str]:
    """The environment of a Python process whose clock is so many seconds ahead; 0 needs nothing."""
    if offset_s == 0:
        return {}
    paths = [str(_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {_OFFSET_VARIABLE: str(offset_s), "PYTHONPATH": os.pathsep.join(paths)}
