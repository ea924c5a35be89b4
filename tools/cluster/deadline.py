"""Waiting for something to become true, up to a deadline."""

import time
from collections.abc import Callable

from tools.cluster.errors import ClusterError

_PAUSE_S = 0.05


def wait_until(is_so: Callable[[], bool], within_s: float, otherwise: Callable[[], str]) -> None:
    """Ask `is_so` until it answers true.

    `is_so` may raise `ClusterError` to give up at once. Raises `ClusterError` with the words of
    `otherwise` when `within_s` seconds have passed.
    """
    end = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > end:
            raise ClusterError(otherwise())
        time.sleep(_PAUSE_S)
