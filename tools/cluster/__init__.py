"""Kafka, a MongoDB-compatible server and an S3-compatible server on this machine, without Docker.

For people (`python -m tools.cluster servers`) and for tests (`tests/servers.py`). What the servers
are made of is fetched once into a cache folder (`fetch.py`); each server is a class with the same
verbs: `start`, `stop`, `kill`, `pause`, `resume`, `start_again`. All of them die with the process
that started them.
"""
