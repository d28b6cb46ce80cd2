"""All faults with all their seeds: `python -m tests.faults [STATE]`. It goes on where an earlier run stopped.

At most an hour on two cores: what is not done by then is left for the next run, and the exit code says so.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.faults.full import ENVIRONMENT
from tests.faults.seeds import FULL

HOUR = 3600
TRY_LATER = 75


def main() -> int:
    """pytest's exit code; 75 when the hour is over and seeds are left."""
    state = Path(sys.argv[1] if len(sys.argv) > 1 else ".local/faults.json").resolve()
    command = [sys.executable, "-m", "pytest", "-q", "-p", FULL, "-n", "2", "--no-header", "tests/faults"]
    with subprocess.Popen(command, env=os.environ | {ENVIRONMENT: str(state)}) as running:
        try:
            return running.wait(HOUR)
        except subprocess.TimeoutExpired:
            running.terminate()
            print("An hour is over: `make faults` goes on with what is left.", file=sys.stderr)
            return TRY_LATER


if __name__ == "__main__":
    sys.exit(main())
