"""What a process waits for, and why it ended, as its log says."""

import json
from pathlib import Path

import pytest

from tools.cluster.process_log import ProcessLog


@pytest.fixture
def log(tmp_path: Path) -> ProcessLog:
    return ProcessLog(tmp_path / "routing-0.log")


def say(log: ProcessLog, event: str, **values: object) -> None:
    with log.path.open("a") as file:
        file.write(json.dumps({"event": event, **values}, separators=(",", ":")) + "\n")


def wait_for(log: ProcessLog, part: str, reason: str) -> None:
    say(log, "waiting_for", part=part, address="a:1", seconds=1.0, reason=reason)


def test_no_file_is_no_news(log: ProcessLog) -> None:
    log.begin()
    assert log.waiting_for() == log.why_ended() == ""


def test_the_last_word_of_each_part_counts(log: ProcessLog) -> None:
    wait_for(log, "kafka", "no answer yet")
    wait_for(log, "s3", "no answer yet")
    wait_for(log, "kafka", "timed out")
    assert log.waiting_for() == "kafka at a:1 (timed out); s3 at a:1 (no answer yet)"
    say(log, "found", part="kafka")
    assert log.waiting_for() == "s3 at a:1 (no answer yet)"
    say(log, "found", part="s3")
    assert log.waiting_for() == ""


def test_lines_that_are_no_json_are_passed_over(log: ProcessLog) -> None:
    wait_for(log, "kafka", "no answer yet")
    with log.path.open("a") as file:
        file.write('Traceback: "found" it\n{"event":"found","part":\n')
    assert log.waiting_for() == "kafka at a:1 (no answer yet)"


def test_what_an_earlier_process_said_is_not_this_ones(log: ProcessLog) -> None:
    wait_for(log, "kafka", "no answer yet")
    say(log, "cannot_serve", reason="topics disagree")
    assert log.why_ended() == "topics disagree"
    log.begin()
    assert log.waiting_for() == log.why_ended() == ""
    wait_for(log, "s3", "no answer yet")
    assert log.waiting_for() == "s3 at a:1 (no answer yet)"


def test_a_part_that_died_is_named(log: ProcessLog) -> None:
    say(log, "process_died", part="routing.processor")
    assert log.why_ended() == "process_died routing.processor"
