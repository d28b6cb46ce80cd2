"""Values as they stand in the text of a statement, for sessions whose `sql_mode` is ours: a backslash escapes.

What the driver does too, but it asks for each value anew what the server's session is like and what the value may be.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pymysql.converters import Decimal2Literal, escape_item, escape_string


def _text(value: str) -> str:
    return f"'{escape_string(value)}'"


def _instant(value: datetime) -> str:
    return f"'{value.replace(tzinfo=None).isoformat(' ')}'"


_KINDS: dict[type, Callable[[Any], str]] = {
    str: _text,
    int: str,
    Decimal: lambda value: str(Decimal2Literal(value, None)),
    type(None): lambda _: "NULL",
    datetime: _instant,
    date: lambda value: f"'{value.isoformat()}'",
}


def literal(value: Any) -> str:
    """One value."""
    kind = _KINDS.get(type(value))
    return kind(value) if kind is not None else str(escape_item(value, "utf8mb4"))


def filled(sql: str, values: Iterable[Any]) -> str:
    """A statement with a literal for each `%s`; `%%` is a percent sign."""
    return sql % tuple(map(literal, values))
