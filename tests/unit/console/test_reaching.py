"""Kafka away: commands that only look tell it at once, and a stage that ends because of it says how to go on."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
import typer

from console import reconcile, status, topics, trace
from console.output import fail
from plumbing.errors import DependencyUnreachable, ExitCode, SyncError
from plumbing.kafka import DeliveryFailed, NotAcknowledged
from plumbing.settings import KafkaSettings, RegistrySettings, Settings
from producers.lease import LeaseLost
from schemas.topics import TopicSpec

SETTINGS = Settings.model_construct(instance="main", kafka=KafkaSettings(bootstrap="127.0.0.1:1"))
"""Whatever else a command asked for is not there, and would fail otherwise."""


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(lambda: status.status_of(SETTINGS), id="status"),
        pytest.param(lambda: asyncio.run(trace.trace(SETTINGS, "account", 1, splynx=False, values=False)), id="trace"),
        pytest.param(lambda: reconcile.run(SETTINGS, wait_seconds=0), id="reconcile"),
        pytest.param(lambda: topics.plan_topics(SETTINGS), id="doctor and topics"),
    ],
)
def test_kafka_is_asked_before_anything_else(command: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def away(kafka: KafkaSettings) -> None:
        asked.append(kafka.bootstrap)
        raise DependencyUnreachable("Kafka does not answer")

    for module in (topics, trace, reconcile):
        monkeypatch.setattr(module, "reach_broker", away)
    with pytest.raises(DependencyUnreachable, match="Kafka does not answer"):
        command()
    assert asked == ["127.0.0.1:1"]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(NotAcknowledged("3 messages were not acknowledged within 120 s"), id="messages under way"),
        pytest.param(DeliveryFailed("the broker refused a message: _MSG_TIMED_OUT"), id="messages given up"),
        pytest.param(LeaseLost("the lease of capture is lost"), id="lease"),
    ],
)
def test_a_stage_that_ends_because_kafka_is_away_says_that_starting_it_again_resumes(
    error: SyncError, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        fail(error, as_json=True)
    assert ended.value.exit_code == ExitCode.UNREACHABLE
    next_step = json.loads(capsys.readouterr().out)["error"]["next_step"]
    assert "start" in next_step
    assert "from" in next_step  # where it goes on


def test_topics_that_were_created_are_waited_for_until_brokers_show_them(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    created: Future[None] = Future()
    created.set_result(None)

    class Admin:
        def create_topics(self, new: list[Any], **_: Any) -> dict[str, "Future[None]"]:
            return {one.topic: created for one in new}

    monkeypatch.setattr(topics, "make_admin", lambda _: Admin())
    monkeypatch.setattr(topics, "until_shown", lambda _, names: waited.extend(names))
    settings = SETTINGS.model_copy(update={"registry": RegistrySettings(url="http://127.0.0.1:1")})
    topics.apply_plan(settings, topics.Plan((TopicSpec("t", 1, {}),), (), ()))
    assert waited == ["t"]
