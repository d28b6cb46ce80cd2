"""What is charged when a service begins: the first period of a prepaid customer's, the activation fee of a bundle."""

from decimal import Decimal
from typing import Any

from sandbox.splynx import ledger
from sandbox.splynx.call import Call

_DAYS_OF_A_MONTH = 30
_ALL_AT_ONCE = ("prepaid", "prepaid_monthly")


async def first_period(call: Call, customer: int, kind: str, service: dict[str, Any]) -> None:
    """A day's or a month's price, as the customer prepays by; who pays afterwards is billed by the scheduled job."""
    owner = await _billed(call, customer)
    if owner not in _ALL_AT_ONCE:
        return
    price = ledger.money(service["unit_price"]) * int(service.get("quantity") or 1)
    if owner == "prepaid":
        price = ledger.money(price / _DAYS_OF_A_MONTH)
    await _debit(call, customer, kind, service, price, str(service["description"]))


async def activation_fee(call: Call, customer: int, service: dict[str, Any]) -> int:
    """A bundle's fee, if it is due when the service is made; the row of the ledger, 0 for none."""
    if service["get_activation_fee_when"] != "create_service" or not await _billed(call, customer):
        return 0
    return await _debit(call, customer, "bundle", service, ledger.money(service["activation_fee"]), "Activation fee")


async def _billed(call: Call, customer: int) -> str:
    """How a customer pays; empty while billing is not enabled."""
    row = await call.session.row(
        "SELECT c.billing_type FROM customers c JOIN customer_billing b ON b.customer_id = c.id"
        " WHERE c.id = %s AND b.enabled = '1'",
        (customer,),
    )
    return str(row["billing_type"]) if row else ""


async def _debit(
    call: Call, customer: int, kind: str, service: dict[str, Any], price: Decimal, description: str
) -> int:
    if price <= 0:
        return 0
    made = await ledger.enter(
        call,
        customer,
        "debit",
        price,
        category_id=await ledger.category(call, ledger.SERVICE_CATEGORY),
        description=description,
        date=call.clock.date(),
        remind_amount=price,
        service_id=service["id"],
        service_type=kind,
    )
    ledger.recompute(call, customer)
    return made
