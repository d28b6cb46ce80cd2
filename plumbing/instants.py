"""Instants as most systems write them, by their parts, of which each is looked up: for thousands of rows a second."""

from datetime import UTC, datetime
from functools import lru_cache

from plumbing.clock import epoch_ms

_MINUTES = {f"T{place // 60:02d}:{place % 60:02d}": place * 60_000 for place in range(24 * 60)}
_SECONDS = {f":{second:02d}": second * 1_000 for second in range(60)}
_UTC = {"Z": 0, "+00:00": 0}
_DAY_LENGTH = 10


def utc_ms(text: str) -> int:
    """Milliseconds since the epoch of an instant such as `2024-02-29T08:30:00Z`, whole seconds in UTC.

    Raises:
        LookupError, TypeError, ValueError: it is written in another way, or is none.
    """
    return _midnight(text[:10]) + _MINUTES[text[10:16]] + _SECONDS[text[16:19]] + _UTC[text[19:]]


@lru_cache(maxsize=4096)
def _midnight(day: str) -> int:
    if len(day) != _DAY_LENGTH or day[4] + day[7] != "--" or not day.isascii():
        raise ValueError  # another way to write a day
    return epoch_ms(datetime.fromisoformat(day).replace(tzinfo=UTC))
