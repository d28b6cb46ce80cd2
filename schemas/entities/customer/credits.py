"""Credits that recur become discounts on services: Splynx has no recurring invoice below zero (mapping 8.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from schemas.entities.customer.services import AccountService
from schemas.entities.service.sold import Frequency, SoldService
from schemas.entities.service.tariff import CHARGE, price_of
from schemas.rules import Rules
from schemas.values.errors import UnmappedValue

RECURRING = frozenset({"DATA", "VOICE", "RECURRING"})
"""Sonar's types of services that are charged again and again; what expires is a discount of its own (S6)."""


@dataclass
class Discount:
    """What is taken off a service each month, and by which credits, the oldest first."""

    amount: Decimal = Decimal(0)
    credits: list[AccountService] = field(default_factory=list)


def detail_of(service: SoldService) -> Frequency | None:
    """How often a service is charged; None where it is not, or could not be read."""
    return service.data_service_detail or service.voice_service_detail or service.recurring_service_detail


def monthly(one: AccountService, service: SoldService, rules: Rules) -> Decimal:
    """What one unit of an account's service costs a month; its own price wins over the list price.

    Raises:
        OutOfRange: a price below 0, or one that is charged never.
    """
    detail = detail_of(service)
    amount = one.price_override if one.price_override is not None else service.amount or 0
    return price_of(amount, detail.billing_frequency if detail is not None else 0, rules)


def discounts(sold: Sequence[AccountService], rules: Rules, notes: list[str]) -> Mapping[int, Discount]:
    """`{id of the account's service: its discount}`. A credit lies on the dearest service that can carry it whole.

    Raises:
        UnmappedValue: none can, and the rules do not say to leave the credit out.
        OutOfRange: as `monthly`.
    """
    recurring = [(one, one.service) for one in sold if one.service is not None and one.service.type in RECURRING]
    prices = {
        one.id: monthly(one, service, rules) * one.quantity
        for one, service in recurring
        if service.application == CHARGE
    }
    found: dict[int, Discount] = {}
    for one, service in sorted(recurring, key=lambda pair: pair[0].id):
        if service.application == CHARGE:
            continue
        credit = monthly(one, service, rules) * one.quantity
        able = [id for id, price in prices.items() if price - _taken(found, id) >= credit]
        if able:
            host = found.setdefault(min(able, key=lambda id: (-prices[id], id)), Discount())
            host.amount += credit
            host.credits.append(one)
        elif rules.file.tariffs.credit_without_host == "dead_letter":
            raise UnmappedValue("account_services.price")
        else:
            notes.append("left_out:credit")
    return found


def _taken(found: Mapping[int, Discount], id: int) -> Decimal:
    return found[id].amount if id in found else Decimal(0)
