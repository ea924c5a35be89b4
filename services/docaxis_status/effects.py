"""Status has no slow or foreign work: what it reacts to is in `reactions`."""
