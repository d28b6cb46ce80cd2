"""Two members of the processors' group between whom partitions go to and fro in the middle of batches.

Or the other one takes them all, because this one stands still for longer than Kafka waits for it.
"""

import random
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from tests.faults.alarms import rings
from tests.faults.seeds import seeds
from tests.unit.processors.test_batch import PAYMENTS, Broker, Published, a_message, run

PARTITIONS, LENGTH, TURNS = 3, 30, 60


class Shared(Broker):
    """A broker whose group has another member too. Partitions change hands while messages are fetched."""

    def __init__(self, chance: random.Random, turn: "Callable[[Broker], list[Message]] | None" = None) -> None:
        script = [turn or _turn] * TURNS
        super().__init__(*script, _the_rest, _the_rest, ends=dict.fromkeys(range(PARTITIONS), LENGTH))
        self.chance, self.ours, self.at = chance, set[int](), dict[int, int]()
        self.done = dict.fromkeys(range(PARTITIONS), 0)
        """`{partition: where the group goes on}`."""
        self.others: set[tuple[int, int]] = set()
        """`(partition, offset)` that the other member has published."""
        self.published: Callable[[], set[tuple[int, int]]] = set

    def assign(self, places: list[TopicPartition]) -> None:
        self.at |= {one.partition: one.offset for one in places}

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [
            TopicPartition(one.topic, one.partition, self.done[one.partition] if one.topic == PAYMENTS else 0)
            for one in places
        ]

    def seek(self, place: TopicPartition) -> None:
        self.at[place.partition] = place.offset

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:  # type: ignore[override]
        if not {one.partition for one in offsets} <= self.ours:
            raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
        done = self.published() | self.others
        for one in offsets:
            assert {(one.partition, offset) for offset in range(one.offset)} <= done
            self.done[one.partition] = one.offset

    def lose(self, partition: int) -> None:
        """The other member has it, and goes on from what is committed."""
        self.ours.discard(partition)
        self.take(partition)
        self.goes_to_the_other(partition)

    def goes_to_the_other(self, partition: int) -> None:
        until = min(LENGTH, self.done[partition] + self.chance.randrange(6))
        self.others |= {(partition, offset) for offset in range(self.done[partition], until)}
        self.done[partition] = until

    def get(self, partition: int) -> None:
        self.ours.add(partition)
        self.give(partition)

    def fetched(self) -> list[Message]:
        """A few messages of each partition that is ours."""
        found = []
        for one in sorted(self.ours):
            until = min(LENGTH, self.at[one] + self.chance.randrange(5))
            found += [a_message(one, offset) for offset in range(self.at[one], until)]
            self.at[one] = until
        return found


def _turn(broker: Broker) -> list[Message]:
    assert isinstance(broker, Shared)
    messages = broker.fetched()
    one = broker.chance.randrange(PARTITIONS)
    if broker.chance.random() < 0.4:
        if one in broker.ours:
            broker.lose(one)
            if broker.chance.random() < 0.5:
                broker.get(one)  # at once again
        else:
            broker.get(one)
    return messages


def _the_rest(broker: Broker) -> list[Message]:
    assert isinstance(broker, Shared)
    for one in set(range(PARTITIONS)) - broker.ours:
        broker.get(one)
    found = [a_message(one, offset) for one in sorted(broker.ours) for offset in range(broker.at[one], LENGTH)]
    broker.at = dict.fromkeys(range(PARTITIONS), LENGTH)
    return found


@pytest.mark.fault(8)
@rings(heals="whoever owns the partition now goes on")
@seeds(30, guards={"what a rebalance takes away is dropped": 1})
def test_of_a_batch_nothing_is_published_or_committed_whose_partition_went(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Shared(random.Random(seed))
    stale: list[tuple[int, int]] = []
    made = Published.publish

    def publish(self: Published, at: object, key: bytes | None, result: object) -> None:
        made(self, at, key, result)  # type: ignore[arg-type]
        broker.published = lambda: set(self.places)
        if self.places[-1][0] not in broker.ours or self.places[-1][1] < broker.done[self.places[-1][0]]:
            stale.append(self.places[-1])

    monkeypatch.setattr(Published, "publish", publish)
    output = run(broker, monkeypatch)
    everything = {(partition, offset) for partition in range(PARTITIONS) for offset in range(LENGTH)}
    assert set(output.places) | broker.others == everything
    assert broker.done == dict.fromkeys(range(PARTITIONS), LENGTH)
    assert not stale


class StandingStill(Shared):
    """A broker that has given everything to the other member while this one stood still, which hears of it later."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance, _awake)
        self.unheard = set[int]()
        self.refused, self.backwards = 0, list[tuple[int, int, int]]()

    def stand_still(self) -> None:
        """For longer than a session."""
        for one in sorted(self.ours):
            self.goes_to_the_other(one)
        self.unheard |= self.ours
        self.ours.clear()

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:  # type: ignore[override]
        if self.unheard:
            self.refused += 1
            raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
        # From a member of today Kafka takes offsets of any partition.
        done = self.published() | self.others
        for one in offsets:
            assert {(one.partition, offset) for offset in range(one.offset)} <= done
            if one.offset < self.done[one.partition]:
                self.backwards.append((one.partition, self.done[one.partition], one.offset))
            self.done[one.partition] = one.offset


def _awake(broker: Broker) -> list[Message]:
    """What went is told before anything is fetched. Some of it is given back, the rest stays with the other."""
    assert isinstance(broker, StandingStill)
    if broker.unheard:
        broker.take(*sorted(broker.unheard))
        broker.unheard.clear()
    for one in set(range(PARTITIONS)) - broker.ours:
        if broker.chance.random() < 0.6:
            broker.get(one)
    return broker.fetched()


@pytest.mark.fault(8)
@pytest.mark.fault(30)
@rings(heals="whoever owns the partition now goes on")
@seeds(30, guards={"what a rebalance takes away is dropped": 1})
def test_who_stood_still_in_a_batch_moves_no_offset_that_has_become_anothers(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two events of a batch all is taken over. What it publishes then is there twice; its commit is refused."""
    chance = random.Random(seed)
    broker, made = StandingStill(chance), Published.publish
    stops = {chance.randrange(4, PARTITIONS * LENGTH // 2) for _ in range(4)}

    def publish(self: Published, at: object, key: bytes | None, result: object) -> None:
        made(self, at, key, result)  # type: ignore[arg-type]
        broker.published = lambda: set(self.places)
        if len(self.places) in stops:
            broker.stand_still()

    monkeypatch.setattr(Published, "publish", publish)
    output = run(broker, monkeypatch)
    everything = {(partition, offset) for partition in range(PARTITIONS) for offset in range(LENGTH)}
    assert set(output.places) | broker.others == everything
    assert broker.done == dict.fromkeys(range(PARTITIONS), LENGTH)
    assert broker.refused
    assert not broker.backwards
