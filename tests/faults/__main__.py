"""All faults with all their seeds: `python -m tests.faults [STATE]`. It goes on where an earlier run stopped.

At most an hour (`CROSSFADE_FAULTS_SECONDS`): what is not done by then is left for the next run.
`CROSSFADE_FAULTS_TIMES=10` takes ten times as many seeds, and what follows STATE goes to pytest:
`python -m tests.faults .local/edits.json -k random_edits`.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.faults.full import ENVIRONMENT
from tests.faults.seeds import FULL


def main() -> int:
    """pytest's exit code: 0 when everything holds, 1 when something fails, 2 when something is left."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="All faults with all their seeds.")
    parser.add_argument("state", nargs="?", type=Path, default=Path(".local/faults.json"), help="what is done so far")
    said, for_pytest = parser.parse_known_args()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        FULL,
        "-n",
        "2",
        "--no-header",
        "tests/faults",
        *for_pytest,
    ]
    return subprocess.run(command, env=os.environ | {ENVIRONMENT: str(said.state.resolve())}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
