"""Time as a value that is handed in, so that a test can stand still and a mapper cannot look."""

from collections.abc import Callable
from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Clock = Callable[[], datetime]
"""Returns the present instant, aware and in UTC."""


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970-01-01T00:00Z of an aware instant; exact for whole milliseconds."""
    delta = instant - _EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def from_epoch_ms(value: int) -> datetime:
    """The aware UTC instant of `value` milliseconds since the epoch."""
    seconds, millis = divmod(value, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=millis * 1000)
