"""What a column may hold in memory: ids and money as int, instants as aware UTC, days as `date`, all else as text.

The same readers serve rows that are written and values that come in from a request.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from sandbox.sonar.declarations import Column


class BadValue(ValueError):
    """A value that a column cannot hold. The value itself is not repeated, for it may be personal."""


_NUMERIC = re.compile(r"\d+")
_INTEGER = re.compile(r"[+-]?\d+")


def read_int(value: object) -> int:
    """A 64-bit integer, as number or digits.

    Raises:
        BadValue: it is neither.
    """
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise BadValue("expected a 64-bit integer")
    return value


def read_int32(value: object) -> int:
    """A GraphQL Int. Raises BadValue outside 32 bits."""
    number = read_int(value)
    if not -(2**31) <= number < 2**31:
        raise BadValue("expected a 32-bit integer")
    return number


def read_instant(value: object) -> datetime:
    """ISO 8601 with any offset (`Z`, `+00:00`, `+0000`) to aware UTC; without one it is taken for UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise BadValue("expected an ISO 8601 date and time") from None
        if value.tzinfo is None:
            value = value.replace(tzinfo=UTC)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise BadValue("expected an aware date and time")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def read_day(value: object) -> date:
    """A calendar day, as `YYYY-MM-DD`."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise BadValue("expected YYYY-MM-DD") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise BadValue("expected a day")
    return value


def read_bool(value: object) -> bool:
    """True or False, nothing that merely resembles them."""
    if not isinstance(value, bool):
        raise BadValue("expected a boolean")
    return value


def read_float(value: object) -> float:
    """A floating point number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue("expected a number")
    return float(value)


def read_text(value: object) -> str:
    """Text as it is."""
    if not isinstance(value, str):
        raise BadValue("expected text")
    return value


def read_digits(value: object) -> str:
    """Sonar's Numeric: digits as text, leading zeros kept; clients also send bare integers."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _NUMERIC.fullmatch(text):
        raise BadValue("expected digits")
    return text


def read_decimal_text(value: object) -> str:
    """Latitude or longitude: kept as the text that was written."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise BadValue("expected a decimal")
    try:
        float(text)
    except ValueError:
        raise BadValue("expected a decimal") from None
    return text


Reader = Callable[[object], object]

READERS: Mapping[str, Reader] = {
    "Boolean": read_bool,
    "Date": read_day,
    "Datetime": read_instant,
    "Float": read_float,
    "Int": read_int32,
    "Int64Bit": read_int,
    "Latitude": read_decimal_text,
    "Longitude": read_decimal_text,
    "Numeric": read_digits,
}
"""Scalar → its reader; every scalar that is not named here is text."""


def reader(column: Column, enums: Mapping[str, Mapping[str, str | None]]) -> Reader:
    """The reader of a column's values, enums and lists included (lists become tuples)."""
    one = _member(enums[column.scalar]) if column.scalar in enums else READERS.get(column.scalar, read_text)
    return _listed(one) if column.listed else one


def _member(values: Mapping[str, object]) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, str) or value not in values:
            raise BadValue("expected one of the enum's values")
        return value

    return read


def _listed(one: Reader) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, list | tuple):
            raise BadValue("expected a list")
        return tuple(one(item) for item in value)

    return read
