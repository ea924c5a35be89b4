"""Settings of the standalone form (`DOCAXIS_*`); each service has its own beside these."""

from dataclasses import dataclass, field
from pathlib import Path

from docaxis_process.settings import InstallationSettings


@dataclass(frozen=True, slots=True)
class StandaloneSettings(InstallationSettings):
    """What the one process needs besides its services' settings."""

    data: Path = field(
        default=Path("data"),
        metadata={"env": "DOCAXIS_DATA", "help": "Folder of the log, the files and the keys."},
    )
    synchronous: str = field(
        default="FULL",
        metadata={
            "env": "DOCAXIS_SQLITE_SYNCHRONOUS",
            "help": "SQLite's synchronous level of the log. Anything below FULL loses accepted"
            " documents when the power fails.",
        },
    )
    keep_traces: bool = field(
        default=False,
        metadata={
            "help": "Keep the last traces in the data folder, for `docaxis trace`; the"
            " demonstration does so by itself.",
        },
    )
    file_threads: int = field(
        default=8,
        metadata={
            "env": "DOCAXIS_FILE_THREADS",
            "min": 1,
            "max": 64,
            "help": "Threads that read and write attachments.",
        },
    )
