"""Starts again what ended by itself, with pauses that grow: what Kubernetes does to a container."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tools.cluster.errors import ClusterError

_LOOK_S = 0.1
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_STEADY_S = 20.0
"""What ran for so long begins again with the first pause."""


class Startable(Protocol):
    """What is looked after."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def running(self) -> bool:
        """Whether it is there."""
        ...

    def start(self) -> None:
        """Start it; returns at once. Raises `ClusterError` where it runs already."""


Tell = Callable[[Startable, float, Exception | None], object]


@dataclass(slots=True)
class _Kept:
    subject: Startable
    restarts: int = 0
    failures: int = 0
    """In a row."""
    started_at: float = field(default_factory=time.monotonic)
    again_at: float | None = None
    """When it will be started again; None while it runs."""


class Supervisor:
    """A thread that looks ten times a second.

    `tell` is called when something ended, with the seconds until it is started again, and with the
    error (else None) where that failed.

    All starts go through it, so that nothing is started twice.
    """

    def __init__(self, tell: Tell = lambda subject, pause_s, error: None) -> None:
        self._tell = tell
        self._kept: dict[str, _Kept] = {}
        self._restarts: dict[str, int] = {}
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, subject: Startable) -> None:
        """Start it where it does not run, and start it again from now on."""
        with self._lock:
            kept = _Kept(subject, self._restarts.get(subject.name, 0))
            self._kept[subject.name] = kept
            if not subject.running:
                subject.start()
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="supervisor", daemon=True)
                self._thread.start()

    def release(self, subject: Startable) -> None:
        """Do not start it again; on return no start of it is under way."""
        with self._lock:
            kept = self._kept.pop(subject.name, None)
            if kept is not None:
                self._restarts[subject.name] = kept.restarts

    def restarts(self, subject: Startable) -> int:
        """How often it was started again."""
        with self._lock:
            kept = self._kept.get(subject.name)
            return kept.restarts if kept else self._restarts.get(subject.name, 0)

    def end(self) -> None:
        """Start nothing again; the thread ends."""
        self._ending.set()
        with self._lock:
            self._kept.clear()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        while not self._ending.wait(_LOOK_S):
            with self._lock:
                for kept in list(self._kept.values()):
                    self._look_at(kept)

    def _look_at(self, kept: _Kept) -> None:
        if kept.subject.running:
            return
        now = time.monotonic()
        if kept.again_at is None:
            if now - kept.started_at > _STEADY_S:
                kept.failures = 0
            pause_s = min(_FIRST_PAUSE_S * 2**kept.failures, _LONGEST_PAUSE_S)
            kept.failures += 1
            kept.again_at = now + pause_s
            self._tell(kept.subject, pause_s, None)
        elif now >= kept.again_at:
            kept.restarts += 1
            kept.started_at, kept.again_at = now, None
            try:
                kept.subject.start()
            except (ClusterError, OSError) as error:  # tried again like one that ended at once
                self._tell(kept.subject, 0.0, error)
