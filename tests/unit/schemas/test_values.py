"""Texts and numbers on their way to Splynx's columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.values import text


@pytest.mark.parametrize(
    ("number", "country", "extension", "expected"),
    [
        ("(555) 555-0100", "US", None, "+15555550100"),
        ("1-555-555-0100", "CA", " 12 ", "+15555550100 x12"),
        ("555-0100", "US", None, "555-0100"),
        ("020 7946 0000", "GB", None, "+442079460000"),
        ("0055 5010 0123", "GB", None, "+44055501001 23".replace(" ", "")),
        ("06 555 0100", "IT", None, "+39065550100"),
        ("555 0100", "XX", None, "555 0100"),
        ("555 0100", None, None, "555 0100"),
        ("call me", "US", None, "call me"),
        (None, "US", "5", ""),
    ],
)
def test_a_phone_number_is_international_where_its_country_is_known(
    number: str | None, country: str | None, extension: str | None, expected: str
) -> None:
    assert text.phone(number, country, extension) == expected


@pytest.mark.parametrize("value", ["ada", "ada@", "ada@example", "a b@example.com", "ada@example.com, bo@example.com"])
def test_what_is_no_email_address_is_none(value: str) -> None:
    assert text.email(value) is None


def test_control_characters_go_and_lines_stay() -> None:
    assert text.clean("a\x00b\r\nc\x07 ") == "ab\nc"
    assert text.one_line("a\n\t b") == "a b"


@pytest.mark.parametrize(
    ("charset", "kept"),
    [
        ("utf8mb4", "\u00e9\u0416\U0001f600"),
        ("utf8mb3", "\u00e9\u0416?"),
        ("utf8", "\u00e9\u0416?"),
        ("latin1", "\u00e9??"),
        ("ascii", "???"),
    ],
)
def test_a_column_that_cannot_hold_a_character_gets_a_question_mark(charset: str, kept: str) -> None:
    assert text.storable("\u00e9\u0416\U0001f600", charset) == kept


def test_html_becomes_lines_with_at_most_two_blank_ones() -> None:
    assert text.from_html("<p>One &lt;two&gt;</p><br><br><br><br><b>three</b>") == "One <two>\n\n\nthree"


@given(st.text(max_size=300), st.integers(1, 100))
def test_a_cut_text_fits_and_is_the_beginning(value: str, characters: int) -> None:
    kept = text.cut(value, characters)
    assert len(kept) <= characters
    assert value.startswith(kept)


@given(st.lists(st.text("ab@", max_size=10), max_size=20), st.integers(0, 60))
def test_joined_values_fit_and_stay_whole(values: list[str], characters: int) -> None:
    notes: list[str] = []
    found = text.joined("email", values, characters, notes)
    assert len(found) <= characters
    parts = found.split(", ") if found else []
    assert set(parts) <= set(values)
    assert len(parts) == len(set(parts))
    assert bool(notes) == (set(parts) != {value for value in values if value})
