"""A Faust worker as a process of its own: `python -m tests.integration.processors.worker_main SETTINGS.json`."""

import sys
from pathlib import Path

from plumbing.logs import configure_logs
from plumbing.settings import Settings
from processors.worker import run_worker

if __name__ == "__main__":
    configure_logs(json=True)
    run_worker(Settings.model_validate_json(Path(sys.argv[1]).read_text()))
