"""Money: after every write the deposit is what the ledger says."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from sandbox.splynx.install import connect
from tests.integration.sandbox_splynx.conftest import Splynx

PAYMENTS = "finance/payments"


def payment(customer: int, amount: str, **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "payment_type": 1, "date": "2024-05-01", "amount": amount} | more


def assert_balanced(splynx: Splynx, customer: int, expected: str) -> None:
    """The formula that holds over a whole production database: credits minus debits, deleted rows left out."""
    rows = splynx.sql(
        "SELECT type, total FROM billing_transactions WHERE customer_id = %s AND deleted = '0'", [customer]
    )
    ledger = sum((row["total"] if row["type"] == "credit" else -row["total"] for row in rows), Decimal(0))
    assert Decimal(splynx.deposit(customer)) == ledger == Decimal(expected)


async def test_a_payment_has_one_credit_row_and_moves_the_deposit(quiet: Splynx) -> None:
    customer = await quiet.customer()
    made = await quiet.created(PAYMENTS, payment(customer, "10.10", receipt_number="SP1", is_sent=1))
    (row,) = quiet.sql("SELECT * FROM billing_transactions WHERE customer_id = %s", [customer])
    assert (row["type"], row["payment_id"], row["category"], str(row["total"])) == ("credit", made, 3, "10.1000")
    shown = (await quiet.call("GET", f"{PAYMENTS}/{made}")).body
    assert shown["transaction_id"] == row["id"]
    assert (shown["amount"], shown["remind_amount"], shown["added_by"]) == (10.1, "10.1000", "api")
    assert_balanced(quiet, customer, "10.10")


async def test_the_balance_holds_through_payments_transactions_changes_and_deletions(quiet: Splynx) -> None:
    customer = await quiet.customer()
    first = await quiet.created(PAYMENTS, payment(customer, "0.10"))
    second = await quiet.created(PAYMENTS, payment(customer, "0.20"))
    assert_balanced(quiet, customer, "0.30")
    await quiet.created(PAYMENTS, payment(customer, "-0.20"))
    assert_balanced(quiet, customer, "0.10")
    debit = {"customer_id": customer, "type": "debit", "price": 5, "tax_percent": 10, "quantity": 2, "category": 1}
    debit |= {"date": "2024-05-01", "description": "Fee"}
    transaction = await quiet.created("finance/transactions", debit)
    assert_balanced(quiet, customer, "-10.90")
    await quiet.call("PUT", f"finance/transactions/{transaction}", {"price": 1})
    assert_balanced(quiet, customer, "-2.10")
    await quiet.call("PUT", f"{PAYMENTS}/{first}", {"amount": "4.10"})
    assert_balanced(quiet, customer, "1.90")
    assert (await quiet.call("DELETE", f"{PAYMENTS}/{second}")).status == 204
    assert_balanced(quiet, customer, "1.70")
    assert (await quiet.call("DELETE", f"finance/transactions/{transaction}")).status == 204
    assert_balanced(quiet, customer, "3.90")


async def test_a_receipt_number_is_generated_and_unique(quiet: Splynx) -> None:
    customer = await quiet.customer()
    made = await quiet.created(PAYMENTS, payment(customer, "1"))
    number = (await quiet.call("GET", f"{PAYMENTS}/{made}")).body["receipt_number"]
    assert number.split("-")[1] == "01"
    answer = await quiet.call("POST", PAYMENTS, payment(customer, "1", receipt_number=number))
    assert (answer.status, "receipt_number" in answer.body["error"]["message"]) == (422, True)
    found = (await quiet.call("GET", f"{PAYMENTS}?main_attributes[receipt_number]={number}")).body
    assert [row["id"] for row in found] == [made]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"amount": None}, "amount", id="no amount"),
        pytest.param({"amount": "ten"}, "amount", id="an amount that is no number"),
        pytest.param({"payment_type": 99}, "payment_type", id="unknown method"),
        pytest.param({"customer_id": 999999}, "customer_id", id="unknown customer"),
        pytest.param({"date": ""}, "date", id="no date"),
    ],
)
async def test_a_payment_that_validation_refuses_leaves_no_row(
    quiet: Splynx, change: dict[str, Any], field: str
) -> None:
    before = quiet.sql("SELECT COUNT(*) n FROM payments")
    customer = await quiet.customer()
    answer = await quiet.call("POST", PAYMENTS, payment(customer, "1") | change)
    assert (answer.status, field in answer.body["error"]["message"]) == (422, True)
    assert quiet.sql("SELECT COUNT(*) n FROM payments") == before


async def test_a_receipt_is_mailed_unless_marked_as_sent_or_switched_off(splynx: Splynx) -> None:
    await splynx.call("PUT", "config/config?module=main&path=customers", {"welcome_message": False})
    customer = await splynx.customer(email="ada@example.com")
    await splynx.created(PAYMENTS, payment(customer, "1", is_sent=1))
    assert (await splynx.side_effects())["mails"] == []
    await splynx.created(PAYMENTS, payment(customer, "1"))
    assert [mail["kind"] for mail in (await splynx.side_effects())["mails"]] == ["payment_receipt"]
    await splynx.raw("DELETE", "/_sandbox/side-effects")
    await splynx.call("PUT", f"customers/customer-billing/{customer}", {"send_finance_notification": 0})
    await splynx.created(PAYMENTS, payment(customer, "1"))
    assert (await splynx.side_effects())["mails"] == []


async def test_no_mail_leaves_while_notifications_are_off(quiet: Splynx) -> None:
    customer = await quiet.customer(email="ada@example.com")
    await quiet.created(PAYMENTS, payment(customer, "1"))
    await quiet.created("finance/invoices", invoice(customer, "5"))
    assert (await quiet.side_effects())["mails"] == []


async def test_a_payment_makes_a_blocked_customer_active(quiet: Splynx) -> None:
    customer = await quiet.customer(status="blocked")
    await quiet.created(PAYMENTS, payment(customer, "1"))
    assert (await quiet.call("GET", f"customers/customer/{customer}")).body["status"] == "active"
    logged = quiet.sql("SELECT old_status, new_status FROM logs_services WHERE customer_id = %s", [customer])
    assert {"old_status": "blocked", "new_status": "active"} in logged


def invoice(customer: int, price: str, **more: Any) -> dict[str, Any]:
    item = {"description": "Month", "quantity": 1, "unit": "", "price": price, "tax": 10}
    return {"customer_id": customer, "status": "not_paid", "items": [item], "date_created": "2024-05-01"} | more


async def test_an_invoice_debits_each_item_and_the_balance_falls(quiet: Splynx) -> None:
    customer = await quiet.customer()
    made = await quiet.created("finance/invoices", invoice(customer, "20"))
    shown = (await quiet.call("GET", f"finance/invoices/{made}")).body
    assert (shown["total"], shown["due"], shown["status"], shown["payment_id"]) == (22, 22, "not_paid", 0)
    (item,) = shown["items"]
    assert (item["price"], item["tax"], item["tax_amount"], item["pos"]) == ("20.0000", "10.0000", 2, 1)
    assert item["transaction_id"] > 0
    assert_balanced(quiet, customer, "-22")


async def test_payments_pay_the_oldest_invoice_first_when_the_switch_is_on(splynx: Splynx) -> None:
    customer = await splynx.customer()
    old = await splynx.created("finance/invoices", invoice(customer, "10", date_created="2024-01-01"))
    new = await splynx.created("finance/invoices", invoice(customer, "10", date_created="2024-02-01"))
    made = await splynx.created(PAYMENTS, payment(customer, "15"))
    due = {row["id"]: (str(row["due"]), row["status"]) for row in splynx.sql("SELECT id, due, status FROM invoices")}
    assert due[old] == ("0.0000", "paid")
    assert due[new] == ("7.0000", "not_paid")
    assert (await splynx.call("GET", f"{PAYMENTS}/{made}")).body["remind_amount"] == "0.0000"
    answer = await splynx.call("DELETE", f"finance/invoices/{old}")
    assert answer.body["error"]["internal_code"] == "ENTITY_CANNOT_BE_DELETED"
    assert (await splynx.call("DELETE", f"{PAYMENTS}/{made}")).status == 204
    due = {row["id"]: (str(row["due"]), row["status"]) for row in splynx.sql("SELECT id, due, status FROM invoices")}
    assert due[old] == ("11.0000", "not_paid")
    assert_balanced(splynx, customer, "-22")
    assert (await splynx.call("DELETE", f"finance/invoices/{old}")).status == 204
    assert_balanced(splynx, customer, "-11")


async def test_payments_stay_unallocated_when_the_switch_is_off(quiet: Splynx) -> None:
    customer = await quiet.customer()
    await quiet.created("finance/invoices", invoice(customer, "10"))
    made = await quiet.created(PAYMENTS, payment(customer, "11"))
    assert (await quiet.call("GET", f"{PAYMENTS}/{made}")).body["remind_amount"] == "11.0000"
    assert quiet.sql("SELECT COUNT(*) n FROM invoice_payers WHERE customer_id = %s", [customer]) == [{"n": 0}]


async def test_a_negative_invoice_is_refused(quiet: Splynx) -> None:
    customer = await quiet.customer()
    assert (await quiet.call("POST", "finance/invoices", invoice(customer, "-1"))).status == 422


async def test_payments_at_once_lose_nothing(quiet: Splynx) -> None:
    customer = await quiet.customer()
    answers = await asyncio.gather(
        *(quiet.call("POST", PAYMENTS, payment(customer, "1", receipt_number=f"RACE{n}")) for n in range(20))
    )
    assert {answer.status for answer in answers} == {201}
    assert_balanced(quiet, customer, "20")


async def test_a_payment_waits_for_a_writer_of_the_same_balance_and_counts_its_rows(quiet: Splynx) -> None:
    customer = await quiet.customer()
    with connect(quiet.server) as other, other.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_transactions (customer_id, type, total) VALUES (%s, 'credit', 5)", [customer]
        )
        cursor.execute("UPDATE customer_billing SET deposit = deposit + 5 WHERE customer_id = %s", [customer])
        request = asyncio.create_task(quiet.call("POST", PAYMENTS, payment(customer, "1")))
        deadline = time.monotonic() + 20
        while not quiet.sql("SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"):
            assert time.monotonic() < deadline, "the payment never waited"
            await asyncio.sleep(
                0.2
            )  # the server renews that table no faster than every 0.1 s, and not while it is read
        other.commit()
    assert (await request).status == 201
    assert_balanced(quiet, customer, "6")


async def test_base_categories_stay_and_names_are_unique(quiet: Splynx) -> None:
    names = [row["name"] for row in (await quiet.call("GET", "finance/transaction-categories")).body]
    assert names[:5] == ["Service", "Discount", "Payment", "Refund", "Correction"]
    answer = await quiet.call("DELETE", "finance/transaction-categories/1")
    assert answer.body["error"]["internal_code"] == "ENTITY_CANNOT_BE_DELETED"
    assert (await quiet.call("POST", "finance/payment-methods", {"name": "Cash", "is_active": True})).status == 422
    methods = (await quiet.call("GET", "finance/payment-methods")).body
    assert [row["id"] for row in methods][:5] == [1, 2, 3, 5, 6]
    assert methods[0]["is_active"] == "1"


async def test_billing_info_tells_how_long_the_balance_lasts(quiet: Splynx) -> None:
    customer = await quiet.customer()
    service = {"tariff_id": 1, "status": "active", "description": "x", "quantity": 1, "start_date": "2024-01-01"}
    await quiet.created(f"customers/customer/{customer}/recurring-services", service)
    await quiet.created(PAYMENTS, payment(customer, "45"))
    info = (await quiet.call("GET", f"customers/billing-info/{customer}")).body
    assert (info["deposit"], info["paymentPerMonth"], info["howManyMonthsLeft"]) == (45, "20.0000", 2)
    billing = (await quiet.call("GET", f"customers/customer-billing/{customer}")).body
    assert (billing["month_price"], billing["blocking_date"]) == ("20.0000", info["blocking_date"])
