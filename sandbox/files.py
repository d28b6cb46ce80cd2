"""Files that hold secrets, and YAML as an operator would write it."""

import os
from pathlib import Path
from typing import Any

import yaml


def write_secret(path: Path, text: str, mode: int = 0o600) -> None:
    """A file that only its owner reads from its first byte on, unless `mode` says otherwise."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)


def as_yaml(values: dict[str, Any]) -> str:
    """In the order given, unbroken by escapes."""
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)
