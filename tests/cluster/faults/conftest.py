"""The axis that all tests of faults share, and where they tell their figures."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.faults.figures import Figures, add_to_report
from tests.cluster.faults.hooks import no_guards
from tests.cluster.faults.site import Site
from tests.servers import require_servers

REPORT = "DOCAXIS_FAULT_REPORT"
"""Names the JSON file of all figures; a temporary one where it is not set."""


class Sites:
    """The site of now: made when first asked for, and anew where a run spoilt it."""

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        self._make_folder = make_folder
        self._site: Site | None = None

    def current(self) -> Site:
        """One that runs and holds nothing open."""
        if self._site is not None and self._site.spoilt:
            self.stop()
        if self._site is None:
            require_servers()
            self._site = Site(self._make_folder(), without=os.environ.get(no_guards.NAMED, ""))
            self._site.start()
        return self._site

    def stop(self) -> None:
        """Stop it, where there is one."""
        if self._site is not None:
            self._site.axis.stop()
            self._site = None


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Of the whole session."""
    sites = Sites(lambda: tmp_path_factory.mktemp("axis"))
    yield sites
    sites.stop()


@pytest.fixture
def site(sites: Sites) -> Site:
    """A running axis with the demonstration's systems, and no document open."""
    return sites.current()


@pytest.fixture(scope="session")
def tell(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Figures], None]:
    """Takes the figures of a run."""
    named = os.environ.get(REPORT)
    path = Path(named) if named else tmp_path_factory.getbasetemp() / "faults.json"

    def tell(figures: Figures) -> None:
        add_to_report(path, figures)
        print(f"figures in {path}")

    return tell
