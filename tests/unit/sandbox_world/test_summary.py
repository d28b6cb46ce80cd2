"""The auditor's figures against figures made in another way."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from sandbox.world import World


@pytest.fixture(scope="module")
def figures(lived: World) -> dict[str, Any]:
    return lived.summary()


def test_the_summary_is_plain_json(figures: dict[str, Any]) -> None:
    assert json.loads(json.dumps(figures)) == figures


def test_methods_add_up_to_the_total(figures: dict[str, Any]) -> None:
    methods = figures["payments"]["by_method"].values()
    assert sum(method["sum"] for method in methods) == figures["payments"]["successful"]["sum"]
    assert sum(method["count"] for method in methods) == figures["payments"]["successful"]["count"]


def test_the_balance_is_what_remains_of_the_payments_that_count_or_pays_an_invoice(
    lived: World, figures: dict[str, Any]
) -> None:
    remaining = sum(
        row["amount_remaining"]
        for row in lived.store.table("Payment").values()
        if row["successful"] and row["status"] not in ("PENDING", "FAILED")
    )
    applied = sum(
        row["amount"]
        for row in lived.store.table("Credit").values()
        if row["creditable_type"] == "Payment" and not row["void"]
    )
    assert figures["balance"] == remaining + applied


def test_statuses_add_up_to_the_accounts(lived: World, figures: dict[str, Any]) -> None:
    assert (
        sum(figures["accounts"]["by_status"].values())
        == figures["accounts"]["count"]
        == len(lived.store.table("Account"))
    )


def test_pending_and_failed_payments_do_not_count(lived: World, figures: dict[str, Any]) -> None:
    statuses = Counter(str(row["status"]) for row in lived.store.table("Payment").values())
    assert figures["payments"]["by_status"] == statuses
    assert figures["payments"]["successful"]["count"] <= statuses["SUCCEEDED"] + statuses["None"]
