"""Sinks without consumers, as many as a test wants, of which each later one takes over from those before."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from clients.mysql import Database
from plumbing.errors import Action, SyncError
from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer
from plumbing.reading import read_spans
from schemas.catalogue import AGGREGATES, TARGETS
from schemas.write_paths import WritePaths
from sinks.brake import Brake
from sinks.errors import Fenced
from sinks.healing import Healing
from sinks.jobs import Delivery
from sinks.letters import DeadLetters
from sinks.payments import Payments
from sinks.rest import RestRecords
from sinks.rest_documents import RestDocuments
from sinks.site import Site
from sinks.startup import check_epoch, define_fields, define_flag_labels
from sinks.stream import Stream
from sinks.writer import Writer
from tests.faults.sink_site import PARTITIONS, SinkSite

BATCH = 6


class Owner:
    """A sink's parts: it takes all partitions, and works off what the ledger has not yet."""

    def __init__(self, parts: Site, writer: Writer, healing: Healing, sent: list[Delivery]) -> None:
        self._parts, self._writer, self._healing, self._sent = parts, writer, healing, sent
        self.at_once = BATCH

    async def take(self) -> None:
        """Become the writer of everything, as a new member of the group does."""
        self._writer.tokens.update(await self._healing.take(range(PARTITIONS)))
        await self._insist(self._heal)

    async def work(self, batches: int) -> None:
        """Write so many batches, and whatever they woke; fewer when there are no more, or when it is fenced off."""
        try:
            for _ in range(batches):
                if not await self._insist(self._batch):
                    return
                while await self._insist(self._writer.settle):
                    pass
        except Fenced:
            return

    async def _batch(self) -> int:
        async with self._parts.db.session() as tx:
            done = {topic: await self._parts.ledger.checkpoints(tx, topic) for topic in {d.topic for d in self._sent}}
        left = [one for one in self._sent if one.offset >= done[one.topic].get(one.partition, 0)][: self.at_once]
        await self._writer.write(left)
        return len(left)

    async def _heal(self) -> int:
        return await self._healing.heal_all(self._writer.tokens)

    async def _insist(self, work: Callable[[], Awaitable[int]]) -> int:
        while True:
            try:
                return await work()
            except SyncError as exc:
                if exc.action is not Action.RETRY or isinstance(exc, Fenced):
                    raise
            await self._insist(self._heal)


class Owners:
    """Makes them, over one ledger; each has connections of its own."""

    def __init__(self, site: SinkSite, sent: list[Delivery], stack: AsyncExitStack) -> None:
        self._site, self._sent, self._stack = site, sent, stack

    async def new(self) -> Owner:
        """One more, that owns nothing yet."""
        settings, topics = self._site.settings, self._site.topics
        parts = await self._stack.enter_async_context(Site.open(settings))
        async with parts.db.session() as tx:
            payments = await Payments.of(tx) if settings.ledger_beside_rows else None
        rest = RestRecords(parts.client, parts.db, parts.ledger, TARGETS)
        letters = DeadLetters(AckedProducer(make_producer(settings.kafka)), topics, 100)
        writer = Writer(
            db=parts.db, ledger=parts.ledger, rest=rest, payments=payments, letters=letters, aggregates=AGGREGATES,
            targets=TARGETS, brake=Brake(1.0, 1000), disposable=True, concurrency=2, parked_hours=24,
            documents=RestDocuments(parts.client, parts.db, parts.ledger, rest, TARGETS),
            ways=WritePaths(sql=settings.ledger_beside_rows),
        )  # fmt: skip
        healing = Healing(parts.client, parts.db, parts.ledger, rest, TARGETS)
        return Owner(parts, writer, healing, self._sent)


@asynccontextmanager
async def owners(site: SinkSite, chance: random.Random) -> AsyncIterator[Owners]:
    """Over an empty Splynx that is made ready; what lies on the topics comes in an order of the seed's."""
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(Site.open(site.settings))
        await _ready(parts, parts.db)
        sent = await asyncio.to_thread(_sent, site)
        yield Owners(site, _mixed(sent, chance), stack)


async def _ready(parts: Site, db: Database) -> None:
    async with db.session() as tx:
        await parts.ledger.create(tx)
    await check_epoch(parts.client, db, parts.ledger, approve=False)
    await define_fields(parts.client, list(TARGETS.values()), apply=True)
    await define_flag_labels(parts.client, db, parts.ledger, apply=True)


def _sent(site: SinkSite) -> dict[tuple[str, int], list[Delivery]]:
    """What lies on the topics, decoded, by partition."""
    stream = Stream(site.settings, site.registry)
    consumer = make_consumer(site.settings.kafka, f"{site.settings.instance}.owners")
    found: dict[tuple[str, int], list[Delivery]] = {}
    try:
        spans = {
            (topic, partition): span
            for topic in stream.aggregates
            for partition, span in end_offsets(consumer, topic, PARTITIONS).items()
        }
        for place, message in read_spans(consumer, spans):
            found.setdefault((place.topic, place.partition), []).extend(stream.intake.take([message]))
    finally:
        consumer.close()
    return found


def _mixed(sent: dict[tuple[str, int], list[Delivery]], chance: random.Random) -> list[Delivery]:
    """All partitions in one row, each in its order."""
    places = [place for place, found in sorted(sent.items()) for _ in found]
    chance.shuffle(places)
    left = {place: iter(found) for place, found in sent.items()}
    return [next(left[place]) for place in places]
