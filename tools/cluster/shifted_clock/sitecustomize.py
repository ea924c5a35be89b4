"""A wrong time of day in this process and in those that it starts, for as long as they run.

Python imports a module of this name by itself when its folder is in `PYTHONPATH`; `clock.py` puts
it there. Everything that Python code asks the time of day is changed: `time.time`, `time.time_ns`,
`time.clock_gettime`, `datetime.now`, `utcnow` and `today`, `date.today`. Monotonic clocks stay
right, as on a machine whose clock is wrong. So do gRPC and native libraries (Kafka's and S3's
clients): an S3 store refuses whoever is more than 15 minutes off, and nothing else could be tested.
"""

import ctypes
import datetime
import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

_OFFSET_VARIABLE = "DOCAXIS_CLUSTER_CLOCK_OFFSET_S"


def shift(offset_s: int) -> None:
    """Be so many seconds ahead (behind: negative) from now on."""
    sys.meta_path.insert(0, _GrpcFinder(SimpleNamespace(**vars(time))))
    _shift_time(offset_s)
    delta = datetime.timedelta(seconds=offset_s)
    now, utcnow = datetime.datetime.now, datetime.datetime.utcnow

    def shifted_now(
        cls: type[datetime.datetime], tz: datetime.tzinfo | None = None
    ) -> datetime.datetime:
        moment = now(datetime.UTC) + delta
        moment = moment.astimezone(tz) if tz else moment.astimezone().replace(tzinfo=None)
        return moment if cls is datetime.datetime else cls.combine(moment.date(), moment.timetz())

    def shifted_utcnow(cls: type[datetime.datetime]) -> datetime.datetime:
        return utcnow() + delta

    def shifted_today(cls: type[datetime.date]) -> datetime.date:
        day = now() + delta
        return day if issubclass(cls, datetime.datetime) else day.date()

    _replace(datetime.datetime, "now", shifted_now)
    _replace(datetime.datetime, "utcnow", shifted_utcnow)
    _replace(datetime.datetime, "today", shifted_today)
    _replace(datetime.date, "today", shifted_today)


def _shift_time(offset_s: int) -> None:
    seconds, nanoseconds = time.time, time.time_ns
    clock, clock_ns = time.clock_gettime, time.clock_gettime_ns
    offset_ns = offset_s * 1_000_000_000
    time.time = lambda: seconds() + offset_s
    time.time_ns = lambda: nanoseconds() + offset_ns

    def shifted(which: int) -> float:
        return clock(which) + (offset_s if which == time.CLOCK_REALTIME else 0)

    def shifted_ns(which: int) -> int:
        return clock_ns(which) + (offset_ns if which == time.CLOCK_REALTIME else 0)

    time.clock_gettime, time.clock_gettime_ns = shifted, shifted_ns


class _GrpcFinder:
    """gRPC's own modules keep the right time.

    They take the deadline of a call, which the native part counts, from the time of day.
    """

    def __init__(self, right_time: SimpleNamespace) -> None:
        self._right_time = right_time

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] != "grpc":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next(filter(None, found), None)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            if vars(module).get("time") is time:
                vars(module)["time"] = self._right_time

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _replace(built_in: type, name: str, method: Callable[..., Any]) -> None:
    """Put a class method into a built-in type, which Python does not allow by assignment."""
    (attributes,) = gc.get_referents(built_in.__dict__)
    attributes[name] = classmethod(method)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(built_in))


if _offset := os.environ.get(_OFFSET_VARIABLE):
    shift(int(_offset))
