"""How fast payments go into Splynx by SQL: the sink ÷ the bare driver that is handed the same rows, ready made.

Ours: messages of the topic decoded, compared with the ledger, written with their ledger rows, crosswalk, journal,
aggregates, outcomes and checkpoint. The limit: exactly those rows as they stood afterwards, read back beforehand,
by `executemany` into a second installation, in the same batches, one connection each.
"""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from confluent_kafka import Message

from plumbing.settings import Settings
from sandbox.local.stack import Addresses
from tests.bench.bare import WRITTEN, Bare, bare_on, marks_of, rows_of
from tests.bench.entry import Entry, Round, noise, ratio, timed
from tests.bench.paying import BATCH, WHOLE, Installation, Sink, batches_of, installation, records_of, sink_on
from tests.bench.servers import instance

GOAL = 0.8
WARM = 3
TURNS = 21
STATEMENTS = 40
"""More than this for one batch of ours would be statements per row."""


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `sink_sql`."""
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(instance(at, folder))
        batches = batches_of(settings, WARM + TURNS)
        installations = [await stack.enter_async_context(installation(at)) for _ in range(3)]
        sink = await sink_on(stack, installations[0], settings)
        bare = [await bare_on(stack, one) for one in installations[1:]]
        measured, counts = await _turns(sink, bare, installations[0], settings, batches)
    seconds = sum(one.ours for one in measured)
    limit = sum(one.before + one.after for one in measured) / 2
    records = sum(records_of(number) for number in range(WARM * BATCH, (WARM + TURNS) * BATCH))
    figures = {
        "payments_per_second": round(records / seconds),
        "bare_payments_per_second": round(records / limit),
        "batch": BATCH,
        "statements_per_batch": counts[0],
        "bare_statements_per_batch": counts[1],
    }
    return [Entry("sink_sql", ratio(measured), GOAL, noise(measured), figures)]


async def _turns(
    sink: Sink, bare: list[Bare], at: Installation, settings: Settings, batches: Iterable[list[Message]]
) -> tuple[list[Round], tuple[int, int]]:
    """The rounds, and statements per batch of ours and of the limit."""
    counts = (0, 0)
    measured: list[Round] = []
    for turn, batch in enumerate(batches):
        before = await marks_of(sink, at, settings, WHOLE, turn)
        counted = [await sink.statements(), await bare[0].statements()]
        ours = await timed(sink.write(batch))
        after = await sink.statements() - 1  # the question itself counts
        rows = await rows_of(sink, at, before)
        assert len(rows["payments"]) == sum(map(records_of, WHOLE.numbers(turn)))
        limit = await timed(bare[0].write(rows))
        counts = (after - counted[0], await bare[0].statements() - 1 - counted[1])
        again = await timed(bare[1].write(rows))
        assert counts[0] <= STATEMENTS
        assert counts[1] == len(WRITTEN) + 2
        if turn >= WARM:
            measured.append(Round(limit, ours, again))
    return measured, counts
