"""The standalone axis with a sampler beside it: `python -m benchmarks.profiled_axis OUT.json`.

Two hundred times a second a thread looks at what the main thread does; at the end it writes how
many samples fell into each package, by the innermost frame. A sample is taken when the sampler
gets the interpreter's lock, so time within system calls counts little: these are shares of Python
work, not of the clock.
"""

import json
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

from docaxis_standalone.__main__ import main as serve

EVERY_S = 0.005
_WAITING = {("runners.py", "run"), ("__init__.py", "run")}
"""The innermost frame while the event loop waits for the kernel."""


class Sampler(threading.Thread):
    """Counts what one thread is doing, by package."""

    def __init__(self, thread_id: int) -> None:
        super().__init__(name="sampler", daemon=True)
        self._thread_id = thread_id
        self._ended = threading.Event()
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        """Sample until ended."""
        while not self._ended.wait(EVERY_S):
            frame = sys._current_frames().get(self._thread_id)
            if frame is not None:
                self.counts[_package(frame)] += 1

    def end(self) -> Counter[str]:
        """Stop and tell."""
        self._ended.set()
        self.join()
        return self.counts


def _package(frame: FrameType) -> str:
    code = frame.f_code
    path = Path(code.co_filename)
    if (path.name, code.co_name) in _WAITING:
        return "waiting"
    parts = path.parts
    for root in ("site-packages", "libs", "services"):
        if root in parts:
            return parts[parts.index(root) + 1].removesuffix(".py")
    if code.co_filename == "<string>":
        return "dataclasses"
    return parts[-2] if path.parent.name == "asyncio" else "standard library"


def main() -> int:
    """Serve as `python -m docaxis_standalone` does, sampled."""
    sampler = Sampler(threading.get_ident())
    sampler.start()
    try:
        return serve()
    finally:
        Path(sys.argv[1]).write_text(json.dumps(sampler.end().most_common()))


if __name__ == "__main__":
    raise SystemExit(main())
