"""Local servers and sandboxes: `python -m sandbox.local up|down|status`.

Exit codes: 0 done, 3 `status` found something that does not run, 4 a server did not start.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from sandbox.local.library import ROOT, ProgramMissing
from sandbox.local.processes import StartFailed
from sandbox.local.site import Site, World, sourced


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    world = World(options.accounts, options.seed, options.live)
    site = Site(
        options.state,
        world,
        say=lambda line: print(f"  {line}", flush=True),
        database_access=options.database == "yes",
    )
    actions = {"up": _up, "down": _down, "status": _status}
    return actions[options.action](site)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.local", description=__doc__)
    parser.add_argument("action", choices=("up", "down", "status"))
    parser.add_argument("--state", type=Path, default=ROOT / ".local", help="where everything lies")
    parser.add_argument("--accounts", type=int, default=300, help="size of the invented ISP")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--live", type=float, default=0.0, metavar="RATE", help="events per second from the start")
    parser.add_argument(
        "--database", choices=("yes", "no"), default="yes", help="whether Crossfade may use Splynx's database"
    )
    return parser


def _up(site: Site) -> int:
    # SIGTERM as ctrl-C: whatever ends us while servers start, they are stopped.
    before = signal.signal(signal.SIGTERM, _interrupt)
    # A shell's background job inherits ctrl-C as ignored, and Python then leaves it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if all(site.running.values()):
            print("It runs already.")
        else:
            print("Starting the local servers and both sandboxes ...", flush=True)
        site.start()
    except (StartFailed, ProgramMissing) as exc:
        print(exc, file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("Interrupted; nothing is left running.", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    _print_addresses(site)
    print(
        f"\nNext:\n  . {sourced(site.env_file)}\n  crossfade doctor\n  crossfade topics --apply\n"
        "  crossfade run --until caught-up --apply\n  crossfade reconcile\nStop it with: make down"
    )
    return 0


def _down(site: Site) -> int:
    stopped = site.stop()
    print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def _status(site: Site) -> int:
    running = site.running
    for name, pid in running.items():
        print(f"  {name:10} {'pid ' + str(pid) if pid else 'does not run'}")
    if not all(running.values()):
        return 3
    _print_addresses(site)
    return 0


def _print_addresses(site: Site) -> None:
    for name, value in site.places.items():
        print(f"  {name:10} {value}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
