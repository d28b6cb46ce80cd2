"""Real brokers that end and come again beside capture at work."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from plumbing.errors import Action, DependencyUnreachable, SyncError
from plumbing.kafka import make_producer
from plumbing.settings import Settings
from producers.capture import run_capture
from sandbox.local.kafka import Kafka
from tests.faults.alarms import alarm
from tests.faults.brokers import Brokers
from tests.faults.conftest import start
from tests.faults.seeds import seeds
from tests.integration.capture.conftest import Site, assert_topics_equal_sonar

AWAY_SECONDS = 12.0
SHORT_SECONDS, LONG_SECONDS = 4.0, 30.0
"""How long the lease is held, and a message waits, where that is to end first, and where it is not."""
PATIENCE_SECONDS = 60
CODES = ("kafka.delivery_failed", "kafka.not_acknowledged", "capture.lease_lost")


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker that a test may kill and start again."""
    server = Kafka(tmp_path_factory.mktemp("broker"))
    server.prepare()
    start(server)
    yield server
    server.process.stop(grace_seconds=10)


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """Three that a test may kill and start again."""
    servers = Brokers(tmp_path_factory.mktemp("brokers"))
    yield servers
    servers.close()


@pytest.fixture
def kafka_bootstrap(request: pytest.FixtureRequest) -> str:
    """Of those that the test asks for."""
    own: Kafka | Brokers = request.getfixturevalue("brokers" if "brokers" in request.fixturenames else "own_broker")
    return own.bootstrap


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
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        with suppress(AssertionError, DependencyUnreachable):  # a partition may have no leader yet
            await asyncio.to_thread(assert_topics_equal_sonar, site)
            return
        await asyncio.sleep(0.2)
    pytest.fail("the topics do not come to tell what Sonar has")


def end_sooner(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """What is given up first while brokers are away: seed 1, nothing; 2, a message; 3, the lease."""
    session, waits = SHORT_SECONDS if seed == 3 else LONG_SECONDS, SHORT_SECONDS if seed == 2 else LONG_SECONDS
    monkeypatch.setattr("producers.lease._SESSION_SECONDS", session)
    given_up = {"message.timeout.ms": int(1000 * waits)}
    monkeypatch.setattr("producers.capturing.make_producer", lambda kafka: make_producer(kafka, **given_up))


def rings() -> float:
    """How often an operator was told of it."""
    return sum(alarm("crossfade_errors_total", stage="capture", code=code) for code in CODES)


def rename(site: Site, number: int) -> None:
    """Change an account of the site."""
    site.change("update", "Account", id=number, columns={"name": f"Renamed {number}"})


@pytest.mark.fault(7)
@seeds(3, guards={"what the broker did not take is told": 2})
async def test_a_broker_that_ends_beside_capture_and_comes_again_costs_nothing(
    make_site: Callable[..., Site], own_broker: Kafka, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restarted in order; killed, and away for longer than a message waits; or for longer than the lease is held.

    Ten minutes are twelve seconds here: what ends before them, the lease (15 s) and a message's time (five minutes),
    lasts four seconds, each in a run of its own.
    """
    end_sooner(monkeypatch, seed)
    site, stop, ends = make_site(accounts=6), asyncio.Event(), list[SyncError]()
    capture = asyncio.create_task(supervised(site.settings, stop, ends))
    await told(site)
    rung = rings()
    (own_broker.process.stop if seed == 1 else own_broker.process.kill)()
    fresh = set[float]()
    for number in range(1, 7):
        rename(site, number)
        await asyncio.sleep(0 if seed == 1 else AWAY_SECONDS / 6)
        fresh.add(alarm("crossfade_watermark_timestamp_seconds"))
    await asyncio.to_thread(start, own_broker)
    await told(site)
    stop.set()
    await capture
    assert {error.action for error in ends} <= {Action.RETRY}
    assert len(fresh) == 1  # it stood still, and so did what the operator sees
    assert rings() > rung or seed == 1


@pytest.mark.fault(7)
@seeds(3, guards={"a topic is on several brokers": 1})
async def test_while_one_of_three_brokers_is_away_others_lead_and_capture_goes_on(
    make_site: Callable[..., Site], brokers: Brokers, seed: int
) -> None:
    """One is killed, another one, and one after the other."""
    site, stop, ends = make_site(accounts=6, copies=3), asyncio.Event(), list[SyncError]()
    topic = site.topics.sonar("account")
    capture = asyncio.create_task(supervised(site.settings, stop, ends))
    await told(site)
    for victim in {1: (2,), 2: (3,), 3: (2, 3)}[seed]:
        await asyncio.to_thread(brokers.until_in_sync, topic, 3)
        assert victim in await asyncio.to_thread(brokers.leaders, topic)
        brokers.kill(victim)
        for number in range(1, 4):
            rename(site, number)
        await told(site)
        assert victim not in await asyncio.to_thread(brokers.leaders, topic)
        await asyncio.to_thread(brokers.start, victim)
    stop.set()
    await capture
    assert {error.action for error in ends} <= {Action.RETRY}


@pytest.mark.fault(7)
@seeds(3, guards={"two brokers have what is acknowledged": 1})
async def test_what_one_broker_alone_has_is_not_taken_for_published(
    make_site: Callable[..., Site], brokers: Brokers, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three are killed, for longer than a message waits, or than the lease is held: not enough replicas."""
    end_sooner(monkeypatch, seed)
    site, stop, ends = make_site(accounts=6, copies=3), asyncio.Event(), list[SyncError]()
    topic = site.topics.sonar("account")
    capture = asyncio.create_task(supervised(site.settings, stop, ends))
    await told(site)
    await asyncio.to_thread(brokers.until_in_sync, topic, 3)
    rung = rings()
    brokers.kill(2, 3)
    fresh = set[float]()
    for number in range(1, 7):
        rename(site, number)
        await asyncio.sleep(AWAY_SECONDS / 6)
        fresh.add(alarm("crossfade_watermark_timestamp_seconds"))
    await asyncio.to_thread(brokers.start, 2, 3)
    await told(site)
    stop.set()
    await capture
    assert {error.action for error in ends} <= {Action.RETRY}
    assert len(fresh) == 1
    assert rings() > rung or seed != 2  # one broker is enough to hold the lease
