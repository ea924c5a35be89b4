"""Benchmarks: medians of several runs, with the machine beside them; never timed tests."""
