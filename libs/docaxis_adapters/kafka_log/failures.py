"""What a Kafka error means to the kernel: wait, drop the batch, or end the process."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from docaxis_eventsourcing.errors import Fenced, Unavailable

_FENCED = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.FENCED_MEMBER_EPOCH,
    KafkaError.STALE_MEMBER_EPOCH,
    KafkaError.REBALANCE_IN_PROGRESS,
}
_WRONG = {
    KafkaError.UNSUPPORTED_VERSION,
    KafkaError._UNSUPPORTED_FEATURE,
    KafkaError._INVALID_ARG,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.INVALID_TRANSACTION_TIMEOUT,
    KafkaError.INVALID_CONFIG,
    KafkaError.INVALID_PARTITIONS,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.UNSUPPORTED_ASSIGNOR,
    KafkaError.MSG_SIZE_TOO_LARGE,
}


class ClientBroken(Exception):
    """A client that can do nothing more, fenced by its successor for example (L13).

    The process has to end: whoever comes back under its name goes on.
    """


def is_fatal(error: KafkaError) -> bool:
    """Whether the client can do nothing more; a consumer says so by a code, not by the flag."""
    return error.fatal() or error.code() == KafkaError._FATAL


def meaning(error: KafkaError) -> Exception:
    """The kernel's word for an error: `Unavailable`, `Fenced`, `ClientBroken` or `ValueError`."""
    text = f"Kafka: {error.name()}: {error.str()}"
    if error.code() in _WRONG:
        return ValueError(text)
    if is_fatal(error):
        return ClientBroken(text)
    if error.code() in _FENCED:
        return Fenced(text)
    return Unavailable(text)


def error_of(exception: KafkaException) -> KafkaError:
    """The error within an exception."""
    found = exception.args[0]
    if isinstance(found, KafkaError):
        return found
    return KafkaError(KafkaError._FAIL, str(found))


@contextmanager
def told() -> Iterator[None]:
    """Raise a `KafkaException` of the block by its `meaning`."""
    try:
        yield
    except KafkaException as exception:
        raise meaning(error_of(exception)) from exception
