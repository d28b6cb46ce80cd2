"""Folders that we write into."""

import os
from pathlib import Path

from plumbing.errors import ConfigurationError

STATE_DIR = "state_dir in the settings (CROSSFADE_STATE_DIR)"


def writable(folder: Path, said: str = STATE_DIR) -> Path:
    """The folder, made where it is missing. `said` is what names it, for the message.

    Raises:
        ConfigurationError: it cannot be made, or nothing can be written in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        why = None if os.access(folder, os.W_OK | os.X_OK) else "nothing may be written there"
    except OSError as exc:
        why = exc.strerror
    if why is not None:
        raise ConfigurationError(
            f"cannot use the folder {folder}, of {said}: {why}", remedy="Give another folder, or mend its rights."
        )
    return folder
