"""Tells what process it is, then ends with a code or stays: `python -m tests.integration.local.telling CODE|stay`."""

import json
import os
import sys
import time

if __name__ == "__main__":
    told = {
        "words": sys.argv[1:],
        "variable": os.environ.get("TELLING"),
        "folder": os.getcwd(),
        "leads_a_session": os.getsid(0) == os.getpid(),
        "pid": os.getpid(),
    }
    print(json.dumps(told), flush=True)
    if sys.argv[1] == "stay":
        time.sleep(600)
    sys.exit(int(sys.argv[1]))
