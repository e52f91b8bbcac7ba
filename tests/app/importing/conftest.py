"""A service that has no files, and delivers when a test says so."""

import pytest

from tests.app.files import empty_store
from tests.app.stack import Stack


@pytest.fixture(scope="module")
def delivers() -> bool:
    """When a test says so."""
    return False


@pytest.fixture
def stack(service: Stack) -> Stack:
    """As new, also without files."""
    service.reset()
    empty_store(service)
    return service
