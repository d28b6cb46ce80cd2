"""How near the batch engine comes to the functions that it runs, on accounts.

`batch`: the engine's rate ÷ that of decoding, mapping and encoding the same events in memory. The engine's time is that
from the first of its messages to the last, by their own timestamps, so that joining its group does not count.
"""

import asyncio
from pathlib import Path

from confluent_kafka import Message

from processors.batch import process_batch
from sandbox.local.stack import Addresses
from tests.bench.entry import Entry, Round, noise, ratio
from tests.bench.faust_stage import EVENTS, captured, publish, pure, span
from tests.bench.servers import instance

GOAL = 0.8
TURNS = 3


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `batch`."""
    messages = await captured(at, folder)
    measured = []
    for _ in range(TURNS):
        before = pure(at, folder, messages)
        ours = await asyncio.to_thread(_engine, at, folder, messages)
        measured.append(Round(before, ours, pure(at, folder, messages)))
    figures = {
        "events": EVENTS,
        "events_per_second": round(EVENTS / min(one.ours for one in measured)),
        "pure_per_second": round(EVENTS / min(min(one.before, one.after) for one in measured)),
    }
    return [Entry("batch", ratio(measured), GOAL, noise(measured), figures)]


def _engine(at: Addresses, folder: Path, messages: dict[str, list[Message]]) -> float:
    """Seconds that the engine took for all events."""
    with instance(at, folder) as settings:
        publish(settings, messages)
        process_batch(settings, until_end=True)
        return span(settings)
