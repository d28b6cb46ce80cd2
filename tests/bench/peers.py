"""How fast four sinks write payments by SQL, in rows per second ÷ those of Debezium's JDBC sink: `peer_sink`.

First our sink writes payments into an empty Splynx, batch by batch; the rows that each batch wrote, Splynx's and the
ledger's, go onto a topic per table. Then, on the same servers, each time into an empty installation: the peer writes
those rows; four sinks of ours, with ledger, journal, fence and conflict check, write the same payments; the peer again
(A/A); four bare drivers; and the peer once more, but only Splynx's own rows, for who keeps no ledger. A checksum of all
columns tells that the peer wrote the same rows. What is no writing it is spared: its start, a first run with a cold
Java, and the rows that are there when the first one is seen.
"""

import asyncio
import multiprocessing
import pickle
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from clients.mysql import Database
from plumbing.settings import Settings
from sandbox.local.library import peer_library
from sandbox.local.stack import Addresses, LocalStack
from tests.bench.bare import bare_on
from tests.bench.connect import TASKS, Connect
from tests.bench.entry import Entry, Round, noise, ratio
from tests.bench.paying import Installation, Share, installation, read_batches, sink_on
from tests.bench.peer_rows import TABLES, TARGET, Peer, Recorded, compare, digests_of, record
from tests.bench.peer_topics import publish
from tests.bench.servers import instance

GOAL = 1.5
WORKERS = TASKS
BATCHES = 16
TURNS = 3
_PATIENCE_SECONDS = 300.0


def measure(folder: Path) -> list[Entry]:
    """The entry `peer_sink`, on servers of its own: the peer's topics have the bare names of tables."""
    with tempfile.TemporaryDirectory() as state, LocalStack(Path(state)) as stack:
        return asyncio.run(_measure(stack.addresses, folder))


async def _measure(at: Addresses, folder: Path) -> list[Entry]:
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(instance(at, folder, partitions=WORKERS))
        recorded = await record(at, settings, [Share(number, WORKERS) for number in range(WORKERS)], BATCHES)
        for table in recorded.tables:
            publish(settings, table, recorded.shares_of(table))
        connect = Connect(at, folder / "connect", peer_library())
        stack.callback(connect.stop)
        connect.start()
        peer = Peer(at, connect, recorded)
        await peer.write(TABLES)  # not counted: Java compiles what has run often
        measured, limits, alone = [], [], []
        for _ in range(TURNS):
            before = await peer.write(TABLES)
            ours = await _four(at, folder, settings, recorded)
            measured.append(Round(before, ours, await peer.write(TABLES)))
            limits.append(await _four(at, folder, settings, recorded, bare=True))
            alone.append(await peer.write(TARGET))
    rows, target_rows, ours = recorded.count(TABLES), recorded.count(TARGET), min(one.ours for one in measured)
    figures = {
        "rows": rows,
        "rows_per_second": round(rows / ours),
        "peer_rows_per_second": round(rows / min(min(one.before, one.after) for one in measured)),
        "bare_rows_per_second": round(rows / min(limits)),
        "target_rows": target_rows,
        "peer_alone_target_rows_per_second": round(target_rows / min(alone)),
        "target_rows_per_second": round(target_rows / ours),
        "workers": WORKERS,
    }
    return [Entry("peer_sink", ratio(measured), GOAL, noise(measured), figures)]


@dataclass(frozen=True)
class Task:
    """What one of four writers is to do, and with whom it begins. `rows`: a file of what a bare driver writes."""

    share: Share
    settings: Settings
    into: Installation
    rows: Path | None
    step: Barrier
    told: "Queue[tuple[float, float]]"


async def _four(at: Addresses, folder: Path, settings: Settings, recorded: Recorded, *, bare: bool = False) -> float:
    """Seconds that four processes take from the first's beginning to the last's end: our sinks, or bare drivers."""
    # Not forked: neither Kafka's client nor a loop bears that.
    context = multiprocessing.get_context("spawn")
    step, told = context.Barrier(WORKERS), context.Queue()
    async with installation(at) as into:
        workers = []
        for number, batches in enumerate(recorded.shares):
            rows = folder / f"rows-{number}" if bare else None
            if rows is not None:
                rows.write_bytes(pickle.dumps(batches))
            task = Task(Share(number, WORKERS), settings, into, rows, step, told)
            workers.append(context.Process(target=_work, args=(task,)))
        for worker in workers:
            worker.start()
        try:
            each: list[tuple[float, float]] = [
                await asyncio.to_thread(told.get, True, _PATIENCE_SECONDS) for _ in workers
            ]
        finally:
            for worker in workers:
                worker.terminate()
                worker.join()
        async with Database(into.settings()) as db:
            found = await digests_of(db.fetch, into, recorded.tables)
        if not bare:  # ours makes ids and times of its own: as many rows, but not the same text
            found = {name: (rows, recorded.digests[name][1]) for name, (rows, _) in found.items()}
        compare(recorded.digests, found)
    # The clock is the machine's: processes can compare its moments.
    return max(ended for _, ended in each) - min(began for began, _ in each)


def _work(task: Task) -> None:
    """A writer's process."""
    task.told.put(asyncio.run(_write(task)))


async def _write(task: Task) -> tuple[float, float]:
    """When it began and when it had written all."""
    async with AsyncExitStack() as stack:
        if task.rows is not None:
            bare, batches = await bare_on(stack, task.into), pickle.loads(task.rows.read_bytes())
            await asyncio.to_thread(task.step.wait, _PATIENCE_SECONDS)
            began = time.monotonic()
            for rows in batches:
                await bare.write(rows)
            return began, time.monotonic()
        sink = await sink_on(stack, task.into, task.settings, task.share)
        found = read_batches(task.settings, BATCHES, task.share)
        first = next(found)  # as the peer's first fetch, it is not counted
        await asyncio.to_thread(task.step.wait, _PATIENCE_SECONDS)
        began = time.monotonic()
        await sink.write(first)
        for batch in found:
            await sink.write(batch)
        return began, time.monotonic()
