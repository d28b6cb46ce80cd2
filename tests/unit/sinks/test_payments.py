"""Amounts and receipts."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.payment_rows import amount_of
from sinks.receipts import receipt_of, revision_of


@given(st.integers(-(10**12), 10**12), st.integers(0, 4))
def test_an_amount_is_exact_in_any_exponent(minor: int, exponent: int) -> None:
    amount = amount_of({"amount_minor": minor, "exponent": exponent})
    assert amount * 10**exponent == minor
    assert isinstance(amount, Decimal)


def test_no_two_documents_of_one_payment_share_a_receipt() -> None:
    assert [receipt_of("SP1", n) for n in range(5)] == ["SP1", "SP1-X", "SP1-A", "SP1-X2", "SP1-A2"]


@pytest.mark.parametrize("revision", range(6))
def test_an_opposite_document_is_marked_as_one(revision: int) -> None:
    assert ("-X" in receipt_of("SP1", revision)) is (revision % 2 == 1)


@given(st.integers(0, 40), st.sampled_from(["SP1", "SP1-R22", "P-A-7", "10-X-1"]))
def test_a_document_is_known_again_by_its_receipt(revision: int, root: str) -> None:
    assert revision_of(receipt_of(root, revision)) == (root, revision)
