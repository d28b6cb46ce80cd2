"""The demo's own verdict: equal only when every record and every cent is there."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from sandbox.demo.__main__ import costs, table
from sandbox.demo.proof import compare
from sandbox.demo.source import Source
from sandbox.demo.target import Target, minor

PAYMENTS = {"10": ("1", 5000), "10-R1": ("1", -2000), "11": ("2", 100)}
SERVICES = {"501": ("1", Decimal("60.0000"))}
SOURCE = Source(
    companies=frozenset({"1", "2"}),
    groups=frozenset({"7"}),
    types=frozenset({"8"}),
    accounts=frozenset({"1", "2"}),
    all_payments=3,
    plans=frozenset({"101"}),
    services=SERVICES,
    payments=PAYMENTS,
)
CUSTOMERS = frozenset({"1", "2"})
TARGET = Target(
    rows={
        "partner": frozenset({"2"}),
        "label": frozenset({"group:7", "type:8", "flag:archived"}),
        "internet_tariff": frozenset({"101"}),
        "customer": CUSTOMERS,
        "customer_info": CUSTOMERS,
        "customer_billing": CUSTOMERS,
        "internet_service": frozenset(SERVICES),
        "payment": frozenset(PAYMENTS),
    },
    services=dict(SERVICES),
    misplaced_services=0,
    payments=dict(PAYMENTS),
    paid={"1": 3000, "2": 100},
    stray_payments=0,
    deposits={"1": 3000, "2": 100},
    ledger={"1": 3000, "2": 100},
    held={"deferred": Counter({"payment": 2})},
)
TOPICS = Counter({"company": 2, "account_group": 1, "account_type": 1, "account": 2, "payment": 3})
CONFIGURED = frozenset({"1"})


def test_two_equal_sides_are_equal_and_their_money_is_shown() -> None:
    verdict = compare(SOURCE, TARGET, TOPICS, CONFIGURED)
    assert verdict.is_equal
    assert verdict.source_minor == verdict.target_minor == verdict.deposits_minor == verdict.ledger_minor == 3100
    assert [line.deferred for line in verdict.lines if line.entity == "payment"] == [2]
    assert table(verdict).count("31.00") == 4


@pytest.mark.parametrize(
    ("target", "finding"),
    [
        pytest.param(
            replace(TARGET, deposits={"1": 2999, "2": 100}), "customer 1: deposit 2999 instead of 3000 cents", id="cent"
        ),
        pytest.param(
            replace(TARGET, ledger={"1": 3000}), "customer 2: ledger rows 0 instead of 100 cents", id="no ledger row"
        ),
        pytest.param(
            replace(TARGET, payments={**PAYMENTS, "11": ("1", 100)}),
            "payment 11: another amount or customer",
            id="payment of another customer",
        ),
        pytest.param(
            replace(TARGET, rows={**TARGET.rows, "customer": frozenset({"1"})}),
            "customer 2: is not in Splynx",
            id="customer missing",
        ),
        pytest.param(
            replace(TARGET, rows={**TARGET.rows, "label": TARGET.rows["label"] | {"group:9"}}),
            "label group:9: is in Splynx and not in Sonar",
            id="label too many",
        ),
        pytest.param(
            replace(TARGET, paid={"1": 6000, "2": 100}),
            "customer 1: payments 6000 instead of 3000 cents",
            id="a double",
        ),
        pytest.param(
            replace(TARGET, services={"501": ("1", Decimal("59.9999"))}),
            "internet_service 501: another price or customer",
            id="another price",
        ),
        pytest.param(
            replace(TARGET, misplaced_services=2),
            "2 services in Splynx that are not in the state of their customer",
            id="copies that Splynx made",
        ),
        pytest.param(
            replace(TARGET, stray_payments=1),
            "1 payments in Splynx of customers that no account leads to",
            id="a payment of a stranger",
        ),
    ],
)
def test_one_difference_is_found_and_named(target: Target, finding: str) -> None:
    verdict = compare(SOURCE, target, TOPICS, CONFIGURED)
    assert finding in verdict.findings
    assert not verdict.is_equal


def test_what_it_costs_to_have_no_database_is_said_in_the_words_of_the_plan() -> None:
    plan = {
        "target": [
            {"entity": "customer", "cost": ""},
            {"entity": "payment", "cost": "one by one; another time"},
        ],
        "requests": {"splynx": 420},
        "seconds": {"splynx": 2.1},
    }
    said = costs(plan)
    assert "  payment: one by one; another time\n" in said
    assert "at most 420 requests to Splynx for the first copy, 2.1 s by its budget" in said
    assert "customer" not in said


def test_a_part_of_a_cent_is_refused() -> None:
    assert minor(Decimal("-12.5000")) == -1250
    with pytest.raises(ValueError, match="part of a cent"):
        minor(Decimal("0.0010"))


def test_a_debt_is_printed_with_its_sign() -> None:
    verdict = replace(compare(SOURCE, TARGET, TOPICS, CONFIGURED), source_minor=-150)
    assert "-1.50" in table(verdict)
