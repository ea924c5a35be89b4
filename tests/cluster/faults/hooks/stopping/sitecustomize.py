"""Python imports this at its start where this folder is in `PYTHONPATH`."""

from tests.cluster.faults.hooks import stop_at_commit

stop_at_commit.install()
