"""The driver's errors in the kernel's words: away is `Unavailable`, refused data `ValueError`.

What is neither stays as it is, and loud: a login that fails, a command that makes no sense.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bson.errors import InvalidDocument, InvalidStringData
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    WriteError,
)

from docaxis_eventsourcing.errors import Unavailable

TRANSIENT = "TransientTransactionError"
"""The transaction did nothing; it may be run again."""
UNKNOWN_COMMIT = "UnknownTransactionCommitResult"
"""The transaction may have been committed; the commit may be asked for again."""

_AWAY_LABELS = (TRANSIENT, UNKNOWN_COMMIT, "RetryableWriteError")
_AWAY_CODES = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        50,  # MaxTimeMSExpired
        64,  # WriteConcernTimeout
        79,  # UnknownReplWriteConcern
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        100,  # UnsatisfiableWriteConcern: too few members are up
        112,  # WriteConflict
        134,  # ReadConcernMajorityNotAvailableYet
        175,  # QueryPlanKilled
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        237,  # CursorKilled
        239,  # SnapshotTooOld
        246,  # SnapshotUnavailable
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        290,  # TransactionExceededLifetimeLimitSeconds
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace
    }
)
_DUPLICATE_KEY = 11000


@contextmanager
def in_kernel_words() -> Iterator[None]:
    """Raises `Unavailable` and `ValueError` in place of what the driver raises."""
    try:
        yield
    except PyMongoError as error:
        translated = in_words(error)
        if translated is error:
            raise
        raise translated from error
    except (InvalidDocument, InvalidStringData, OverflowError) as error:
        raise ValueError(f"MongoDB cannot store this: {error}") from error


def in_words(error: PyMongoError) -> Exception:
    """The kernel's error for a driver's; the same where it has none."""
    if is_away(error):
        return Unavailable(f"MongoDB: {type(error).__name__}: {_first_line(error)}")
    if is_duplicate(error):
        return ValueError(f"a unique index holds this already: {_first_line(error)}")
    if isinstance(error, BulkWriteError | WriteError | InvalidDocument):
        return ValueError(f"MongoDB refused to store this: {_first_line(error)}")
    return error


def is_away(error: PyMongoError) -> bool:
    """Whether it is the surroundings that fail: waiting and asking again makes sense."""
    if isinstance(error, ConnectionFailure) or error.timeout:
        return True
    if any(error.has_error_label(label) for label in _AWAY_LABELS):
        return True
    codes = {error.code} if isinstance(error, OperationFailure) else set()
    if isinstance(error, BulkWriteError):
        if error.details.get("writeConcernErrors"):
            return True
        codes |= {each.get("code") for each in _write_errors(error)}
    return not codes.isdisjoint(_AWAY_CODES)


def is_duplicate(error: PyMongoError) -> bool:
    """Whether a unique index refused a write."""
    if isinstance(error, BulkWriteError):
        return any(each.get("code") == _DUPLICATE_KEY for each in _write_errors(error))
    return isinstance(error, OperationFailure) and error.code == _DUPLICATE_KEY


def _write_errors(error: BulkWriteError) -> list[dict[str, Any]]:
    return error.details.get("writeErrors") or []


def _first_line(error: PyMongoError) -> str:
    """What happened, without the topology and the rows' values that the driver adds."""
    told = str(error)
    if isinstance(error, BulkWriteError) and (errors := _write_errors(error)):
        told = str(errors[0].get("errmsg", ""))
    for more in (", full error:", ", Timeout:", " dup key:"):
        told = told.split(more)[0]
    return told[:300]
