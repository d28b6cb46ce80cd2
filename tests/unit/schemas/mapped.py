"""The parts of a customer that an account with given changes becomes."""

from typing import Any

from schemas.entities.account import map_account
from schemas.entities.customer.target import Customer, CustomerBilling, CustomerInfo, InternetService
from schemas.rules import Rules
from tests.builders import RULES, an_account, an_account_service, only


def customer(given: Rules = RULES, **changes: Any) -> Customer:
    found = only(map_account(an_account(**changes), given), "customer")
    assert isinstance(found, Customer)
    return found


def billing(given: Rules = RULES, **changes: Any) -> CustomerBilling:
    found = only(map_account(an_account(**changes), given), "customer_billing")
    assert isinstance(found, CustomerBilling)
    return found


def services(given: Rules = RULES, **changes: Any) -> list[InternetService] | None:
    """Those of an account that has one plan, unless `account_services` says otherwise."""
    account = an_account(**{"account_services": [an_account_service()]} | changes)
    records = map_account(account, given).records["internet_service"]
    return None if records is None else [one for one in records if isinstance(one, InternetService)]


def service(given: Rules = RULES, **changes: Any) -> InternetService:
    """The one service of such an account."""
    found = services(given, **changes)
    assert found is not None
    (one,) = found
    return one


def info(given: Rules = RULES, **changes: Any) -> CustomerInfo:
    found = only(map_account(an_account(**changes), given), "customer_info")
    assert isinstance(found, CustomerInfo)
    return found
