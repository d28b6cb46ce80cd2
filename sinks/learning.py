"""Finding a guard's key: Splynx's configuration is compared before and after somebody turned the switch.

Of the first picture only salted digests are kept, for the configuration holds passwords too. The second one shows the
switch as it must be; when it is on there instead, it becomes the first.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from clients.mysql import Database
from clients.splynx import SplynxClient
from plumbing.errors import ConfigurationError
from plumbing.settings import Settings

Configuration = dict[str, str]
"""`{module/path/key: value}`."""
_ON = frozenset({"1", "true", "on", "yes"})
_STALE = timedelta(hours=1)
"""Splynx changes settings of its own, such as when it last did something."""


@dataclass(frozen=True)
class Picture:
    """A configuration by its digests, and when it was taken."""

    salt: str
    taken_at: datetime
    digests: Mapping[str, str]

    @classmethod
    def of(cls, values: Configuration) -> "Picture":
        """Of a configuration as it is now."""
        salt = secrets.token_hex(16)
        return cls(salt, datetime.now(UTC), {key: _digest(salt, value) for key, value in values.items()})

    def changed(self, values: Configuration) -> list[str]:
        """Keys that are new, or have another value now."""
        return sorted(key for key, value in values.items() if self.digests.get(key) != _digest(self.salt, value))


def _digest(salt: str, value: str) -> str:
    return hashlib.blake2b(value.encode(), key=salt.encode(), digest_size=16).hexdigest()


def is_on(value: str) -> bool:
    """Whether a value is that of a switch that is on."""
    return value.strip().lower() in _ON


async def read_configuration(settings: Settings, look: Sequence[str]) -> Configuration:
    """All of Splynx's configuration from its database; without one, what the API tells of `look` (module/path).

    Raises:
        ConfigurationError: neither is given, or one of `look` is no module/path.
        SyncError: Splynx or its database does not answer.
    """
    if look:
        return await _by_rest(settings, look)
    if settings.splynx.db is None:
        raise ConfigurationError(
            "Splynx's configuration cannot be listed: its API tells one path at a time",
            remedy="Give splynx.db, or name where to look: --look finance/automation (may be repeated).",
        )
    async with Database(settings.splynx.db) as db:
        rows = await db.fetch("SELECT `module`, `path`, `key`, `value` FROM config")
    return {f"{row['module']}/{row['path']}/{row['key']}": str(row["value"]) for row in rows}


async def value_of(client: SplynxClient, key: str) -> Any:
    """A setting as the API tells it, which is how a guard is read.

    Raises:
        ConfigurationError: the API has no such setting.
        SyncError: Splynx does not answer.
    """
    module, path, name = key.split("/")
    values = await client.settings_of(module, path)
    if name not in values:
        raise ConfigurationError(
            f"Splynx's API does not tell {key}, which its database has",
            remedy="Confirm this guard in the guards file by name and day, instead of by its key.",
        )
    return values[name]


async def _by_rest(settings: Settings, look: Sequence[str]) -> Configuration:
    found: Configuration = {}
    async with SplynxClient(settings.splynx) as client:
        for one in look:
            module, _, path = one.partition("/")
            if not module or not path or "/" in path:
                raise ConfigurationError(f"{one} is no module/path", remedy="Such as --look finance/automation.")
            for key, value in (await client.settings_of(module, path)).items():
                found[f"{module}/{path}/{key}"] = str(int(value)) if isinstance(value, bool) else str(value)
    return found


def picture_file(folder: Path, name: str) -> Path:
    """Where the first picture for a guard waits for the second."""
    return folder / f"guard-{name}.json"


def keep_picture(path: Path, picture: Picture) -> None:
    """Keep it, readable to us alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(
        orjson.dumps({"salt": picture.salt, "taken_at": picture.taken_at, "digests": dict(picture.digests)})
    )
    part.replace(path)


def kept_picture(path: Path) -> Picture | None:
    """The one that was kept; None where there is none, or one that is too old to compare with."""
    try:
        loaded = orjson.loads(path.read_bytes())
        picture = Picture(loaded["salt"], datetime.fromisoformat(loaded["taken_at"]), loaded["digests"])
    except (OSError, ValueError, KeyError):
        return None
    return picture if datetime.now(UTC) - picture.taken_at < _STALE else None
