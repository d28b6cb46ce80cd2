"""A stage as a process of its own that stands still at a step: `python -m tests.faults.marked PLAN.json`.

The plan: `{"stage", "settings", "step", "when", "turn", "marker", "producer", "client", "without"}`. At the `turn`-th
time that the step (a dotted path) has run (`when`: "after") or is about to (`"before"`), the marker is written and the
process waits there to be killed, or until the marker is taken away. With `"within"` the step, a coroutine, never ends,
and the process goes on around it. Without a step it runs as it is. `producer`, `client`: settings of the Kafka
clients; `without`: the guard that is taken away.
Sessions with the broker are short, so that a killed member is soon forgotten.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from plumbing import kafka
from plumbing.logs import configure_logs
from plumbing.settings import Settings
from tests.faults.steps import after, at_turn, before, resolved

SESSION_MS = 6000


def halt(marker: Path) -> None:
    """Say that the step is reached, and stay in it until the marker is gone."""
    marker.touch()
    while marker.exists():
        time.sleep(0.02)


def never_ends(patches: pytest.MonkeyPatch, step: str, turn: int, marker: Path) -> None:
    """Say that the step is reached, and stay in it alone: what else the process does goes on."""
    real, say, left = resolved(step), marker.touch, turn

    async def waiting(*args: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            say()
            await asyncio.Event().wait()
        return await real(*args, **options)

    patches.setattr(step, waiting)


def creates_a_customer(*args: Any, **_: Any) -> bool:
    """Of a POST to Splynx: whether it is one of a customer. Of everything else: yes."""
    return "admin/customers/customer" in args or not any(isinstance(one, str) for one in args)


async def run(stage: str, settings: Settings) -> None:
    """Run one stage as its command does."""
    if stage == "sink":
        from sinks.runner import run_sink

        await run_sink(settings, apply=True, stop=asyncio.Event())
    else:
        from producers.capture import run_capture

        await run_capture(settings, follow=False, patience_seconds=60)


def main() -> None:
    """Patch, then run."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    configure_logs(json=True)
    make = kafka.make_consumer
    # Before any stage is imported, for they take it by name.
    kafka.make_consumer = lambda *args, **more: make(
        *args, **{"session.timeout.ms": SESSION_MS, **plan["client"], **more}
    )
    produce = kafka.make_producer
    kafka.make_producer = lambda *args, **more: produce(*args, **{**plan["client"], **plan["producer"], **more})
    settings = Settings.model_validate(plan["settings"])
    with pytest.MonkeyPatch.context() as patches:
        if plan["without"]:
            from tests.faults.guards import taken_away

            taken_away(plan["without"], patches)
        if plan["when"] == "within":
            never_ends(patches, plan["step"], plan["turn"], Path(plan["marker"]))
        elif plan["step"]:
            place = after if plan["when"] == "after" else before
            turn = at_turn(plan["turn"], lambda: halt(Path(plan["marker"])))
            place(patches, plan["step"], turn, creates_a_customer)
        if plan["stage"] == "process":
            from processors.worker import run_worker

            run_worker(settings)
        else:
            asyncio.run(run(plan["stage"], settings))


if __name__ == "__main__":
    main()
