"""A real broker that ends and comes again beside capture at work."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from plumbing.errors import Action, SyncError
from plumbing.kafka import make_producer
from plumbing.settings import Settings
from producers.capture import run_capture
from sandbox.local.kafka import Kafka
from tests.faults.alarms import alarm
from tests.faults.conftest import start
from tests.faults.seeds import seeds
from tests.integration.capture.conftest import Site, assert_topics_equal_sonar

AWAY_SECONDS = 12.0
SHORT_SECONDS, LONG_SECONDS = 4.0, 30.0
"""How long the lease is held, and a message waits, where that is to end first, and where it is not."""
PATIENCE = 60
"""Looks at the topics."""
CODES = ("kafka.delivery_failed", "kafka.not_acknowledged", "capture.lease_lost")


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker that a test may kill and start again."""
    server = Kafka(tmp_path_factory.mktemp("broker"))
    server.prepare()
    start(server)
    yield server
    server.process.stop(grace_seconds=10)


@pytest.fixture
def kafka_bootstrap(own_broker: Kafka) -> str:
    return own_broker.bootstrap


async def supervised(settings: Settings, stop: asyncio.Event, ends: list[SyncError]) -> None:
    """Capture until `stop`; after each end it is started again, as by a supervisor."""
    while not stop.is_set():
        try:
            await run_capture(settings, stop=stop)
        except SyncError as error:
            ends.append(error)
            await asyncio.sleep(0.2)


async def told(site: Site) -> None:
    """Wait until the topics tell what Sonar has."""
    for _ in range(PATIENCE):
        with suppress(AssertionError):
            await asyncio.to_thread(assert_topics_equal_sonar, site)
            return
        await asyncio.sleep(0.2)
    pytest.fail("the topics do not come to tell what Sonar has")


@pytest.mark.fault(7)
@seeds(3, guards={"what the broker did not take is told": 2})
async def test_a_broker_that_ends_beside_capture_and_comes_again_costs_nothing(
    make_site: Callable[..., Site], own_broker: Kafka, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restarted in order; killed, and away for longer than a message waits; or for longer than the lease is held.

    Ten minutes are twelve seconds here: what ends before them, the lease (15 s) and a message's time (five minutes),
    lasts four seconds, each in a run of its own.
    """
    session, waits = SHORT_SECONDS if seed == 3 else LONG_SECONDS, SHORT_SECONDS if seed == 2 else LONG_SECONDS
    monkeypatch.setattr("producers.lease._SESSION_SECONDS", session)
    given_up = {"message.timeout.ms": int(1000 * waits)}
    monkeypatch.setattr("producers.capturing.make_producer", lambda kafka: make_producer(kafka, **given_up))
    site, stop, ends = make_site(accounts=6), asyncio.Event(), list[SyncError]()
    capture = asyncio.create_task(supervised(site.settings, stop, ends))
    await told(site)
    rung = sum(alarm("crossfade_errors_total", stage="capture", code=code) for code in CODES)
    (own_broker.process.stop if seed == 1 else own_broker.process.kill)()
    fresh = set[float]()
    for number in range(1, 7):
        site.change("update", "Account", id=number, columns={"name": f"Renamed {number}"})
        await asyncio.sleep(0 if seed == 1 else AWAY_SECONDS / 6)
        fresh.add(alarm("crossfade_watermark_timestamp_seconds"))
    await asyncio.to_thread(start, own_broker)
    await told(site)
    stop.set()
    await capture
    assert {error.action for error in ends} <= {Action.RETRY}
    assert len(fresh) == 1  # it stood still, and so did what the operator sees
    rings = sum(alarm("crossfade_errors_total", stage="capture", code=code) for code in CODES) > rung
    assert rings or seed == 1
