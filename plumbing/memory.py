"""How this process takes memory from the system."""

import contextlib
import ctypes

_M_ARENA_MAX = -8
"""glibc's `malloc.h`."""


def share_one_arena() -> bool:
    """Let all threads take memory from one arena: what one gives back another can take. False: the C library has none.

    By default each thread that asks while another does gets an arena of its own, and keeps what was ever freed there.
    Call it before there are threads.
    """
    with contextlib.suppress(AttributeError, OSError):
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    return False
