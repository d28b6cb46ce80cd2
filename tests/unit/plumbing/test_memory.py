"""How this process takes memory."""

import subprocess
import sys

_ARENAS = """
import ctypes, os, sys, threading
from plumbing.memory import share_one_arena
if sys.argv[1] == "one":
    assert share_one_arena()
malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
mine, held = malloc(1000), []
def take():
    held.append(malloc(1000))
thread = threading.Thread(target=take)
thread.start()
thread.join()
# Of each arena but the first the heaps lie at multiples of 64 MiB, apart from where the program's own memory grows.
print(abs(held[0] - mine) < 64 * 2**20)
"""


def test_threads_share_one_arena_when_told_to() -> None:
    def near(how: str) -> str:
        return subprocess.run([sys.executable, "-c", _ARENAS, how], capture_output=True, text=True, check=True).stdout

    assert (near("one"), near("many")) == ("True\n", "False\n")
