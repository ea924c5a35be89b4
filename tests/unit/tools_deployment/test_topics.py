"""The topics of the manifests are those that a running axis declares."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from docaxis_adapters.kafka_log.installation import TOPIC
from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_standalone.composition import running_axis
from tools.deployment.topics import declared


async def test_they_are_what_a_running_axis_declares(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: dict[str, float | None] = {}
    declare = SqliteEventLog.declare

    async def noted(
        self: SqliteEventLog, topics: Sequence[str], kept_s: float | None = None
    ) -> None:
        told.update(dict.fromkeys(topics, kept_s))
        await declare(self, topics, kept_s)

    monkeypatch.setattr(SqliteEventLog, "declare", noted)
    async with running_axis(tmp_path / "data"):
        pass
    assert told == {each.name: each.kept_s for each in declared(12) if each.name != TOPIC}
