"""Python imports this at its start where this folder is in `PYTHONPATH`."""

from tests.cluster.faults.hooks import no_guards, stop_at_commit

no_guards.install()
stop_at_commit.install()
