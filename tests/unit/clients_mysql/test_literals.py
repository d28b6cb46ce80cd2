"""Values in a statement's text stand there as the driver would write them."""

from datetime import date, datetime
from decimal import Decimal

import pymysql
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.converters import escape_item

from clients.literals import filled, literal

AT = datetime(2026, 5, 1, 12, 30, 5)  # noqa: DTZ001 - columns keep naive instants


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.none(), NUMBERS, st.datetimes(), st.dates()))
def test_a_literal_is_the_drivers(value: object) -> None:
    assert literal(value) == escape_item(value, "utf8mb4")


@pytest.mark.parametrize(
    "value", [AT, AT.replace(microsecond=1500), date(2026, 5, 1), 1.5, b"\x00'", Decimal("-0.10"), True]
)
def test_rarer_kinds_are_the_drivers_too(value: object) -> None:
    assert literal(value) == escape_item(value, "utf8mb4")


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan")])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(pymysql.err.ProgrammingError):
        literal(value)


def test_nothing_in_a_value_ends_it() -> None:
    text = "O'Neil \\' OR 1=1 -- \x00\n\r\x1a\" %s"
    assert filled("a = %s AND b LIKE 'x%%' AND c = %s", (text, 7)) == (
        "a = 'O\\'Neil \\\\\\' OR 1=1 -- \\0\\n\\r\\Z\\\" %s' AND b LIKE 'x%' AND c = 7"
    )
