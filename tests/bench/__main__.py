"""All benchmarks: `python -m tests.bench [capture latency ...]`.

Without names all but `shape`, which takes 3 GB and ten minutes and more, `backlog`, which takes nearly as long, and
`peer_sink`, which needs what `make bench-peers` fetches. Prints the table and writes `.local/bench.json`, a list of
`{name, ratio, goal, noise, figures}`. Exit code 3: a goal is missed; 2: an unknown name.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from sandbox.local.library import ROOT
from sandbox.local.stack import Addresses
from tests.bench import (
    backlog,
    batch_engine,
    capture,
    faust_stage,
    growth,
    latency,
    memory,
    page_worth,
    peers,
    replay,
    rollback,
    sandbox_sonar,
    shape,
    sink_four,
    sink_sql,
)
from tests.bench.entry import Entry, table
from tests.bench.servers import servers

RESULT = ROOT / ".local" / "bench.json"
ON_SERVERS: dict[str, Callable[[Addresses, Path], list[Entry]]] = {
    "sink_sql": lambda at, folder: asyncio.run(sink_sql.measure(at, folder)),
    "sink_sql_4": lambda at, folder: asyncio.run(sink_four.measure(at, folder)),
    "replay": lambda at, folder: asyncio.run(replay.measure(at, folder)),
    "rollback": lambda at, folder: asyncio.run(rollback.measure(at, folder)),
    "capture": lambda at, folder: asyncio.run(capture.measure(at, folder)),
    "latency": latency.measure,
    "page_worth": lambda at, folder: asyncio.run(page_worth.measure(at, folder)),
    "shape": shape.measure,
    "growth": lambda at, folder: asyncio.run(growth.measure(at, folder)),
    "faust": lambda at, folder: asyncio.run(faust_stage.measure(at, folder)),
    "batch": lambda at, folder: asyncio.run(batch_engine.measure(at, folder)),
}
ALONE: dict[str, Callable[[Path], list[Entry]]] = {
    "sandbox_sonar": lambda _folder: sandbox_sonar.measure_all(),
    "memory": memory.measure,
    "backlog": backlog.measure,
    "peer_sink": peers.measure,
}
LARGE = {"shape", "backlog", "peer_sink"}
"""Run only when asked for."""


def main(arguments: list[str]) -> int:
    """The command."""
    known = [*ALONE, *ON_SERVERS]
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    names: list[str] = parser.parse_args(arguments).names
    if unknown := set(names) - set(known):
        print(f"Unknown: {', '.join(sorted(unknown))}. There is: {', '.join(known)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever ends us, what was started is stopped
    wanted = names or [name for name in known if name not in LARGE]
    entries: list[Entry] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in [one for one in ALONE if one in wanted]:
            print(f"{name} ...", file=sys.stderr, flush=True)
            entries += ALONE[name](Path(folder))
        if set(wanted) & set(ON_SERVERS):
            with servers() as at:
                for name in [one for one in ON_SERVERS if one in wanted]:
                    print(f"{name} ...", file=sys.stderr, flush=True)
                    entries += ON_SERVERS[name](at, Path(folder))
    print(table(entries))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps([asdict(one) for one in entries], indent=2) + "\n")
    return 0 if all(one.is_met for one in entries) else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
