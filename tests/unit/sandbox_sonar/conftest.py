"""Fixtures of the Sonar sandbox's unit tests."""

import pytest

from tests.unit.sandbox_sonar.shop import Shop


@pytest.fixture
def shop() -> Shop:
    """An ISP without customers."""
    return Shop()
