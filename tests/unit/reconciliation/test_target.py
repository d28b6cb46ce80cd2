"""Splynx's amounts and documents as facts."""

from decimal import Decimal

import pytest

from reconciliation.facts import Fact
from reconciliation.target import in_minor, without_withdrawn

DAY = "2024-05-01"


def a_document(key: str, minor: int) -> Fact:
    return Fact("payment", key, "5", "stray" if key.startswith("splynx:") else "payment", DAY, 2, minor)


def test_a_payment_withdrawn_by_its_opposite_leaves_nothing_to_compare() -> None:
    kept = a_document("9", 100)
    pair = [a_document("splynx:1", 300), a_document("splynx:2", -300)]
    lone = a_document("splynx:3", -300)
    assert without_withdrawn([kept, *pair]) == [kept]
    assert without_withdrawn([kept, *pair, lone]) == [kept, lone]


def test_an_opposite_without_the_payments_own_word_is_found() -> None:
    """A payment that was to be moved: taken back where it was, and made nowhere; its record still counts as there."""
    half = [a_document("9", 300), a_document("splynx:2", -300)]
    assert without_withdrawn(half) == half


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        pytest.param(Decimal("-12.5000"), "-1250", id="four digits, as Splynx keeps them"),
        pytest.param(Decimal("0.0000"), "0", id="nothing"),
        pytest.param(Decimal("1000.0000"), "100000", id="thousands keep their zeros"),
        pytest.param(Decimal("12.3450"), "1234.5", id="half a cent"),
    ],
)
def test_amounts_become_minor_units_exactly(amount: Decimal, minor: str) -> None:
    assert f"{in_minor(amount, 2):f}" == minor
