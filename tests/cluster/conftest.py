"""Fixtures of the servers that all workers share; tests keep apart by names of their own."""

import uuid

import pytest

from tests.servers import S3Settings, kafka_bootstrap, mongo_uri, s3_settings


@pytest.fixture(scope="session")
def kafka() -> str:
    """`bootstrap.servers` of the shared Kafka cluster."""
    return kafka_bootstrap()


@pytest.fixture(scope="session")
def mongo() -> str:
    """The address of the shared MongoDB-compatible server."""
    return mongo_uri()


@pytest.fixture(scope="session")
def s3() -> S3Settings:
    """Endpoint, keys and bucket of the shared S3-compatible server."""
    return s3_settings()


@pytest.fixture
def own_name() -> str:
    """A name that no other test uses, for topics, databases and keys."""
    return f"t{uuid.uuid4().hex[:12]}"
