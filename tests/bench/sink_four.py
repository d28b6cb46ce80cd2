"""How fast four sinks beside each other write payments by SQL: their rate ÷ four bare drivers' on the same rows.

`sink_sql_4`: as `sink_sql`, but four processes write at once into one Splynx, each with a partition, a connection and
customers of its own, as the workers of a group do. What they wrote is inserted into a second and a third installation,
each worker's rows by itself, at once, too. A round takes as long as its slowest worker.
"""

import asyncio
import multiprocessing
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from plumbing.settings import Settings
from sandbox.local.stack import Addresses
from tests.bench.bare import bare_on, marks_of, rows_of
from tests.bench.entry import Entry, Round, noise, ratio, timed
from tests.bench.paying import BATCH, Installation, Share, batches_of, installation, sink_on
from tests.bench.servers import instance
from tests.bench.sink_sql import GOAL

WORKERS = 4
WARM = 2
TURNS = 12
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Task:
    """What a worker is to do, and with whom it keeps step."""

    share: Share
    settings: Settings
    into: list[Installation]
    step: Barrier
    told: "Queue[list[Round]]"


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `sink_sql_4`."""
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(instance(at, folder, partitions=WORKERS))
        into = [await stack.enter_async_context(installation(at)) for _ in range(3)]
        # Not forked: neither Kafka's client nor a loop bears that.
        context = multiprocessing.get_context("spawn")
        step, told = context.Barrier(WORKERS), context.Queue()
        workers = [
            context.Process(target=_work, args=(Task(Share(number, WORKERS), settings, into, step, told),))
            for number in range(WORKERS)
        ]
        for worker in workers:
            worker.start()
        try:
            each = [await asyncio.to_thread(told.get, True, _PATIENCE_SECONDS) for _ in workers]
        finally:
            for worker in workers:
                worker.terminate()
                worker.join()
    measured = [
        Round(max(one.before for one in turn), max(one.ours for one in turn), max(one.after for one in turn))
        for turn in zip(*each, strict=True)
    ]
    bundles = WORKERS * BATCH
    figures = {
        "bundles_per_second": round(bundles / min(one.ours for one in measured)),
        "bare_bundles_per_second": round(bundles / min(min(one.before, one.after) for one in measured)),
        "batch": BATCH,
        "workers": WORKERS,
    }
    return [Entry("sink_sql_4", ratio(measured), GOAL, noise(measured), figures)]


def _work(task: Task) -> None:
    """A worker's process."""
    task.told.put(asyncio.run(_rounds(task)))


async def _rounds(task: Task) -> list[Round]:
    at, *others = task.into
    measured = []
    async with AsyncExitStack() as stack:
        sink = await sink_on(stack, at, task.settings, task.share)
        first, second = [await bare_on(stack, one) for one in others]
        for turn, batch in enumerate(batches_of(task.settings, WARM + TURNS, task.share)):
            before = await marks_of(sink, at, task.settings, task.share, turn)
            ours = await _beside(task.step, sink.write(batch))
            rows = await rows_of(sink, at, before)
            limit = await _beside(task.step, first.write(rows))
            again = await _beside(task.step, second.write(rows))
            if turn >= WARM:
                measured.append(Round(limit, ours, again))
    return measured


async def _beside(step: Barrier, work: Awaitable[object]) -> float:
    """Seconds of `work`, which all workers begin at once; the others' is waited for."""
    await asyncio.to_thread(step.wait, _PATIENCE_SECONDS)
    seconds = await timed(work)
    await asyncio.to_thread(step.wait, _PATIENCE_SECONDS)
    return seconds
