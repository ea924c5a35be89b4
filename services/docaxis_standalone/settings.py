"""Settings of the standalone form (`DOCAXIS_*`); each service has its own beside these."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from docaxis_eventsourcing.topics import DEFAULT_PARTITIONS


class LogStyle(StrEnum):
    """How log lines are written."""

    JSON = "json"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class StandaloneSettings:
    """What the one process needs besides its services' settings."""

    data: Path = field(
        default=Path("data"),
        metadata={"env": "DOCAXIS_DATA", "help": "Folder of the log, the files and the keys."},
    )
    log_level: str = field(
        default="INFO",
        metadata={"env": "DOCAXIS_LOG_LEVEL", "help": "DEBUG, INFO, WARNING or ERROR."},
    )
    log_style: LogStyle = field(
        default=LogStyle.JSON,
        metadata={"env": "DOCAXIS_LOG_STYLE", "help": "json for machines, console for people."},
    )
    partitions: int = field(
        default=DEFAULT_PARTITIONS,
        metadata={
            "env": "DOCAXIS_PARTITIONS",
            "min": 1,
            "max": 1000,
            "help": "Partitions of every topic; fixed for ever when the data folder is made.",
        },
    )
    synchronous: str = field(
        default="FULL",
        metadata={
            "env": "DOCAXIS_SQLITE_SYNCHRONOUS",
            "help": "SQLite's synchronous level of the log. Anything below FULL loses accepted"
            " documents when the power fails.",
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
