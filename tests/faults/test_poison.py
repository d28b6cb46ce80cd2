"""Messages that can never be read: set aside with a dead letter each, and a later good one of the key supersedes."""

import random
from typing import Any

import pytest
from confluent_kafka import KafkaError

from console.letter_sources import headers_of
from plumbing.dead_letters import OFFSET, PARTITION, TOPIC
from plumbing.kafka import DeliveryFailed, NotAcknowledged, end_offsets, make_consumer, partition_of
from plumbing.reading import read_whole
from tests.faults.alarms import alarm, dead_letters, paused, restarted, rings
from tests.faults.history import history
from tests.faults.seeds import seeds
from tests.faults.sink_site import PARTITIONS, SinkSite
from tests.faults.steps import resolved
from tests.faults.target import assert_same

POISON: tuple[bytes | None, ...] = (
    b"\x07not avro",  # another magic byte
    b"\x00\x7f\xff\xff\xff\x02",  # a schema id that nobody registered
    b"\x00\x00\x00",  # cut off in the id
    b"",
    None,
)


@pytest.mark.fault(13)
@rings(dead_letters())
@seeds(30, guards={"poison gets its dead letter": 1, "an outcome is kept of poison too": 1})
async def test_poison_is_set_aside_and_everything_else_arrives(sink_site: SinkSite, seed: int) -> None:
    expected = await sink_site.after_nothing(seed)
    chance = random.Random(seed)
    told = history(seed)
    sink_site.play([])
    sent = 0
    for one in told:
        if chance.random() < 0.4:
            sent += 1
            sink_site.raw(one.aggregate, one.owner, chance.choice([*POISON, sink_site.cut_off(one)]))
        sink_site.add([one])
    codes = "avro.undecodable"
    before = sum(alarm("crossfade_dead_letters_total", stage="sink", entity=e, code=codes) for e in ENTITIES)
    letters = sink_site.dead_letters()
    await sink_site.run()
    after = sum(alarm("crossfade_dead_letters_total", stage="sink", entity=e, code=codes) for e in ENTITIES)
    assert sent
    assert (after - before, sink_site.dead_letters() - letters) == (sent, sent)
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


def told_of(site: SinkSite) -> set[tuple[str, int, int]]:
    """Places that the sink's dead letters are about."""
    found = set()
    for letter in read_whole(site.settings.kafka, site.topics.dead_letters("sink"), f"{site.settings.instance}.test"):
        of = headers_of(letter)
        found.add((of[TOPIC], int(of[PARTITION]), int(of[OFFSET])))
    return found


@pytest.mark.fault(7)
@rings(
    restarted(seeds=lambda seed: seed % 2 == 1),
    paused("kafka.not_acknowledged", seeds=lambda seed: seed % 2 == 0),
)
@seeds(30, guards={"what the broker did not take is told": 1, "what is away is waited for": 2})
async def test_a_broker_that_takes_no_dead_letter_for_a_while_loses_none(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses some on odd seeds (in-sync replicas are missing, its disk is full): the sink ends, and starts again.

    On even ones it acknowledges none for a while: the sink waits.
    """
    expected = await sink_site.after_nothing(seed)
    sink_site.play([])
    poison: set[tuple[str, int, int]] = set()
    consumer = make_consumer(sink_site.settings.kafka, f"{sink_site.settings.instance}.test")
    for number, one in enumerate(history(seed)):
        if number % 4 == seed % 4:
            topic, partition = sink_site.topics.splynx(one.aggregate), partition_of(one.owner, PARTITIONS)
            poison.add((topic, partition, end_offsets(consumer, topic, PARTITIONS)[partition][1]))
            sink_site.raw(one.aggregate, one.owner, random.Random(number).choice(POISON))
        sink_site.add([one])
    consumer.close()
    before, left = told_of(sink_site), 1 + seed % 3
    produce, flush = resolved("plumbing.kafka.AckedProducer.produce"), resolved("plumbing.kafka.AckedProducer.flush")
    letters = sink_site.topics.dead_letters("sink")

    def producing(self: Any, topic: str, **options: Any) -> None:
        nonlocal left
        if seed % 2 and topic == letters and left:
            left -= 1
            self._report(KafkaError(KafkaError.NOT_ENOUGH_REPLICAS), None)
            return
        produce(self, topic, **options)

    def flushing(self: Any, *args: Any) -> None:
        nonlocal left
        if not seed % 2 and left:
            left -= 1
            raise NotAcknowledged("the broker is away")
        flush(self, *args)

    monkeypatch.setattr("plumbing.kafka.AckedProducer.produce", producing)
    monkeypatch.setattr("plumbing.kafka.AckedProducer.flush", flushing)
    refused = 0
    while True:
        try:
            await sink_site.run()
        except DeliveryFailed:  # whoever started it starts it again
            refused += 1
        else:
            break
    assert left == 0
    assert bool(refused) == bool(seed % 2)
    assert poison
    assert told_of(sink_site) - before == poison
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


ENTITIES = ("company", "account_group", "account_type", "service", "account", "payment")
