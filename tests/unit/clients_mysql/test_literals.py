"""Values in a statement's text: as the driver would write them, and texts so that they are read as they were."""

import re
from datetime import date, datetime
from decimal import Decimal

import pymysql
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.converters import escape_item

from clients.literals import filled, filled_rows, literal

AT = datetime(2026, 5, 1, 12, 30, 5)  # noqa: DTZ001 - columns keep naive instants


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(st.text(), st.integers(), st.booleans(), st.none(), NUMBERS, st.datetimes(), st.dates())
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def read_back(text: str) -> str:
    """The text that a server reads in a literal: a backslash escapes, a quote ends it."""
    assert re.fullmatch(r"'(?:[^'\\]|\\.)*'", text, re.DOTALL)
    return ESCAPED.sub(lambda found: "\0" if found[1] == "0" else found[1], text[1:-1])


@given(st.one_of(st.integers(), st.booleans(), st.none(), NUMBERS, st.datetimes(), st.dates()))
def test_a_literal_is_the_drivers(value: object) -> None:
    assert literal(value) == escape_item(value, "utf8mb4")


@given(st.one_of(st.text(), st.text(alphabet="\\'\"\0a\n\x1a0n")))
def test_a_text_is_read_as_it_was(value: str) -> None:
    assert read_back(literal(value)) == value


@given(st.lists(st.tuples(VALUES, st.text("a'\\\x1f"), st.integers(), NUMBERS, st.none() | st.text()), min_size=1))
def test_rows_are_filled_as_each_by_itself(rows: list[tuple[object, ...]]) -> None:
    group = "(%s, 'x%%', %s, NOW(), %s, %s, %s)"
    assert filled_rows(group, rows) == [filled(group, row) for row in rows]


def test_what_all_rows_have_is_written_into_each() -> None:
    assert filled_rows("(%s, %s)", [(AT, 1), (AT, 2)]) == [f"('{AT}', 1)", f"('{AT}', 2)"]


@pytest.mark.parametrize(
    "value", [AT, AT.replace(microsecond=1500), date(2026, 5, 1), 1.5, b"\x00'", Decimal("-0.10"), True]
)
def test_rarer_kinds_are_the_drivers_too(value: object) -> None:
    assert literal(value) == escape_item(value, "utf8mb4")


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan")])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(pymysql.err.ProgrammingError):
        literal(value)
    with pytest.raises(pymysql.err.ProgrammingError):
        filled_rows("(%s)", [(Decimal(1),), (value,)])


def test_nothing_in_a_value_ends_it() -> None:
    text = "O'Neil \\' OR 1=1 -- \x00\n\r\x1a\" %s"
    assert filled("a = %s AND b LIKE 'x%%' AND c = %s", (text, 7)) == (
        "a = 'O\\'Neil \\\\\\' OR 1=1 -- \\0\n\r\x1a\" %s' AND b LIKE 'x%' AND c = 7"
    )
