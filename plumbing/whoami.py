"""Who runs this process, for records that name who did something."""

import getpass
import os


def user_name() -> str:
    """The user of this machine, at most 64 characters; a number where a container's user has no name."""
    try:
        return getpass.getuser()[:64]
    except (ImportError, KeyError, OSError):
        return f"uid {os.getuid()}"
