"""How far the stages are: past a watermark or not, and how much lies before them."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from confluent_kafka import Consumer, TopicPartition

from plumbing.errors import DependencyUnreachable
from plumbing.kafka import committed_offsets, end_offsets, make_reader
from plumbing.settings import Settings
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics
from schemas.watermark import Watermark

Offsets = Mapping[str, Mapping[int, int]]
"""`{topic: {partition: offset}}`."""


def has_passed(wanted: Offsets, committed: Offsets) -> bool:
    """Whether every partition is committed at least as far as wanted; offset 0 wants nothing."""
    return all(
        committed.get(topic, {}).get(partition, 0) >= offset
        for topic, partitions in wanted.items()
        for partition, offset in partitions.items()
    )


@dataclass(frozen=True)
class Lag:
    """Messages that a stage has not committed yet."""

    stage: str
    entity: str
    messages: int


class Progress:
    """Reads watermarks, ends and committed offsets of one instance."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topics = Topics(settings.instance)
        self._process = make_reader(settings.kafka, self._topics.process_group)
        self._sink = make_reader(settings.kafka, self._topics.sink_group)

    def close(self) -> None:
        """Close the connections."""
        self._process.close()
        self._sink.close()

    def watermarks(self, newest: int | None = None) -> list[Watermark]:
        """Every watermark that is kept, or only so many, oldest first: there is one for each poll of a month."""
        topic = self._topics.watermarks
        low, high = end_offsets(self._process, topic, 1)[0]
        low = low if newest is None else max(low, high - newest)
        found: list[Watermark] = []
        self._process.assign([TopicPartition(topic, 0, low)])
        while low < high:
            message = self._process.poll(10)
            if message is None:
                raise DependencyUnreachable(f"{topic} cannot be read to its end")
            value, offset = message.value(), message.offset()
            if message.error() is not None or value is None or offset is None:
                raise DependencyUnreachable(f"{topic} cannot be read to its end")
            found.append(Watermark.model_validate(orjson.loads(value)))
            low = offset + 1
        self._process.unassign()
        return found

    def processors_passed(self, watermark: Watermark) -> bool:
        """Whether the processors have committed everything that the watermark covers."""
        mapped = {self._topics.sonar(one.name) for one in AGGREGATES if one.mapper is not None}
        wanted = {topic: offsets for topic, offsets in watermark.offsets.items() if topic in mapped}
        return has_passed(wanted, {topic: self._committed(self._process, topic) for topic in wanted})

    def bundle_ends(self) -> dict[str, dict[int, int]]:
        """Where the topics of bundles end now."""
        return {topic: self._ends(topic) for topic in self._bundle_topics()}

    def sinks_passed(self, ends: Offsets) -> bool:
        """Whether the sinks have committed up to `ends`."""
        return has_passed(ends, {topic: self._committed(self._sink, topic) for topic in ends})

    def lags(self) -> list[Lag]:
        """Messages before each stage, by entity."""
        found = []
        for one in AGGREGATES:
            if one.mapper is not None:
                found.append(self._lag("process", one.name, self._process, self._topics.sonar(one.name)))
            if one.targets:
                found.append(self._lag("sink", one.name, self._sink, self._topics.splynx(one.name)))
        return found

    def _lag(self, stage: str, entity: str, consumer: Consumer, topic: str) -> Lag:
        committed = self._committed(consumer, topic)
        ends = end_offsets(consumer, topic, self._settings.kafka.partitions)
        return Lag(stage, entity, sum(high - committed.get(partition, low) for partition, (low, high) in ends.items()))

    def _bundle_topics(self) -> list[str]:
        return [self._topics.splynx(one.name) for one in AGGREGATES if one.targets]

    def _committed(self, consumer: Consumer, topic: str) -> dict[int, int]:
        return committed_offsets(consumer, topic, self._settings.kafka.partitions)

    def _ends(self, topic: str) -> dict[int, int]:
        ends = end_offsets(self._sink, topic, self._settings.kafka.partitions)
        return {partition: high for partition, (low, high) in ends.items() if high > low}
