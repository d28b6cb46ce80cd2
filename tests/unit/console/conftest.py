"""Commands that run in the tests' own process."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command writes its logs to the stderr of its runner, which is closed when it has ended."""
    yield
    structlog.reset_defaults()
