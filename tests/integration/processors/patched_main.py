"""The processors' process with one step replaced: `python -m tests.integration.processors.patched_main PATCH SETTINGS`.

Patches: `hang` (an agent stands still), `late` (messages leave only when they are flushed), `late_unflushed` (and the
flush before Faust's commit is taken away).
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from plumbing.kafka import make_producer
from plumbing.logs import configure_logs
from plumbing.settings import KafkaSettings, load_settings
from processors import worker
from processors.guard import Guard


async def stand_still(self: Guard, *_: object) -> None:
    """In place of `Guard.process`."""
    await asyncio.sleep(3600)


async def flush_nothing(self: Guard) -> None:
    """In place of `Guard.flush`."""


def make_late_producer(kafka: KafkaSettings, **overrides: Any) -> Any:
    """In place of `make_producer`: nothing leaves by itself."""
    return make_producer(kafka, **overrides, **{"linger.ms": 900_000})


def patch(name: str) -> None:
    """Replace the step."""
    if name == "hang":
        Guard.process = stand_still  # type: ignore[method-assign,assignment]
        return
    worker.make_producer = make_late_producer  # type: ignore[attr-defined]
    if name == "late_unflushed":
        Guard.flush = flush_nothing  # type: ignore[method-assign]


if __name__ == "__main__":
    configure_logs(json=True)
    patch(sys.argv[1])
    worker.run_worker(load_settings(Path(sys.argv[2])))
