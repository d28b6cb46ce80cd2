"""What an auditor would write down about a Sonar: exact counts, and money in minor units."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from sandbox.sonar.store import Store

COUNTED = (
    "Company",
    "AccountGroup",
    "AccountType",
    "AccountStatus",
    "Account",
    "AccountBillingParameter",
    "Contact",
    "PhoneNumber",
    "Address",
    "CustomField",
    "CustomFieldData",
    "Payment",
    "ReversedPayment",
    "RefundedPayment",
    "VoidedPayment",
    "CreditCard",
    "BankAccount",
    "ServiceableAddressAccountAssignmentHistory",
)


def counts(payment: Mapping[str, Any]) -> bool:
    """Whether a payment changes the balance: successful, and its processor says SUCCEEDED or nothing."""
    return bool(payment["successful"]) and payment["status"] in ("SUCCEEDED", None)


def summary(store: Store) -> dict[str, object]:
    """Everything as plain numbers and text, ready for JSON.

    `payments.successful` are those that change the balance; `reversals` are all rows, `reversals.of_successful` those
    that belong to such a payment. `balance` is the difference of both sums: what all accounts together have paid.
    """
    statuses = store.table("AccountStatus")
    accounts = store.table("Account")
    by_status = Counter(str(statuses[row["account_status_id"]]["name"]) for row in accounts.values())
    payments = store.table("Payment")
    by_method: dict[str, Counter[str]] = defaultdict(Counter)
    successful = 0
    for row in payments.values():
        if counts(row):
            successful += row["amount"]
            by_method[row["payment_type"]] += Counter(count=1, sum=row["amount"])
    reversals = store.table("ReversedPayment").values()
    of_successful = [
        row["amount"] for row in reversals if row["payment_id"] in payments and counts(payments[row["payment_id"]])
    ]
    return {
        "rows": {name: len(store.table(name)) for name in COUNTED},
        "accounts": {
            "count": len(accounts),
            "archived": sum(row["archived_at"] is not None for row in accounts.values()),
            "by_status": dict(sorted(by_status.items())),
        },
        "payments": {
            "count": len(payments),
            "successful": {"count": sum(method["count"] for method in by_method.values()), "sum": successful},
            "by_status": dict(sorted(Counter(str(row["status"]) for row in payments.values()).items())),
            "by_method": {method: dict(figures) for method, figures in sorted(by_method.items())},
        },
        "reversals": {
            "count": len(store.table("ReversedPayment")),
            "sum": sum(row["amount"] for row in reversals),
            "of_successful": {"count": len(of_successful), "sum": sum(of_successful)},
        },
        "balance": successful - sum(of_successful),
        "currency": str(store.setting("system_setting")["currency"]),
    }
