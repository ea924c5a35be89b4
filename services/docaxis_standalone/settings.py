"""Settings of the standalone form (`DOCAXIS_*`); each service has its own beside these."""

from dataclasses import dataclass, field

from docaxis_eventsourcing.topics import DEFAULT_PARTITIONS


@dataclass(frozen=True, slots=True)
class StandaloneSettings:
    """What the one process needs besides its services' settings."""

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
