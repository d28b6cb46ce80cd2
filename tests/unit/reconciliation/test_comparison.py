"""Planted differences are found, each by sum and by record; nothing else is."""

from dataclasses import replace
from decimal import Decimal

import pytest

from reconciliation.comparison import compare_books, explained
from reconciliation.expected import Books, Document, add_documents
from reconciliation.findings import UNEXPLAINED, Cause, Finding, lasting
from reconciliation.target import minor_of, without_withdrawn

DAY = "2024-05-01"


def books(statuses: dict[str, str] | None = None, *documents: Document) -> Books:
    made = Books(statuses=statuses or {})
    add_documents(made, documents)
    return made


def found(expected: Books, actual: Books) -> set[tuple[str, str, str | None, str | None]]:
    return {(one.check, one.key, one.expected, one.actual) for one in compare_books(expected, actual)}


def test_equal_books_have_no_findings() -> None:
    assert compare_books(*[books({"5": "active"}, Document("9", "5", DAY, 2, 1250))] * 2) == []


def test_a_payment_that_is_wrong_by_a_cent_is_found_in_its_day_its_customer_and_itself() -> None:
    right, wrong = (books(None, Document("9", "5", DAY, 2, minor)) for minor in (1250, 1251))
    assert found(right, wrong) == {
        ("M7", f"{DAY} 2", "1 1250", "1 1251"),
        ("balance", "5", "1250", "1251"),
        ("record", "9", f"5 {DAY} 2 1250", f"5 {DAY} 2 1251"),
    }


def test_two_swapped_statuses_are_found_though_their_counts_agree() -> None:
    right, wrong = books({"5": "active", "6": "disabled"}), books({"5": "disabled", "6": "active"})
    assert found(right, wrong) == {("record", "5", "active", "disabled"), ("record", "6", "disabled", "active")}


def test_a_missing_customer_is_found_in_the_counts_too() -> None:
    assert found(books({"5": "active"}), books()) == {
        ("counts", "active", "1", None),
        ("record", "5", "active", None),
    }


def test_a_doubled_payment_is_found() -> None:
    one, twin = Document("9", "5", DAY, 2, 100), Document("splynx:77", "5", DAY, 2, 100)
    assert ("record", "splynx:77", None, f"5 {DAY} 2 100") in found(books(None, one), books(None, one, twin))


def test_a_held_record_names_its_cause_and_its_message() -> None:
    cause = Cause("deferred: money.not_disposable", "splynx.x.payment", 2, 41)
    findings = compare_books(books(None, Document("9", "5", DAY, 2, 1)), books())
    causes = {one.check: one.cause for one in explained(findings, {("payment", "9"): cause})}
    assert causes == {"M7": UNEXPLAINED, "balance": UNEXPLAINED, "record": cause}


def test_only_what_stood_in_both_looks_just_so_is_confirmed() -> None:
    stays = Finding("record", "customer", "5", "status", "active", "new")
    moved = Finding("record", "customer", "6", "status", "active", "new")
    later = replace(moved, expected="blocked")
    assert lasting([stays, moved], [stays, later]) == [replace(stays, confirmed=True)]


def test_a_payment_withdrawn_by_its_opposite_leaves_nothing_to_compare() -> None:
    kept = Document("9", "5", DAY, 2, 100)
    pair = [Document("splynx:1", "5", DAY, 2, 300), Document("splynx:2", "5", DAY, 2, -300)]
    lone = Document("splynx:3", "5", DAY, 2, -300)
    assert without_withdrawn([kept, *pair]) == [kept]
    assert without_withdrawn([kept, *pair, lone]) == [kept, lone]


def test_an_amount_with_a_fraction_of_a_cent_is_refused() -> None:
    assert minor_of(Decimal("-12.5000"), 2) == -1250
    with pytest.raises(ValueError, match="more digits"):
        minor_of(Decimal("12.345"), 2)
