"""The live engine's set-up, rule by rule: without each Faust loses events (`test_faust_contract`)."""

import asyncio
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest

from plumbing.settings import KafkaSettings, ProcessSettings, Settings
from processors import worker
from processors.ahead import Ahead
from processors.batch import patience_with_members
from processors.context import MAPPED
from processors.guard import Guard
from processors.history import Continuity
from processors.transform import Coordinates, Produced
from processors.watchdog import Waits
from processors.worker import make_app


class Noted(Guard):
    """A guard that only notes what it is asked."""

    def __init__(self) -> None:
        super().__init__(cast(Any, None), cast(Any, None), Continuity(lambda *_: 0), Waits())
        self.seen: list[tuple[Coordinates, bytes | None, bytes | None]] = []
        self.made = 0
        self.made_by_then: list[int] = []
        self.flushes = 0

    def make(self, at: Coordinates, value: bytes | None) -> Produced:
        self.made += 1
        return Produced(b"")

    async def process(self, at: Coordinates, key: bytes | None, value: bytes | None, ahead: Ahead) -> None:
        await ahead.result(at, value)
        self.seen.append((at, key, value))
        self.made_by_then.append(self.made)

    async def flush(self) -> None:
        self.flushes += 1


def settings(folder: Path, **kafka: Any) -> Settings:
    return Settings.model_construct(
        instance="main",
        kafka=KafkaSettings(**{"bootstrap": "a.example.com:9092,b.example.com:9092", "partitions": 5, **kafka}),
        state_dir=folder,
        http=cast(Any, type("Http", (), {"process_port": 9102})),
    )


@pytest.fixture
def guard() -> Noted:
    return Noted()


@pytest.fixture
def app(guard: Noted, tmp_path: Path) -> Iterator[faust.App]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield make_app(settings(tmp_path), guard)
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        pytest.param("stream_wait_empty", True, id="a stop waits for what is in flight"),
        pytest.param("topic_allow_declare", False, id="topics are created by us"),
        pytest.param("topic_disable_leader", True, id="no topic of Faust's own"),
        pytest.param("web_enabled", False, id="no page without a log-in"),
        pytest.param("topic_partitions", 5, id="as many partitions as our topics have"),
        pytest.param("consumer_auto_offset_reset", "earliest", id="a new group begins at the oldest message"),
    ],
)
def test_a_setting_on_which_no_event_may_be_lost(app: faust.App, setting: str, value: object) -> None:
    assert getattr(app.conf, setting) == value


def test_delivery_is_at_least_once_and_nothing_else(app: faust.App) -> None:
    assert cast(Any, app.conf.processing_guarantee).value == "at_least_once"
    assert not app.tables.data


def test_sessions_end_within_half_a_minute_and_a_wait_outlasts_every_dependency(app: faust.App) -> None:
    assert 10 <= app.conf.broker_session_timeout <= 30
    assert app.conf.broker_heartbeat_interval < app.conf.broker_session_timeout / 3
    assert app.conf.broker_max_poll_interval >= 1800


@pytest.mark.parametrize("seconds", [6, 60])
async def test_a_session_is_as_long_as_the_settings_say(guard: Noted, tmp_path: Path, seconds: float) -> None:
    chosen = settings(tmp_path).model_copy(update={"process": ProcessSettings(session_seconds=seconds)})
    app = make_app(chosen, guard)
    assert app.conf.broker_session_timeout == seconds
    assert app.conf.broker_heartbeat_interval < seconds / 3
    assert patience_with_members(chosen) > seconds


def test_what_is_fetched_at_once_unpacks_to_little(app: faust.App) -> None:
    assert app.conf.consumer_max_fetch_size <= 1024 * 1024


def test_a_worker_that_starts_again_is_the_same_member(app: faust.App) -> None:
    assert str(app.conf.consumer_group_instance_id).endswith("-9102")


def test_one_serial_agent_per_topic_gets_raw_bytes(app: faust.App) -> None:
    assert sorted(app.agents) == sorted(f"map-{one.name}" for one in MAPPED)
    for agent in app.agents.values():
        assert agent.concurrency == 1
        channel = cast(Any, agent.channel)
        assert (channel.key_serializer, channel.value_serializer) == ("raw", "raw")


def faust_event(offset: int) -> Any:
    return SimpleNamespace(
        message=SimpleNamespace(topic="t", partition=2, offset=offset, key=b"k%d" % offset, value=b"v%d" % offset)
    )


class Stream:
    """Two events, as Faust gives them; they can neither be taken in batches nor be acknowledged by hand."""

    def __init__(self) -> None:
        self._queue = deque([faust_event(7), faust_event(8)])
        self.channel = SimpleNamespace(queue=SimpleNamespace(_queue=self._queue))

    async def events(self) -> Any:
        while self._queue:
            yield self._queue.popleft()


async def test_an_agent_hands_each_event_to_the_guard_with_its_coordinates(guard: Noted) -> None:
    await worker._agent("payment", guard)(Stream())
    assert guard.seen == [(Coordinates("payment", "t", 2, at), b"k%d" % at, b"v%d" % at) for at in (7, 8)]


async def test_an_agent_has_what_waits_behind_an_event_made_with_it(guard: Noted) -> None:
    await worker._agent("payment", guard)(Stream())
    assert guard.made_by_then == [2, 2]


def test_an_agents_queue_can_be_looked_into(app: faust.App) -> None:
    """As `_agent` does it: Faust's queues are asyncio's, which keep what they hold in a deque."""
    event = faust_event(7)
    for agent in app.agents.values():
        queue = cast(Any, agent.channel).queue
        queue.force_put_nowait(event)
        assert list(queue._queue) == [event]


async def test_fausts_flush_before_a_commit_is_ours_too(
    app: faust.App, guard: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    after: list[int] = []

    async def flush(self: object) -> None:
        after.append(guard.flushes)

    monkeypatch.setattr("faust.transport.drivers.aiokafka.Producer.flush", flush)
    kind = cast(Any, app.transport.Producer)
    await kind.__new__(kind).flush()
    assert after == [1]  # first ours, then Faust's own


def test_partitions_that_are_given_out_anew_are_followed_anew(app: faust.App, guard: Noted) -> None:
    guard.continuity.follow(Coordinates("payment", "t", 0, 5))
    asyncio.get_event_loop().run_until_complete(app.on_partitions_assigned.send(set()))
    assert guard.continuity._next == {}


def test_tls_and_a_password_reach_fausts_client(guard: Noted, tmp_path: Path) -> None:
    kafka = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": "u",
        "sasl_password": "p",
    }
    credentials = cast(Any, worker._credentials(settings(tmp_path, **kafka).kafka))
    assert (credentials.username, credentials.password) == ("u", "p")
    assert credentials.mechanism.value == "SCRAM-SHA-512"
    assert credentials.ssl_context is not None
    assert credentials.protocol.value == "SASL_SSL"
