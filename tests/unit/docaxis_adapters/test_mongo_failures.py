"""What becomes of the MongoDB driver's errors: away, refused, or loud."""

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from docaxis_adapters.mongo_store.failures import in_kernel_words, is_duplicate
from docaxis_eventsourcing.errors import Unavailable


def labelled(label: str) -> PyMongoError:
    error = OperationFailure("?", 999)
    error._add_error_label(label)
    return error


def refused(code: int, **more: object) -> BulkWriteError:
    return BulkWriteError(
        {"writeErrors": [{"code": code, "errmsg": "E dup key: {f0: 'H29'}"}]} | more
    )


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("gone"),
        NetworkTimeout("slow"),
        NotPrimaryError("another"),
        ServerSelectionTimeoutError("nobody, Timeout: 5s, Topology Description: …"),
        WaitQueueTimeoutError("full"),
        ExecutionTimeout("slow", 50),
        WTimeoutError("not at majority", 64),
        WriteConcernError("too few members", 100),
        labelled("TransientTransactionError"),
        labelled("UnknownTransactionCommitResult"),
        *(OperationFailure("?", code) for code in (91, 112, 189, 246, 251, 11600, 14031)),
        refused(112),
        BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64}]}),
    ],
)
def test_surroundings_that_fail_are_unavailable(error: PyMongoError) -> None:
    with pytest.raises(Unavailable) as raised, in_kernel_words():
        raise error
    assert raised.value.__cause__ is error
    assert "Topology" not in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        DuplicateKeyError("E11000 dup key: {f0: 'H29'}", 11000),
        refused(11000),
        refused(17419),
        DocumentTooLarge("16 MiB"),
        InvalidDocument("cannot encode"),
        OverflowError("8-byte ints"),
    ],
)
def test_what_cannot_be_stored_is_a_value_error_without_the_values(error: Exception) -> None:
    with pytest.raises(ValueError) as raised, in_kernel_words():
        raise error
    assert "H29" not in str(raised.value)


def test_a_duplicate_is_told_from_other_refusals() -> None:
    assert is_duplicate(refused(11000)) and is_duplicate(DuplicateKeyError("?", 11000))
    assert not is_duplicate(refused(17419)) and not is_duplicate(AutoReconnect("?"))


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure("Authentication failed.", 18),
        OperationFailure("not authorized", 13),
        OperationFailure("no such command", 59),
        InvalidOperation("after close"),
        KeyError("ours"),
    ],
)
def test_faults_stay_loud(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, in_kernel_words():
        raise error
    assert raised.value is error
