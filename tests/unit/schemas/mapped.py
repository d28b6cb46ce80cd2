"""The parts of a customer that an account with given changes becomes."""

from typing import Any

from schemas.entities.account import map_account
from schemas.entities.customer.target import Customer, CustomerBilling, CustomerInfo
from schemas.rules import Rules
from tests.builders import RULES, an_account, only


def customer(given: Rules = RULES, **changes: Any) -> Customer:
    found = only(map_account(an_account(**changes), given), "customer")
    assert isinstance(found, Customer)
    return found


def billing(given: Rules = RULES, **changes: Any) -> CustomerBilling:
    found = only(map_account(an_account(**changes), given), "customer_billing")
    assert isinstance(found, CustomerBilling)
    return found


def info(given: Rules = RULES, **changes: Any) -> CustomerInfo:
    found = only(map_account(an_account(**changes), given), "customer_info")
    assert isinstance(found, CustomerInfo)
    return found
