"""`make model-check`: 20,000 random histories against capture, with what met what: `python -m tests.model --help`.

It goes on where an earlier run of the same sources stopped.
"""

import argparse
import gc
import logging
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import structlog

from tests.model.check import FAULTED, check, history, pairs, shortest
from tests.model.source import OPERATIONS
from tests.model.state import CHUNK, Met, State
from tests.model.strategies import NAIVE

PATIENCE = 200


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _begin() -> None:
    """A worker begins. What is there by now stays: looking it through for garbage took a tenth of its time."""
    _quiet()
    gc.freeze()


def _chunk(number: int) -> tuple[dict[int, str], Met]:
    missed, met = dict[int, str](), Counter[tuple[str, str]]()
    for seed in range(number * CHUNK, (number + 1) * CHUNK):
        steps = history(seed)
        met += pairs(steps)
        found = check(seed, steps)
        if found is not None:
            missed[seed] = str(found)
    return missed, met


def _show(seed: int) -> int:
    steps = history(seed)
    if check(seed, steps) is None:
        print(f"history {seed}: nothing is missed")
        return 0
    steps = shortest(seed, steps)
    print(f"history {seed}: {check(seed, steps)}")
    for step in steps:
        print(f"  {step}")
    return 1


def _controls(state: State) -> bool:
    """Each naive strategy with the first history that it fails; False when one fails none."""
    for strategy in NAIVE:
        if strategy.name not in state.controls:
            misses = (seed for seed in range(PATIENCE) if check(seed, history(seed, strategy), strategy) is not None)
            seed = next(misses, None)
            if seed is not None:
                state.note_control(strategy.name, seed)
        found = state.controls.get(strategy.name)
        print(f"control {strategy.name}: " + (f"misses in history {found}" if found is not None else "MISSES NOTHING"))
    return all(one.name in state.controls for one in NAIVE)


def _check(state: State, chunks: list[int]) -> None:
    """Check the histories of these chunks, as many at a time as there are processors."""
    begun = time.monotonic()
    with ProcessPoolExecutor(max_workers=os.cpu_count(), initializer=_begin) as pool:
        parts = {pool.submit(_chunk, number): number for number in chunks}
        try:
            for done, future in enumerate(as_completed(parts), 1):
                state.note(parts[future], *future.result())
                each = (time.monotonic() - begun) / done
                told = f"{done * CHUNK} of {len(chunks) * CHUNK} histories, {len(state.missed)} missed"
                told += f", {CHUNK / each:.1f}/s, {each * (len(chunks) - done) / 60:.0f} min left"
                print(f"\r{told}", end="", file=sys.stderr, flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    print(file=sys.stderr)


def main(arguments: list[str]) -> int:
    """0: nothing was missed, every control misses and every pair was met; 1: not so."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description="Random histories against capture.")
    parser.add_argument("state", nargs="?", type=Path, default=Path(".local/model.json"), help="what is done so far")
    parser.add_argument("--histories", type=int, default=20_000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--seed", type=int, help="one history only, made as short as it can be")
    asked = parser.parse_args(arguments)
    _quiet()
    if asked.seed is not None:
        return _show(asked.seed)
    state = State(asked.state)
    controls = _controls(state)
    _check(state, state.left(asked.first, asked.histories))
    names, met = [one.__name__ for one in OPERATIONS], state.met
    print(f"{'operation':<16}" + "".join(f"{fault[:14]:>15}" for fault in FAULTED))
    for name in names:
        print(f"{name:<16}" + "".join(f"{met[name, fault]:>15}" for fault in FAULTED))
    unmet = [(name, fault) for name in names for fault in FAULTED if not met[name, fault]]
    for seed, what in sorted(state.missed.items()):
        print(f"history {seed} misses {what}; python -m tests.model --seed {seed} shows the shortest one")
    told = f"{len(state.chunks) * CHUNK} histories in all, {len(state.missed)} missed states"
    print(f"{told}, {len(unmet)} pairs never met")
    return 0 if controls and not state.missed and not unmet else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
