"""Invoices that change, credit notes, proformas: the balance holds through all of them."""

from typing import Any

from tests.integration.sandbox_splynx.conftest import Splynx
from tests.integration.sandbox_splynx.test_belongings import changed, read

ITEM = {"description": "Fibre", "quantity": 1, "price": "40", "tax": "10"}


def ledger(splynx: Splynx, customer: int) -> str:
    """What the deposit must be: credits minus debits."""
    sql = (
        "SELECT COALESCE(SUM(IF(type = 'credit', total, -total)), 0) n FROM billing_transactions"
        " WHERE customer_id = %s AND deleted = '0'"
    )
    return str(splynx.sql(sql, [customer])[0]["n"])


async def invoice(splynx: Splynx, customer: int, **more: Any) -> int:
    body = {"customer_id": customer, "status": "not_paid", "items": [ITEM]}
    return await splynx.created("finance/invoices", body | more)


async def test_a_payment_that_names_its_invoice_pays_it_whatever_the_switches_say(quiet: Splynx) -> None:
    customer = await quiet.customer()
    first, second = await invoice(quiet, customer), await invoice(quiet, customer)
    body = {"customer_id": customer, "payment_type": 1, "date": "2024-05-01", "amount": 50, "invoice_id": second}
    payment = await quiet.created("finance/payments", body)
    shown = {one: await read(quiet, f"finance/invoices/{one}") for one in (first, second)}
    assert [(shown[one]["status"], shown[one]["due"]) for one in (first, second)] == [("not_paid", 44), ("paid", 0)]
    assert (await read(quiet, f"finance/payments/{payment}"))["remind_amount"] == "6.0000"
    (relation,) = await read(quiet, f"finance/invoice-relations?main_attributes[invoice_id]={second}")
    assert (relation["type"], relation["payer_id"], relation["amount"]) == ("payment", payment, "44.0000")
    refused = await quiet.call("DELETE", f"finance/invoices/{second}")
    assert refused.body["error"]["internal_code"] == "ENTITY_CANNOT_BE_DELETED"
    assert (await quiet.call("DELETE", f"finance/payments/{payment}")).status == 204
    assert (await quiet.call("DELETE", f"finance/invoices/{second}")).status == 204
    assert quiet.deposit(customer) == ledger(quiet, customer) == "-44.0000"


def transaction(customer: int, kind: str, price: int) -> dict[str, Any]:
    body = {"customer_id": customer, "type": kind, "description": "x", "date": "2024-05-01", "category": 1}
    return body | {"price": price}


async def relations(splynx: Splynx, customer: int) -> list[tuple[Any, ...]]:
    """Kind of payer, the invoice, and the amount of each pairing of a customer."""
    rows = await read(splynx, f"finance/invoice-relations?customer_id={customer}")
    return [(row["type"], row["invoice_id"], row["amount"]) for row in rows]


async def test_money_settles_plain_debits_before_invoices_and_gives_back_what_it_settled(splynx: Splynx) -> None:
    customer = await splynx.customer()
    made = await invoice(splynx, customer)  # 44, and older than the debit in all but its kind
    debit = await splynx.created("finance/transactions", transaction(customer, "debit", 5))
    body = {"customer_id": customer, "payment_type": 1, "date": "2024-05-01", "amount": 50}
    payment = await splynx.created("finance/payments", body)
    assert await relations(splynx, customer) == [("payment", None, "5.0000"), ("payment", made, "44.0000")]
    assert (await read(splynx, f"finance/payments/{payment}"))["remind_amount"] == "1.0000"
    assert (await read(splynx, f"finance/transactions/{debit}"))["remind_amount"] == "0.0000"
    assert (await splynx.call("DELETE", f"finance/transactions/{debit}")).status == 204
    assert (await read(splynx, f"finance/payments/{payment}"))["remind_amount"] == "6.0000"
    second = await splynx.created("finance/transactions", transaction(customer, "debit", 8))
    await changed(splynx, f"finance/payments/{payment}", {"amount": 10})
    assert (await read(splynx, f"finance/invoices/{made}"))["due"] == 42
    assert (await splynx.call("DELETE", f"finance/payments/{payment}")).status == 204
    assert await relations(splynx, customer) == []
    assert (await read(splynx, f"finance/transactions/{second}"))["remind_amount"] == "8.0000"
    assert (await read(splynx, f"finance/invoices/{made}"))["due"] == 44
    assert splynx.deposit(customer) == ledger(splynx, customer) == "-52.0000"


async def test_a_positive_balance_of_any_origin_pays_a_new_invoice_where_that_is_switched_on(splynx: Splynx) -> None:
    customer = await splynx.customer()
    note = {"customer_id": customer, "status": "not_refunded", "items": [ITEM], "date_created": "2024-04-01"}
    await splynx.created("finance/credit-notes", note)
    credit = await splynx.created("finance/transactions", transaction(customer, "credit", 60))
    first, second, third = [await invoice(splynx, customer) for _ in range(3)]
    assert await relations(splynx, customer) == [
        ("credit_note", first, "44.0000"),
        ("transaction", second, "44.0000"),
        ("transaction", third, "16.0000"),
    ]
    shown = [await read(splynx, f"finance/invoices/{one}") for one in (first, second, third)]
    assert [(one["payd_from_deposit"], one["due"]) for one in shown] == [("1", 0), ("1", 0), ("0", 28)]
    assert (await splynx.call("DELETE", f"finance/transactions/{credit}")).status == 204
    opened = await read(splynx, f"finance/invoices/{second}")
    assert (opened["payd_from_deposit"], opened["due"], opened["status"]) == ("0", 44, "not_paid")
    assert splynx.deposit(customer) == ledger(splynx, customer) == "-88.0000"


async def test_items_of_a_put_are_found_by_id_and_the_balance_follows(quiet: Splynx) -> None:
    customer = await quiet.customer()
    made = await invoice(quiet, customer)
    (item,) = (await read(quiet, f"finance/invoices/{made}"))["items"]
    assert (item["price"], item["tax"], item["tax_amount"], item["pos"]) == ("40.0000", "10.0000", 4, 1)
    more = [{"id": item["id"], "price": "30"}, {"description": "Visit", "quantity": 2, "price": 5, "tax": 0}]
    await changed(quiet, f"finance/invoices/{made}", {"items": more})
    shown = await read(quiet, f"finance/invoices/{made}")
    assert (shown["total"], shown["due"], len(shown["items"])) == (43, 43, 2)
    assert quiet.deposit(customer) == ledger(quiet, customer) == "-43.0000"


async def test_a_credit_note_gives_back_and_pays_the_invoices_it_is_for(quiet: Splynx) -> None:
    customer = await quiet.customer()
    made = await invoice(quiet, customer)
    body = {
        "customer_id": customer,
        "status": "not_refunded",
        "items": [{"description": "x", "quantity": 1, "price": 50}],
    }
    note = await quiet.created("finance/credit-notes", body | {"invoicesId": [made]})
    shown = await read(quiet, f"finance/credit-notes/{note}")
    assert (shown["total"], shown["remind_amount"], shown["invoicesId"]) == (50, "6.0000", [made])
    assert (await read(quiet, f"finance/invoices/{made}"))["status"] == "paid"
    assert quiet.deposit(customer) == ledger(quiet, customer) == "6.0000"
    assert (await quiet.call("DELETE", f"finance/credit-notes/{note}")).status == 204
    opened = await read(quiet, f"finance/invoices/{made}")
    assert (opened["status"], opened["due"]) == ("not_paid", 44)
    assert quiet.deposit(customer) == ledger(quiet, customer) == "-44.0000"


async def test_a_proforma_moves_no_balance_until_it_is_paid(quiet: Splynx) -> None:
    customer = await quiet.customer()
    body = {"customer_id": customer, "status": "not_paid", "items": [ITEM]}
    proforma = await quiet.created("finance/proforma-invoices", body)
    twin = await quiet.created("finance/proforma-invoices", body)
    shown = [await read(quiet, f"finance/proforma-invoices/{one}") for one in (proforma, twin)]
    assert (shown[0]["total"], shown[0]["items"][0]["description"]) == (44, "Fibre")
    assert int(shown[1]["number"]) == int(shown[0]["number"]) + 1
    assert quiet.deposit(customer) == "0.0000"
    payment = {"customer_id": customer, "payment_type": 1, "date": "2024-05-01", "amount": 44, "request_id": proforma}
    await quiet.created("finance/payments", payment)
    assert (await read(quiet, f"finance/proforma-invoices/{proforma}"))["status"] == "paid"
    refused = await quiet.call("DELETE", f"finance/proforma-invoices/{proforma}")
    assert refused.body["error"]["internal_code"] == "ENTITY_CANNOT_BE_DELETED"


async def test_a_refused_write_is_logged_with_its_errors(quiet: Splynx) -> None:
    await quiet.call("POST", "finance/payments", {"customer_id": 999_999})
    last = quiet.sql("SELECT model, action, result, errors FROM logs_api ORDER BY entry_id DESC LIMIT 1")[0]
    assert (last["model"], last["action"], last["result"]) == ("Payments", "create", "failed")
    assert "customer_id" in last["errors"]
    assert (await quiet.side_effects())["hooks"] == []


async def test_a_future_item_that_was_invoiced_is_read_only(quiet: Splynx) -> None:
    customer = await quiet.customer()
    body = {
        "customer_id": customer,
        "type": "debit",
        "description": "x",
        "date": "2024-05-01",
        "category": 1,
        "price": 3,
    }
    made = await quiet.created("finance/transactions", body)
    quiet.sql("UPDATE billing_transactions SET invoiced_by_id = 1 WHERE id = %s", [made])
    assert (await quiet.call("PUT", f"finance/transactions/{made}", {"price": 4})).status == 422
    assert (await quiet.call("DELETE", f"finance/transactions/{made}")).status == 405
    assert quiet.deposit(customer) == "-3.0000"
