"""All faults with all their seeds: `python -m tests.faults [STATE]`. It goes on where an earlier run stopped.

At most an hour (`CROSSFADE_FAULTS_SECONDS`): what is not done by then is left for the next run.
`CROSSFADE_FAULTS_TIMES=10` takes ten times as many seeds, and what follows STATE goes to pytest:
`python -m tests.faults .local/edits.json -k random_edits`.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.faults.full import ENVIRONMENT
from tests.faults.seeds import FULL


def main() -> int:
    """pytest's exit code: 0 when everything holds, 1 when something fails, 2 when something is left."""
    state = Path(sys.argv[1] if len(sys.argv) > 1 else ".local/faults.json").resolve()
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
        *sys.argv[2:],
    ]
    return subprocess.run(command, env=os.environ | {ENVIRONMENT: str(state)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
