"""`make model-check`: 20,000 random histories against capture, with what met what: `python -m tests.model --help`."""

import argparse
import logging
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed

import structlog

from tests.model.check import FAULTED, Missed, check, history, pairs, shortest
from tests.model.source import OPERATIONS
from tests.model.strategies import NAIVE

CHUNK = 50
PATIENCE = 200


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _chunk(first: int, count: int) -> tuple[list[tuple[int, Missed]], Counter[tuple[str, str]]]:
    missed, met = [], Counter[tuple[str, str]]()
    for seed in range(first, first + count):
        steps = history(seed)
        met += pairs(steps)
        found = check(seed, steps)
        if found is not None:
            missed.append((seed, found))
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


def _controls() -> bool:
    """Each naive strategy with the first history that it fails; False when one fails none."""
    found = True
    for strategy in NAIVE:
        misses = (seed for seed in range(PATIENCE) if check(seed, history(seed, strategy), strategy) is not None)
        seed = next(misses, None)
        print(f"control {strategy.name}: " + (f"misses in history {seed}" if seed is not None else "MISSES NOTHING"))
        found = found and seed is not None
    return found


def main(arguments: list[str]) -> int:
    """0: nothing was missed, every control misses and every pair was met; 1: not so."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description="Random histories against capture.")
    parser.add_argument("--histories", type=int, default=20_000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--seed", type=int, help="one history only, made as short as it can be")
    asked = parser.parse_args(arguments)
    _quiet()
    if asked.seed is not None:
        return _show(asked.seed)
    begun, done, missed, met = time.monotonic(), 0, list[tuple[int, Missed]](), Counter[tuple[str, str]]()
    controls = _controls()
    with ProcessPoolExecutor(max_workers=os.cpu_count(), initializer=_quiet) as pool:
        starts = range(asked.first, asked.first + asked.histories, CHUNK)
        parts = {pool.submit(_chunk, at, min(CHUNK, asked.first + asked.histories - at)): at for at in starts}
        for future in as_completed(parts):
            found, some = future.result()
            missed, met, done = missed + found, met + some, done + CHUNK
            left = (time.monotonic() - begun) / done * (asked.histories - done)
            told = f"{min(done, asked.histories)} of {asked.histories}, {len(missed)} missed, {left / 60:.0f} min left"
            print(f"\r{told}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    names = [one.__name__ for one in OPERATIONS]
    print(f"{'operation':<16}" + "".join(f"{fault[:14]:>15}" for fault in FAULTED))
    for name in names:
        print(f"{name:<16}" + "".join(f"{met[name, fault]:>15}" for fault in FAULTED))
    unmet = [(name, fault) for name in names for fault in FAULTED if not met[name, fault]]
    for seed, what in missed:
        print(f"history {seed} misses {what}; python -m tests.model --seed {seed} shows the shortest one")
    print(f"{asked.histories} histories, {len(missed)} missed states, {len(unmet)} pairs never met")
    return 0 if controls and not missed and not unmet else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
