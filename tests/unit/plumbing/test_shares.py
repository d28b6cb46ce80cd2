"""A share of a budget where Kafka fails; with a broker: `tests/integration/capture/test_shares.py`."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from plumbing import shares
from plumbing.errors import DependencyUnreachable
from plumbing.settings import KafkaSettings
from plumbing.shares import Share


class ThrownOut:
    """A consumer that joins and is told that it can go on no more."""

    def list_topics(self, topic: str, timeout: float) -> Any:
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions={0: None})})

    def subscribe(self, topics: list[str]) -> None:
        """There is nobody to ask."""

    def poll(self, timeout: float) -> None:
        raise KafkaException(KafkaError(KafkaError._FATAL))

    def close(self) -> None:
        """Nothing is kept open."""


async def test_who_is_thrown_out_for_good_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "make_consumer", lambda *_, **__: ThrownOut())
    kafka = KafkaSettings(bootstrap="nowhere:1", partitions=1, replication_factor=1)
    with Share(kafka, "asking") as share, pytest.raises(DependencyUnreachable, match="_FATAL"):
        await share.part()
