"""Values as they stand in the text of a statement, for sessions whose `sql_mode` is ours: a backslash escapes.

What the driver does too, but it asks for each value anew what the server's session is like and what the value may be,
and it takes texts apart character by character.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pymysql.converters import Decimal2Literal, escape_item

_SEPARATOR = "\x1f"
"""Between the texts of a column that are escaped at once; hardly any text has it."""


def _escaped(text: str) -> str:
    """What would end a text, or the statement, in the eyes of a server or of what writes statements down.

    Of other characters the server needs none escaped (MySQL, `mysql_real_escape_string`): a document is full of
    double quotes.
    """
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0")


def _text(value: str) -> str:
    return f"'{_escaped(value)}'"


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


def filled_rows(group: str, rows: Sequence[Sequence[Any]]) -> list[str]:
    """The same for each of many rows of one kind, column by column: most of a column is of one type."""
    columns = [_column(values) for values in zip(*rows, strict=True)]
    return [group % row for row in zip(*columns, strict=True)]


def _column(values: Sequence[Any]) -> Sequence[Any]:
    """What stands in the text for each value of a column."""
    first = values[0]
    if first is values[-1] and len(set(map(id, values))) == 1:  # the run, the instant: one object for all rows
        return [literal(first)] * len(values)
    kinds = set(map(type, values))
    if kinds == {int}:
        return values
    if kinds == {Decimal} and all(map(Decimal.is_finite, values)):
        return [format(value, "f") for value in values]
    if kinds != {str}:
        return list(map(literal, values))
    texts = _escaped(_SEPARATOR.join(values)).split(_SEPARATOR)
    return [f"'{text}'" for text in texts] if len(texts) == len(values) else list(map(_text, values))
