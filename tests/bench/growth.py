"""Whether a snapshot of ten times the rows takes ten times as long: `capture_growth`.

1.05 × (seconds an event of a small ISP) ÷ (seconds an event of one with ten times the accounts): met when ten times the
rows take at most 10.5 times as long. The small one is read before and after the large one (A/A). `cpu_growth` is the
same of CPU seconds, large ÷ small: what of it is capture's own, also on a machine that has other work.
"""

import os
import time
from collections.abc import Awaitable
from pathlib import Path

from plumbing.kafka import end_offsets, make_consumer
from plumbing.settings import Settings
from sandbox.local.sandboxes import SonarSandbox
from sandbox.local.stack import Addresses
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics
from tests.bench.capturing import snapshotted
from tests.bench.entry import Entry, Round, noise, ratio, timed
from tests.bench.servers import instance

ACCOUNTS = int(os.environ.get("ACCOUNTS", "2000"))
"""Up to so many the invented ISP's accounts have one and the same history."""
TIMES = 10
ALLOWED = 1.05
TURNS = 3


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `capture_growth`."""
    sonars = [
        SonarSandbox(folder, accounts=accounts, requests_per_minute=0, name=f"sonar-{accounts}")
        for accounts in (ACCOUNTS // TIMES, ACCOUNTS)
    ]
    try:
        for sonar in sonars:
            sonar.start()
        small, large = sonars
        measured, figures = [], dict[str, float]()
        for _ in range(TURNS):
            before, cpu_before, few = await _snapshot(at, folder, small)
            took, cpu_took, many = await _snapshot(at, folder, large)
            after, cpu_after, _ = await _snapshot(at, folder, small)
            measured.append(Round(before / few, took / many / ALLOWED, after / few))
            cpu_growth = round(cpu_took / many / (min(cpu_before, cpu_after) / few), 3)
            figures = {
                "events_small": few,
                "events_large": many,
                "seconds_small": min(round(min(before, after), 2), figures.get("seconds_small", before)),
                "seconds_large": min(round(took, 2), figures.get("seconds_large", took)),
                "cpu_growth": min(cpu_growth, figures.get("cpu_growth", cpu_growth)),
            }
    finally:
        for sonar in sonars:
            sonar.stop()
    return [Entry("capture_growth", ratio(measured), 1.0, noise(measured), figures)]


async def _snapshot(at: Addresses, folder: Path, sonar: SonarSandbox) -> tuple[float, float, int]:
    """Seconds and CPU seconds of a first snapshot into an instance of its own, and how many events it made."""
    cpu = 0.0

    async def both(work: Awaitable[object]) -> float:
        nonlocal cpu
        before = time.process_time()
        took = await timed(work)
        cpu = time.process_time() - before
        return took

    with instance(at, folder, sonar) as settings:
        return await snapshotted(settings, both), cpu, _events(settings)


def _events(settings: Settings) -> int:
    topics, consumer = Topics(settings.instance), make_consumer(settings.kafka, f"{settings.instance}.bench")
    try:
        return sum(
            high
            for one in AGGREGATES
            for _, high in end_offsets(consumer, topics.sonar(one.name), settings.kafka.partitions).values()
        )
    finally:
        consumer.close()
