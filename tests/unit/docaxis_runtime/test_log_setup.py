"""Log lines."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from docaxis_runtime.log_setup import configure_logging


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_lines_are_json_without_personal_data() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    log = structlog.get_logger("docaxis_test")
    log.info("submitted", code="x", subject="Về việc riêng", full_name="Nguyễn Văn A", token="t")
    log.debug("not shown")
    logging.getLogger("elsewhere").warning("old style %s", 1)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["submitted", "old style 1"]
    assert lines[0]["code"] == "x"
    assert lines[0]["level"] == "info"
    assert lines[0]["timestamp"].endswith("Z")
    assert "riêng" not in stream.getvalue()
    assert "Nguyễn" not in stream.getvalue()
    assert lines[0]["subject"] == lines[0]["full_name"] == lines[0]["token"] == "[withheld]"


def test_exceptions_are_told_with_their_traceback() -> None:
    stream = io.StringIO()
    configure_logging("json", "INFO", stream)
    try:
        raise ValueError("here")
    except ValueError as error:
        structlog.get_logger("x").error("failed", exc_info=error)
    assert "ValueError: here" in json.loads(stream.getvalue())["exception"]


def test_lines_for_people() -> None:
    stream = io.StringIO()
    configure_logging("console", "DEBUG", stream)
    structlog.get_logger("x").debug("hello", count=1)
    assert "hello" in stream.getvalue()
    assert "count=1" in stream.getvalue()


def test_levels_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging(level="LOUD")


def test_every_line_tells_who_speaks() -> None:
    stream = io.StringIO()
    configure_logging(
        "json", "INFO", stream, on_every_line={"service": "routing", "replica": "r-1"}
    )
    structlog.get_logger("x").info("hello")
    logging.getLogger("librdkafka").warning("a broker is down")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["service"], line["replica"]) for line in lines] == [("routing", "r-1")] * 2
