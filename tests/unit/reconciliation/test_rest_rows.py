"""Splynx's rows over REST: whole whatever the pages, parts read once in a look, money as the database would sum it."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing
from clients.splynx_query import Search
from reconciliation import rest_rows
from reconciliation.rest_rows import TRANSACTIONS, RestRows

CUSTOMERS, PAYMENTS = "admin/customers/customer", "admin/finance/payments"
BILLING = "admin/customers/customer-billing"


class Splynx:
    """Listings and rows by path, and how often each was asked for."""

    settings = SimpleNamespace(concurrency=3)

    def __init__(self, tables: dict[str, list[dict[str, Any]]]) -> None:
        self.tables, self.asked, self.ids = tables, Counter[str](), list[int]()

    async def list(self, path: str, search: Search) -> list[dict[str, Any]]:
        self.asked[path] += 1
        rows = [row for row in self.tables[path] if all(_has(row, *one) for one in search.main.items())]
        assert search.limit is None or search.order == {"id": "ASC"}
        return sorted(rows, key=lambda row: int(row["id"]))[: search.limit]

    async def get(self, path: str, id: int) -> dict[str, Any]:
        self.asked[path] += 1
        for row in self.tables[path]:
            if row["customer_id"] == str(id):
                return row
        raise RecordMissing("no such row")


def _has(row: dict[str, Any], name: str, condition: Any) -> bool:
    operator, operand = condition
    if operator == "IN":
        assert len(operand) <= rest_rows.IDS
        return str(row[name]) in map(str, operand)
    assert operator == ">"
    return int(row[name]) > int(operand)


@pytest.fixture
def splynx() -> Splynx:
    return Splynx(
        {
            CUSTOMERS: [{"id": n, "login": f"s{n}", "status": "active"} for n in range(1, 251)],
            PAYMENTS: [
                {"id": str(n), "customer_id": str(1 + n % 2), "transaction_id": 100 + n, "amount": "1.5000"}
                for n in range(1, 8)
            ],
            TRANSACTIONS: [
                _transaction(101, "1", "credit", "10.0050", payment_id=1),
                _transaction(102, "1", "debit", "3.0000"),
                _transaction(103, "1", "debit", "4.0000", to_invoice="1"),
                _transaction(104, "1", "debit", "5.0000", to_invoice="1", invoice_id=9),
                _transaction(105, "2", "credit", "1.0000"),
            ],
            BILLING: [{"customer_id": "1", "deposit": "2.0050"}, {"customer_id": "2", "deposit": "1.0000"}],
        }
    )


def _transaction(id: int, customer: str, kind: str, total: str, **more: object) -> dict[str, Any]:
    row = {"id": id, "customer_id": customer, "type": kind, "total": total, "date": "2026-01-02", "to_invoice": "0"}
    return row | {"invoice_id": None} | more


@pytest.fixture
def rows(splynx: Splynx) -> Iterator[RestRows]:
    with RestRows(cast("SplynxClient", splynx)) as rows:
        yield rows


async def test_more_than_one_address_or_page_holds_is_read_whole(
    splynx: Splynx, rows: RestRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_rows, "PAGE", 2)
    assert [row["id"] for row in await rows.customers(range(1, 251))] == list(range(1, 251))
    assert [row["id"] for row in await rows.payments_of([1, 2])] == list(range(1, 8))
    assert {row["customer_id"] for row in await rows.payments_of([1])} == {1}
    assert [row["id"] for row in await rows.named(["s7", "s3"])] == [3, 7]


async def test_a_balance_is_the_sum_of_the_ledger_without_what_no_invoice_has_loaded(rows: RestRows) -> None:
    assert list(await rows.balances([1, 2, 3])) == [
        {"customer_id": 1, "deposit": "2.0050", "total": Decimal("2.0050")},
        {"customer_id": 2, "deposit": "1.0000", "total": Decimal("1.0000")},
    ]


async def test_charges_are_what_no_payment_made_of_the_ledger(rows: RestRows) -> None:
    assert [(row["id"], row["customer_id"]) for row in await rows.charges([1])] == [(102, 1), (103, 1), (104, 1)]


async def test_a_part_is_asked_for_once_in_a_look_and_anew_in_the_next(splynx: Splynx, rows: RestRows) -> None:
    assert await rows.holders("customer_billing", [1, 2, 3]) == {1, 2}
    await rows.balances([1, 2, 3])
    assert (await rows.parts("customer_billing", [1, 3]))[1]["deposit"] == "2.0050"
    assert splynx.asked[BILLING] == 3
    splynx.tables[BILLING][0]["deposit"] = "9.0000"
    rows.begin()
    assert (await rows.parts("customer_billing", [1]))[1]["deposit"] == "9.0000"


async def test_a_part_lies_as_exact_as_it_came(splynx: Splynx, rows: RestRows) -> None:
    splynx.tables[BILLING][0]["min_balance"] = Decimal("123456789012345.6789")
    first, again = [await rows.parts("customer_billing", [1]) for _ in range(2)]
    assert splynx.asked[BILLING] == 1
    assert again == first
    assert str(again[1]["min_balance"]) == "123456789012345.6789"


async def test_a_payment_comes_with_its_ledger_row_and_without_one_that_is_deleted(rows: RestRows) -> None:
    found = await rows.payments([1, 7])
    assert (found[1]["ledger_type"], found[1]["ledger_total"], found[1]["ledger_deleted"]) == ("credit", "10.0050", "0")
    assert (found[7]["ledger_type"], found[7]["ledger_deleted"]) == (None, None)
