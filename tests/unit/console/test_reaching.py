"""Commands that only look ask Kafka first: its absence is told at once, not after each topic was waited for."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from console import reconcile, status, topics, trace
from plumbing.errors import DependencyUnreachable
from plumbing.settings import KafkaSettings, Settings

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
