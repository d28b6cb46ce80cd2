"""What the sink would do, counted without writing anything."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from confluent_kafka import Consumer, TopicPartition

from clients.mysql import Database
from plumbing.kafka import watermarks
from sinks.jobs import Counts, Delivery
from sinks.plan import Outcome, Step, Verb, steps_of, verdict
from sinks.store import Key, Ledger
from sinks.stream import Stream


class Preview:
    """Counts steps against the ledger as it is, and against what earlier messages of this preview would have made.

    `ledger_exists` False: nothing was ever written.
    """

    def __init__(self, db: Database, ledger: Ledger, *, ledger_exists: bool, money: bool) -> None:
        self._db, self._ledger, self._exists, self._money = db, ledger, ledger_exists, money
        self._would_be: set[Key] = set()
        self.counts = Counts()
        self.steps: Counter[tuple[str, str]] = Counter()

    async def run(self, stream: Stream, stop: asyncio.Event) -> int:
        """Count up to the topics' present end, or until `stop` is set; how many messages that were."""
        consumed = 0
        consumer = stream.bystander("preview")
        try:
            left = await self._places(stream, consumer)
            await asyncio.to_thread(
                consumer.assign, [TopicPartition(t, p, first) for (t, p), (first, _) in left.items()]
            )
            ends = {place: end for place, (first, end) in left.items() if first < end}
            while ends and not stop.is_set():
                messages = await stream.poll(consumer)
                await self.look(stream.intake.take(messages))
                consumed += len(messages)
                for tp in await asyncio.to_thread(consumer.position, [TopicPartition(t, p) for t, p in ends]):
                    if tp.offset >= ends.get((tp.topic, tp.partition), 0):
                        ends.pop((tp.topic, tp.partition), None)
        finally:
            await asyncio.to_thread(consumer.close)
        return consumed

    async def _places(self, stream: Stream, consumer: Consumer) -> dict[tuple[str, int], tuple[int, int]]:
        """`{(topic, partition): (first to read, end)}`."""
        places = {}
        for topic in stream.aggregates:
            done: dict[int, int] = {}
            if self._exists:
                async with self._db.session() as tx:
                    done = await self._ledger.checkpoints(tx, topic)
            for partition in range(await stream.partitions(consumer, topic)):
                low, high = await asyncio.to_thread(watermarks, consumer, topic, partition)
                places[(topic, partition)] = (max(low, done.get(partition, low)), high)
        return places

    async def look(self, deliveries: Sequence[Delivery]) -> None:
        """Count one batch."""
        bundles = [d for d in deliveries if d.bundle is not None]
        self.counts.bundles[Outcome.DEAD_LETTERED.value] += len(deliveries) - len(bundles)
        keys = {(d.aggregate.name, d.bundle.sonar_id) for d in bundles if d.bundle}
        states, known = {}, {}
        if self._exists:
            async with self._db.session() as tx:
                states = await self._ledger.states(tx, keys)
                known = await self._ledger.known(tx, keys)
        for delivery in bundles:
            bundle = delivery.bundle
            if bundle is None:
                continue
            key = (delivery.aggregate.name, bundle.sonar_id)
            settled = verdict(bundle, states.get(key))
            if settled is not None:
                self.counts.bundles[settled.value] += 1
                continue
            self._count(steps_of(bundle, delivery.aggregate, known.get(key, [])))

    def _count(self, steps: Sequence[Step]) -> None:
        outcome, refused = Outcome.UNCHANGED, False
        for step in steps:
            entity = step.target.entity
            if (entity, step.key) in self._would_be and step.verb is Verb.CREATE:
                continue  # an earlier message of this preview made it
            self.steps[(entity, step.verb.value)] += 1
            if step.verb is Verb.UNCHANGED:
                continue
            if step.verb is Verb.REFUSED:
                refused = True
                self.counts.records[(entity, Outcome.DEAD_LETTERED.value)] += 1
                continue
            outcome = Outcome.APPLIED
            if step.target.money and not self._money:
                outcome = Outcome.DEFERRED
                self.counts.records[(entity, outcome.value)] += 1
                continue
            self._would_be.add((entity, step.key))
            self.counts.records[(entity, Outcome.APPLIED.value)] += 1
        self.counts.bundles[Outcome.DEAD_LETTERED.value if refused else outcome.value] += 1
