"""Python imports this at its start where this folder is in `PYTHONPATH`."""

import os

import tools.cluster.shifted_clock.sitecustomize  # noqa: F401 - first: who asks the time finds it
from tests.cluster.faults.hooks import no_guards, stop_at_commit

no_guards.install(os.environ.get(no_guards.NAMED, ""))
stop_at_commit.install()
