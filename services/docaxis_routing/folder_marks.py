"""Doors that give files to documents, and sweeps that remove what none claimed (L31).

Any number of both, in any processes, and any of them may stop or die between two steps. What must
never be: a submission in the log whose files a sweep removed, because it saw no document.

A door:

- D1 writes the files (`put`, `take`);
- D2 sees that the folder's generation is still the last one, or does D1 again, in the last;
- D3 sees that it began a few minutes ago, or refuses;
- D4 appends the command.

A sweep:

- S1 begins the folder's next generation (`retire`);
- S2 sees that nobody touched a file of an older one for a day, or leaves the folder (`retire`);
- S3 lets the partition decide all that stands there, and sees no document, or leaves the folder;
- S4 removes the older generations (`remove_retired`).

Take a file that a door wrote last at D1, before it appended, and a sweep that removes the file's
generation at S4. At D2 the generation was the last one, so D2 was before S1, and D1 before S2. So
the sweep saw when the door wrote the file: a day ago or more. D4 was a few minutes after that, for
D3 refuses else; so it was before S3, and at S3 the submission was decided: it had made a document,
or was refused.

A door never waits for a sweep, nor a sweep for a door or another sweep. Who dies leaves at most a
folder, which a later sweep removes, and an empty mark, which is forgotten after a month. A sweep
that is stopped for long and goes on removes only what was old and unclaimed when it looked.

Some things are left to time. The minutes and the day are told by different clocks, which may be
hours apart. A process that stops between D3 and D4 and goes on a day later is not seen by D3.
"""

from dataclasses import dataclass

from docaxis_eventsourcing.errors import DocaxisError

_DAYS_REMEMBERED = 30
_DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class FolderMarks:
    """The times that doors and sweeps agree on; the marks are the file store's (`retire`)."""

    append_within_ms: int = 600_000

    def check_in_time(self, began_ms: int, now_ms: int) -> None:
        """D3, for a door that began to take files then. Raises `DocaxisError` `unavailable`."""
        if now_ms - began_ms > self.append_within_ms:
            raise DocaxisError("unavailable", retry_after_s=1.0)

    def untouched_since(self, now_ms: int, keep_ms: int) -> int:
        """The moment for S2: `keep_ms` ago, but never within what a door may take."""
        return now_ms - max(keep_ms, 2 * self.append_within_ms)

    def forgotten_before(self, now_ms: int) -> int:
        """Whoever began a sweep before that moment is gone: its marks are forgotten."""
        return now_ms - _DAYS_REMEMBERED * _DAY_MS
