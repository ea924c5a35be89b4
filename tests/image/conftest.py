"""The image, built once for all tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.image.built_image import BuiltImage, built_image, require_image_tools


@pytest.fixture(scope="session")
def image() -> Iterator[BuiltImage]:
    """Built from this checkout by `deploy/Dockerfile`."""
    require_image_tools()
    with built_image() as built:
        yield built
