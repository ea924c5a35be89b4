"""What an error of the client library means to the kernel."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from docaxis_adapters.kafka_log.failures import ClientBroken, error_of, is_fatal, meaning, told
from docaxis_eventsourcing.errors import Fenced, Unavailable


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KafkaError(KafkaError._TIMED_OUT), Unavailable),
        (KafkaError(KafkaError._ALL_BROKERS_DOWN), Unavailable),
        (KafkaError(KafkaError._AUTHENTICATION), Unavailable),
        (KafkaError(KafkaError.NOT_ENOUGH_REPLICAS), Unavailable),
        (KafkaError(KafkaError.KAFKA_STORAGE_ERROR), Unavailable),
        (KafkaError(KafkaError.UNSTABLE_OFFSET_COMMIT), Unavailable),
        (KafkaError(KafkaError.ILLEGAL_GENERATION), Fenced),
        (KafkaError(KafkaError.UNKNOWN_MEMBER_ID), Fenced),
        (KafkaError(KafkaError.STALE_MEMBER_EPOCH), Fenced),
        (KafkaError(KafkaError.FENCED_MEMBER_EPOCH), Fenced),
        (KafkaError(KafkaError._FENCED, "", True), ClientBroken),
        (KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "", True), ClientBroken),
        (KafkaError(KafkaError.UNSUPPORTED_VERSION), ValueError),
        (KafkaError(KafkaError.UNSUPPORTED_VERSION, "", True), ValueError),
        (KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), ValueError),
        (KafkaError(KafkaError.INVALID_CONFIG), ValueError),
        (KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), ValueError),
    ],
    ids=lambda given: given.name() if isinstance(given, KafkaError) else given.__name__,
)
def test_an_error_is_waited_for_or_dropped_or_ends_the_process(
    error: KafkaError, kind: type[Exception]
) -> None:
    assert type(meaning(error)) is kind


def test_a_consumer_says_fatal_by_its_code_alone() -> None:
    error = KafkaError(KafkaError._FATAL, "Fatal error: API version not supported")
    assert not error.fatal()
    assert is_fatal(error)
    assert isinstance(meaning(error), ClientBroken)


def test_the_meaning_says_name_and_words() -> None:
    text = str(meaning(KafkaError(KafkaError._TIMED_OUT, "no answer")))
    assert text == "Kafka: _TIMED_OUT: no answer"


def test_exceptions_of_the_library_are_told_by_their_meaning() -> None:
    with pytest.raises(Fenced) as caught, told():
        raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
    assert isinstance(caught.value.__cause__, KafkaException)
    with pytest.raises(ZeroDivisionError), told():
        raise ZeroDivisionError


def test_an_exception_without_an_error_has_one_all_the_same() -> None:
    error = error_of(KafkaException("words alone"))
    assert (error.code(), error.str()) == (KafkaError._FAIL, "words alone")
