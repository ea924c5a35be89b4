"""What a service's process says in its log: what it waits for, and why it ended."""

import json
from pathlib import Path

_LAST_BYTES = 256 * 1024
_ENDS = (b'"cannot_serve"', b'"process_died"', b'"process_failed"')
"""What `docaxis_process` says last."""


class ProcessLog:
    """A log file of JSON lines, to which one process after the other appends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin = 0

    def begin(self) -> None:
        """What was written so far is an earlier process's."""
        self._begin = self.path.stat().st_size if self.path.exists() else 0

    def waiting_for(self) -> str:
        """What the process waits for and why, in words; nothing where it waits for nothing.

        Such lines end with `found`; whatever is said of the same part last counts.
        """
        waits: dict[str, str] = {}
        for line in self._lines():
            if b'"waiting_for"' not in line and b'"found"' not in line:
                continue
            try:
                said = json.loads(line)
            except ValueError:
                continue
            part = str(said.get("part", ""))
            if said.get("event") == "waiting_for":
                waits[part] = f"{part} at {said.get('address')} ({said.get('reason')})"
            elif said.get("event") == "found":
                waits.pop(part, None)
        return "; ".join(waits.values())

    def why_ended(self) -> str:
        """The reason that the process gave when it ended by itself; nothing where it gave none."""
        for line in reversed(self._lines()):
            if any(event in line for event in _ENDS):
                try:
                    said = json.loads(line)
                except ValueError:
                    continue
                return str(said.get("reason") or f"{said.get('event')} {said.get('part', '')}")
        return ""

    def _lines(self) -> list[bytes]:
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(self._begin, size - _LAST_BYTES))
                return file.read().splitlines()
        except FileNotFoundError:
            return []
