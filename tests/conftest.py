"""What all tests share: in CI a skipped test is a failed one.

A skip is a guard that was not checked. On a developer's machine that is told in the summary; in CI
(environment variable `CI`) it fails, unless its reason begins with `OPTIONAL`: something that this
release does not need, like `kubectl`.
"""

import logging
import os
from collections.abc import Generator

import pytest

OPTIONAL = "optional: "
_FALSE = {"", "0", "false", "no"}


def _in_ci() -> bool:
    return os.environ.get("CI", "").strip().lower() not in _FALSE


def _fail_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail") or not _in_ci():
        return
    told = report.longrepr
    reason = str(told[2]) if isinstance(told, tuple) else str(told)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(OPTIONAL):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not accept: {reason}"


@pytest.fixture(autouse=True)
def own_logging() -> Generator[None, None, None]:
    """A test that sets up logging leaves no handler behind: its stream ends with the test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail tests that were skipped."""
    report = yield
    _fail_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail modules that were skipped as a whole."""
    report = yield
    _fail_skipped(report)
    return report
