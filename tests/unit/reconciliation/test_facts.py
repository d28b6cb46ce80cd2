"""Planted differences are found, each by sum and by record; nothing else is."""

from collections.abc import Iterable, Iterator

import pytest

from reconciliation.facts import ACTUAL, EXPECTED, TRANSACTION, Fact, Facts, Skipped

DAY = "2024-05-01"


def a_customer(key: str, status: str, **more: str) -> Fact:
    return Fact("customer", key, key, status, **more)  # type: ignore[arg-type]


def a_payment(key: str, account: str, minor: int, *, state: str = "payment", skipped: str | None = None) -> Fact:
    return Fact("payment", key, account, state, DAY, 2, minor, skipped=skipped)


@pytest.fixture
def facts() -> Iterator[Facts]:
    """Nothing at either end."""
    with Facts() as made:
        yield made


def found(facts: Facts, expected: Iterable[Fact], actual: Iterable[Fact]) -> set[tuple[str, str, object, object]]:
    facts.add(EXPECTED, expected)
    facts.add(ACTUAL, actual)
    return {(one.check, one.key, one.expected, one.actual) for one in [*facts.sums(), *facts.records()]}


def test_equal_ends_have_no_findings(facts: Facts) -> None:
    same = [a_customer("5", "active"), a_payment("9", "5", 1250)]
    assert found(facts, same, same) == set()
    assert facts.counts() == {"customer": {"active": [1, 1]}, "payment": {"payment": [1, 1]}}
    assert facts.money() == [1250, 1250]


def test_a_payment_that_is_wrong_by_a_cent_is_found_in_its_day_its_customer_and_itself(facts: Facts) -> None:
    assert found(facts, [a_payment("9", "5", 1250)], [a_payment("9", "5", 1251)]) == {
        ("M7", f"{DAY} 2", "1 1250", "1 1251"),
        ("balance", "5", "1250", "1251"),
        ("record", "9", f"5 {DAY} 2 1250", f"5 {DAY} 2 1251"),
    }


def test_two_swapped_statuses_are_found_though_their_counts_agree(facts: Facts) -> None:
    right = [a_customer("5", "active"), a_customer("6", "disabled")]
    wrong = [a_customer("5", "disabled"), a_customer("6", "active")]
    assert found(facts, right, wrong) == {
        ("record", "5", "active", "disabled"),
        ("record", "6", "disabled", "active"),
    }


def test_a_missing_customer_is_found_in_the_counts_too(facts: Facts) -> None:
    assert found(facts, [a_customer("5", "active")], []) == {
        ("counts", "active", "1", "0"),
        ("record", "5", "active", None),
    }


def test_a_doubled_payment_is_found(facts: Facts) -> None:
    one, twin = a_payment("9", "5", 100), a_payment("splynx:77", "5", 100, state="stray")
    assert ("record", "splynx:77", None, f"5 {DAY} 2 100") in found(facts, [one], [one, twin])


def test_a_payment_on_another_customer_concerns_both(facts: Facts) -> None:
    found(facts, [a_payment("9", "5", 100)], [a_payment("9", "6", 100)])
    assert [one.accounts for one in facts.records()] == [("5", "6")]


def test_a_fraction_of_a_cent_is_a_difference(facts: Facts) -> None:
    fraction = Fact("payment", "9", "5", "payment", DAY, 2, 100, is_whole=False)
    differing = found(facts, [a_payment("9", "5", 100)], [fraction])
    assert differing == {("record", "9", f"5 {DAY} 2 100", f"5 {DAY} 2 100 and a fraction")}


def test_what_is_left_out_is_in_no_finding_and_no_sum_but_is_told(facts: Facts) -> None:
    facts.add(EXPECTED, [a_customer("5", "active", skipped="outside the pilot"), a_payment("9", "6", 100)])
    facts.add(ACTUAL, [a_payment("splynx:3", "5", 70, state="stray"), a_customer("5", "new")])
    facts.skip("payment", "9", "deferred: money.not_disposable")
    assert [*facts.sums(), *facts.records()] == []
    assert facts.money() == [0, 0]
    assert facts.skipped() == [
        Skipped("customer", "outside the pilot", 1, 0),
        Skipped("payment", "deferred: money.not_disposable", 1, 100),
    ]


def test_a_deferred_withdrawal_is_no_difference(facts: Facts) -> None:
    facts.add(ACTUAL, [a_payment("9", "5", 100)])
    facts.skip("payment", "9", "deferred: money.not_disposable")
    assert [*facts.sums(), *facts.records()] == []


def test_a_service_is_told_by_its_status_and_a_copy_that_splynx_made_too(facts: Facts) -> None:
    facts.add(EXPECTED, [a_customer("5", "active"), Fact("internet_service", "501", "5", "active")])
    facts.add(ACTUAL, [a_customer("5", "active"), Fact("internet_service", "501", "5", "disabled")])
    facts.add(ACTUAL, [Fact("internet_service", "splynx:77", "5", "stray")])
    assert [(one.key, one.field, one.expected, one.actual) for one in facts.records()] == [
        ("501", "status", "active", "disabled"), ("splynx:77", "status", None, "stray"),
    ]  # fmt: skip
    assert facts.counts()["internet_service"] == {"active": [1, 0], "disabled": [0, 1], "stray": [0, 1]}


def test_what_splynx_charged_is_found_and_is_in_no_sum_of_payments(facts: Facts) -> None:
    facts.add(EXPECTED, [a_customer("5", "active"), a_customer("6", "active", skipped="outside the pilot")])
    facts.add(ACTUAL, [a_customer("5", "active"), a_customer("6", "active")])
    for key, account in (("splynx:7", "5"), ("splynx:8", "6")):
        facts.add(ACTUAL, [Fact(TRANSACTION, key, account, "stray", detail=f"debit {DAY} 1250")])
    assert [(one.key, one.field, one.actual) for one in facts.records()] == [
        ("splynx:7", "kind day minor", f"debit {DAY} 1250")
    ]
    assert facts.money() == [0, 0]
    assert [(one.check, one.entity) for one in facts.sums()] == [("counts", TRANSACTION)]


def test_services_of_an_account_outside_the_pilot_are_not_ours_to_judge(facts: Facts) -> None:
    facts.add(EXPECTED, [a_customer("5", "active", skipped="outside the pilot")])
    facts.add(ACTUAL, [a_customer("5", "active"), Fact("internet_service", "splynx:77", "5", "stray")])
    assert [*facts.sums(), *facts.records()] == []


def test_forgetting_accounts_keeps_the_others(facts: Facts) -> None:
    both = [a_customer("5", "active"), a_customer("6", "active"), Fact("label", "group:1", None)]
    facts.add(EXPECTED, both)
    facts.forget(["5"])
    assert facts.counts() == {"customer": {"active": [1, 0]}}
    facts.forget(None)
    assert facts.counts() == {}


def test_dropped_records_are_in_no_sum(facts: Facts) -> None:
    facts.add(EXPECTED, [a_payment("9", "5", 100)])
    facts.drop([("payment", "9")])
    assert list(facts.sums()) == []
