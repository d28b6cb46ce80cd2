"""How fast a replay passes that changes nothing: the sink ÷ the least that tells that nothing is to be done.

`replay`: bundles that were applied come again. The limit consumes them, decodes them, takes their hash and asks the
ledger once for each batch. Ours is the whole sink, with what it keeps about offsets. No row of Splynx, of the crosswalk
or of the journal is written.
"""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from plumbing.kafka import make_consumer
from plumbing.settings import Settings
from sandbox.local.stack import Addresses
from schemas.bundle import bundle_hash
from schemas.entities.payment import PAYMENT
from schemas.topics import Topics
from sinks.store import Ledger
from tests.bench.entry import Entry, Round, noise, ratio, timed
from tests.bench.paying import BATCH, Installation, Sink, batches_of, installation, produce, sink_on
from tests.bench.servers import instance

GOAL = 0.8
WARM = 3
TURNS = 30
_KEPT = ("payments", "billing_transactions", "customer_billing", "ledger.crosswalk", "ledger.journal")


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `replay`."""
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(instance(at, folder))
        into = await stack.enter_async_context(installation(at))
        sink = await sink_on(stack, into, settings)
        count = WARM + TURNS
        for batch in batches_of(settings, count):
            await sink.write(batch)
        before = await _picture(sink, into)
        produce(settings, range(count * BATCH))
        ours, first, second = (_again(settings, name, count) for name in ("ours", "first", "second"))
        measured: list[Round] = []
        for turn in range(count):
            one = Round(
                await timed(_least(sink, into, first)),
                await timed(_whole(sink, ours)),
                await timed(_least(sink, into, second)),
            )
            if turn >= WARM:
                measured.append(one)
        written = sum(before[table] != now for table, now in (await _picture(sink, into)).items())
    figures = {
        "bundles_per_second": round(TURNS * BATCH / sum(one.ours for one in measured)),
        "least_per_second": round(2 * TURNS * BATCH / sum(one.before + one.after for one in measured)),
        "batch": BATCH,
        "tables_written": written,
    }
    assert written == 0
    return [Entry("replay", ratio(measured), GOAL, noise(measured), figures)]


async def _whole(sink: Sink, batches: Iterator[list[Message]]) -> None:
    await sink.write(next(batches))


async def _least(sink: Sink, into: Installation, batches: Iterator[list[Message]]) -> None:
    bundles = [one.bundle for one in sink.take(next(batches)) if one.bundle is not None]
    hashes = {(one.aggregate, one.sonar_id): bundle_hash(one.bundle) for one in bundles}
    async with sink.db.session() as tx:
        known = await Ledger(into.ledger, "bench").states(tx, hashes)
    assert {key: state.hash for key, state in known.items()} == hashes


def _again(settings: Settings, name: str, count: int) -> Iterator[list[Message]]:
    """The second half of the topic, in batches, by a consumer of its own that is polled when a batch is asked for."""
    topic = Topics(settings.instance).splynx(PAYMENT.name)
    consumer: Consumer = make_consumer(settings.kafka, f"{settings.instance}.{name}")
    consumer.assign([TopicPartition(topic, 0, count * BATCH)])
    for _ in range(count):
        found: list[Message] = []
        while len(found) < BATCH:
            found += consumer.consume(BATCH - len(found), 10)
        yield found
    consumer.close()


async def _picture(sink: Sink, into: Installation) -> dict[str, Any]:
    """A checksum of each table that a write would change."""
    tables = ", ".join(into.table(name) for name in _KEPT)
    return {row["Table"]: row["Checksum"] for row in await sink.db.fetch(f"CHECKSUM TABLE {tables}")}
