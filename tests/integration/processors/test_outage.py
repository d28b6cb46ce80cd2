"""A broker that is away for longer than any patience: the live engine waits, and goes on by itself."""

import time
from collections.abc import Iterator

import pytest

from sandbox.local.stack import LocalStack
from tests.integration.capture.conftest import Site
from tests.integration.processors.conftest import Worker, by_origin, caught_up, events

AWAY_SECONDS = 25
"""Longer than a session of the group, and than patience with stillness."""


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Servers of this module's own, for they are stopped."""
    with LocalStack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="module")
def kafka_bootstrap(own_stack: LocalStack) -> str:
    return own_stack.addresses.kafka_bootstrap


@pytest.fixture(scope="module")
def registry_url(own_stack: LocalStack) -> str:
    return own_stack.addresses.registry_url


@pytest.mark.fault(7)
def test_a_broker_that_is_away_is_waited_for(site: Site, worker: Worker, own_stack: LocalStack) -> None:
    worker.start(stuck_seconds=8)
    worker.wait(lambda: caught_up(site))
    own_stack.kafka.process.kill()
    back = time.monotonic() + AWAY_SECONDS
    worker.wait(lambda: time.monotonic() > back, seconds=AWAY_SECONDS + 10)
    own_stack.start()
    site.change("update", "Account", id=1, columns={"name": "Renamed"})
    site.capture(patience_seconds=60)
    worker.wait(lambda: caught_up(site), seconds=120)
    assert set(by_origin(site, "account")) == events(site, "account")
