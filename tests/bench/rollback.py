"""How fast a run of payments is taken back: the rollback ÷ the sink that wrote the same rows, with flat memory.

`rollback`: 100,000 payments are written by two runs of the sink, the second of which tells how far the first differs
from itself; then both are taken back at once, as `crossfade rollback --since` does. Twice the time of writing is
allowed. `rollback_memory`: what the process may grow by meanwhile ÷ what it did.
"""

import gc
from contextlib import AsyncExitStack
from pathlib import Path

from clients.mysql import Database
from clients.splynx import SplynxClient
from console.rollback import RolledBack
from plumbing.settings import Settings
from sandbox.local.stack import Addresses
from schemas.catalogue import TARGETS
from schemas.write_paths import BY_SQL
from sinks.adoption import Marked
from sinks.payments import Payments
from sinks.rest import RestRecords
from sinks.rollback import Rollback, Writes
from sinks.rollback_writes import RollbackWrites
from sinks.site import Site
from sinks.store import Ledger
from sinks.undo import Way
from tests.bench.entry import Entry, Round, noise, ratio, timed
from tests.bench.paying import BATCH, Installation, Sink, batches_of, installation, records_of, sink_on
from tests.bench.servers import instance

GOAL = 0.5
BATCHES = 178
"""Of payments, an eighth of which have a reversal: 100,128 rows in all."""
ALLOWED_MB = 40


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entries `rollback` and `rollback_memory`."""
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(instance(at, folder))
        into = await stack.enter_async_context(installation(at))
        sink = await sink_on(stack, into, settings)
        halves = await _write(sink, settings)
        records = sum(map(records_of, range(BATCHES * BATCH)))
        assert await _live(sink) == records
        gc.collect()
        _forget_peak()
        before = _megabytes("VmRSS")
        result = RolledBack(True, "bench", values=False)
        took = await timed(_take_back(into, settings, result))
        grown = max(_megabytes("VmHWM") - before, 0.1)
        assert (result.whole, result.counts[Way.WITHDRAW]) == (records, records)
        (money,) = await sink.db.fetch("SELECT SUM(deposit) AS money, SUM(deposit <> 0) AS some FROM customer_billing")
        assert (money["money"], money["some"]) == (0, 0)
    whole = Round(2 * halves[0], took, 2 * halves[1])
    figures = {
        "rows": records,
        "written_per_second": round(records / sum(halves)),
        "taken_back_per_second": round(records / took),
        "grown_mb": round(grown, 1),
    }
    return [
        Entry("rollback", ratio([whole]), GOAL, noise([whole]), figures),
        Entry("rollback_memory", round(ALLOWED_MB / grown, 3), 1.0, 0.0, {"grown_mb": round(grown, 1)}),
    ]


async def _write(sink: Sink, settings: Settings) -> tuple[float, float]:
    """Seconds of the sink alone for each half, whose batches take turns: what disturbs one is near the other."""
    seconds = [0.0, 0.0]
    for turn, batch in enumerate(batches_of(settings, BATCHES)):
        seconds[turn % 2] += await timed(sink.write(batch))
    return seconds[0], seconds[1]


async def _live(sink: Sink) -> int:
    (row,) = await sink.db.fetch("SELECT COUNT(*) AS n FROM payments WHERE deleted = '0'")
    return int(row["n"])


async def _take_back(into: Installation, settings: Settings, result: RolledBack) -> None:
    client = SplynxClient(settings.splynx)  # payments go by SQL alone
    async with Database(into.settings(connections=2)) as db:
        ledger = Ledger(into.ledger, "bench-rollback")
        site = Site(client, db, ledger, Marked(client, db, TARGETS, sql=True), None)
        rollback = Rollback(site, {}, money=True, ways=BY_SQL)
        async with db.session() as tx:
            payments = await Payments.of(tx)
        writes = RollbackWrites(site, rollback, RestRecords(client, db, ledger, TARGETS), payments)
        async for part in rollback.parts(await rollback.chosen(Writes(run_id="bench"))):
            for one in await writes.apply(part):
                result.add(one)


def _megabytes(name: str) -> float:
    """A line of the kernel's record of this process, in MB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) / 1024


def _forget_peak() -> None:
    """Let the kernel's highest mark begin anew."""
    Path("/proc/self/clear_refs").write_text("5")
