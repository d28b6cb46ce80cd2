"""The batch engine's way with Kafka: what a rebalance takes away is dropped, and every error has a type."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from structlog.testing import capture_logs

from plumbing.errors import DependencyUnreachable, ExitCode
from plumbing.metrics import REGISTRY
from plumbing.settings import Settings
from processors import batch
from processors.batch import GroupTaken
from processors.context import Context
from processors.history import HistoryLost
from processors.output import Output, Summary
from processors.transform import Codecs, Coordinates, DeadLetter
from schemas.catalogue import AGGREGATES
from tests.builders import rules
from tests.unit.processors.test_guard import Steps

PAYMENTS = "sonar.main.payment"


def a_message(partition: int, offset: int, error: int | None = None) -> Message:
    kafka_error = None if error is None else KafkaError(error)
    return Message(topic=PAYMENTS, partition=partition, offset=offset, key=b"k", value=b"v", error=kafka_error)


class Broker:
    """Both consumers of a run. `script` is what each `consume` does; the run ends when nothing is left."""

    def __init__(self, *script: Callable[["Broker"], list[Message]], ends: dict[int, int] | None = None) -> None:
        self.script, self.ends = list(script), ends or {0: 9, 1: 9}
        self.commits: list[dict[int, int]] = []
        self.sought: list[tuple[int, int]] = []
        self.assigned: list[int] = []
        self.refuse_commits = False

    def subscribe(self, topics: list[str], *, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign, self.on_revoke = on_assign, on_revoke

    def assign(self, places: list[TopicPartition]) -> None:
        self.assigned += [one.partition for one in places if one.topic == PAYMENTS]

    def give(self, *partitions: int) -> None:
        self.on_assign(self, [TopicPartition(PAYMENTS, partition) for partition in partitions])

    def take(self, *partitions: int) -> None:
        self.on_revoke(self, [TopicPartition(PAYMENTS, partition) for partition in partitions])

    def consume(self, count: int, timeout: float) -> list[Message]:
        if not self.script:
            self.stop()
            return []
        return self.script.pop(0)(self)

    def commit(self, *, offsets: Iterable[TopicPartition], asynchronous: bool) -> None:
        if self.refuse_commits:
            raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
        self.commits.append({one.partition: one.offset for one in offsets})

    def seek(self, place: TopicPartition) -> None:
        self.sought.append((place.partition, place.offset))

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        return (0, self.ends.get(place.partition, 0))

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [TopicPartition(one.topic, one.partition, 4 if one.topic == PAYMENTS else 0) for one in places]

    def close(self) -> None:
        """Nothing is open."""

    def stop(self) -> None:
        raise AssertionError("set by run")


class Published(Steps):
    """Output that remembers what it was given, and whether it was flushed since."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[tuple[int, int]] = []
        self.flushed = True
        self.summary = Summary()

    def publish(self, at: Coordinates, key: bytes | None, result: object) -> None:
        assert isinstance(result, DeadLetter)
        self.places.append((at.partition, at.offset))
        self.flushed = False

    def flush(self, timeout_seconds: float = 0) -> None:
        self.flushed = True


def run(broker: Broker, monkeypatch: pytest.MonkeyPatch, *, patience_seconds: float = 60) -> Published:
    settings = Settings.model_construct(
        instance="main", kafka=cast(Any, type("Kafka", (), {"partitions": len(broker.ends)}))
    )
    monkeypatch.setattr(batch, "make_consumer", lambda *_, **__: broker)
    codecs = {one.name: Codecs(Steps(), Steps()) for one in AGGREGATES}
    context = Context(rules(), cast(Any, None), codecs, cast(Any, None))
    output, ended = Published(), threading.Event()
    broker.stop = ended.set  # type: ignore[method-assign]
    commit = broker.commit

    def flushed_before(**options: Any) -> None:
        assert output.flushed
        commit(**options)

    broker.commit = flushed_before  # type: ignore[method-assign]
    batch._Run(settings, context, cast(Output, output), patience_seconds).run(until_end=False, stop=ended)
    return output


def given(*partitions: int) -> Callable[[Broker], list[Message]]:
    def step(broker: Broker) -> list[Message]:
        broker.give(*partitions)
        return []

    return step


def test_a_batch_is_committed_after_it_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(given(0, 1), lambda _: [a_message(0, 4), a_message(0, 5)])
    output = run(broker, monkeypatch)
    assert output.places == [(0, 4), (0, 5)]
    assert broker.commits == [{0: 6, 1: 4}]


def test_what_a_rebalance_takes_away_is_neither_published_nor_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    def rebalance(broker: Broker) -> list[Message]:
        broker.take(0, 1)
        broker.give(1)
        return [a_message(0, 4), a_message(0, 5), a_message(1, 4)]

    broker = Broker(given(0, 1), rebalance, lambda _: [a_message(1, 4)])
    output = run(broker, monkeypatch)
    # Partition 1 came back: what was fetched of it before is fetched again.
    assert broker.sought == [(1, 4)]
    assert output.places == [(1, 4)]
    assert broker.commits == [{1: 5}]


def test_a_commit_that_the_group_refuses_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(given(0), lambda _: [a_message(0, 4)], lambda _: [a_message(0, 5)])
    broker.refuse_commits = True
    assert run(broker, monkeypatch).places == [(0, 4), (0, 5)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        pytest.param(KafkaError._AUTO_OFFSET_RESET, HistoryLost, id="the next offset is gone"),
        pytest.param(KafkaError.OFFSET_OUT_OF_RANGE, HistoryLost, id="out of range"),
        pytest.param(KafkaError._ALL_BROKERS_DOWN, DependencyUnreachable, id="no broker"),
    ],
)
def test_an_error_in_place_of_a_message_has_a_type(
    monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        run(Broker(given(0), lambda _: [a_message(0, 4, code)]), monkeypatch)


def test_an_exception_of_the_client_has_a_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Broker) -> list[Message]:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    with pytest.raises(DependencyUnreachable, match="_TRANSPORT"):
        run(Broker(given(0), fail), monkeypatch)


def shut_out(_: Broker) -> list[Message]:
    return [a_message(0, -1001, KafkaError.INCONSISTENT_GROUP_PROTOCOL)]


def waiting() -> float | None:
    """What the metric says of a wait for the group."""
    return REGISTRY.get_sample_value("crossfade_stage_paused", {"stage": "process", "code": "processors.group_taken"})


def test_a_live_engine_that_has_just_ended_is_waited_for_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float | None] = []

    def taken_in(broker: Broker) -> list[Message]:
        told.append(waiting())
        broker.give(0)
        told.append(waiting())
        return []

    broker = Broker(shut_out, shut_out, taken_in, lambda _: [a_message(0, 4)])
    with capture_logs() as logs:
        assert run(broker, monkeypatch).places == [(0, 4)]
    assert [one["event"] for one in logs] == ["process.waits_for_group"]  # once
    assert told == [1, 0]


def test_a_live_engine_that_stays_in_the_group_is_told_to_try_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GroupTaken) as caught:
        run(Broker(shut_out, shut_out, given(0)), monkeypatch, patience_seconds=0)
    assert caught.value.exit_code is ExitCode.TRY_LATER
    assert waiting() == 0


@pytest.mark.fault(9)
def test_a_partition_whose_next_messages_are_gone_is_not_taken_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def shorter(broker: Broker) -> list[Message]:
        broker.ends = {0: 2, 1: 9}
        broker.give(0, 1)
        return []

    broker = Broker(shorter)
    with pytest.raises(HistoryLost):
        run(broker, monkeypatch)
    assert broker.assigned == []
