"""Each rule notices when it is broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from sandbox.sonar.store import Store
from sandbox.world import World
from sandbox.world.invariants import violations
from tests.unit.sandbox_world.conftest import NOW


def first(store: Store, type_name: str, **wanted: object) -> int:
    """The first row of a type with these values."""
    return next(
        id
        for id, row in sorted(store.table(type_name).items())
        if all(row[column] == value for column, value in wanted.items())
    )


def paid(store: Store) -> int:
    """A payment that counts and of which nothing was taken back."""
    return next(
        id
        for id, row in sorted(store.table("Payment").items())
        if row["status"] == "SUCCEEDED" and row["successful"] and row["amount_remaining"] == row["amount"] > 10
    )


def break_parent(store: Store) -> None:
    account = first(store, "Account")
    store.update("Account", account, parent_account_id=account)


def break_remaining(store: Store) -> None:
    payment = paid(store)
    store.update("Payment", payment, amount_remaining=store.table("Payment")[payment]["amount"] - 1)


def take_too_much(store: Store) -> None:
    payment = paid(store)
    amount = store.table("Payment")[payment]["amount"]
    store.insert("ReversedPayment", payment_id=payment, amount=amount + 1)
    store.update("Payment", payment, amount_remaining=-1)


def take_from_failed(store: Store) -> None:
    store.insert("ReversedPayment", payment_id=first(store, "Payment", status="FAILED", successful=False), amount=1)


def forget_owner(store: Store) -> None:
    address = next(id for id, row in store.table("Address").items() if row["serviceable"] and row["addressable_id"])
    store.update("Address", address, addressable_id=None, addressable_type=None)


def double_billing(store: Store) -> None:
    one = first(store, "AccountBillingParameter")
    terms = {
        column: value
        for column, value in dict(store.table("AccountBillingParameter")[one]).items()
        if column not in ("id", "sonar_unique_id", "created_at", "updated_at", "_version")
    }
    store.insert("AccountBillingParameter", **terms)


def lend_card(store: Store) -> None:
    card = first(store, "CreditCard")
    owner = store.table("CreditCard")[card]["account_id"]
    payment = next(
        id
        for id, row in store.table("Payment").items()
        if row["payment_type"] == "CREDITCARD" and row["account_id"] != owner
    )
    store.update("Payment", payment, credit_card_id=card)


BREAKS: list[tuple[str, Callable[[Store], None], str]] = [
    ("an account is its own parent", break_parent, "its own ancestor"),
    ("a cent is missing", break_remaining, "amount_remaining is off by -1"),
    ("more is reversed than paid", take_too_much, "more was reversed than paid"),
    ("a failed payment is reversed", take_from_failed, "never succeeded"),
    ("a reversal of nothing", lambda s: _insert_zero_reversal(s), "amount is not positive"),
    ("an address loses its holder", forget_owner, "assignment history and holder differ"),
    ("two billing parameters", double_billing, "has 2 billing parameters"),
    ("somebody else's card", lend_card, "somebody else's"),
    (
        "a status that does not exist",
        lambda s: s.update("Account", first(s, "Account"), account_status_id=999),
        "names no AccountStatus",
    ),
    (
        "archived by nobody",
        lambda s: s.update("Account", first(s, "Account"), archived_at=NOW),
        "archived, and by nobody",
    ),
    (
        "an option that is none",
        lambda s: s.update("CustomFieldData", _selected(s), value="Telegram"),
        "not one of the options",
    ),
    (
        "activated at no time",
        lambda s: s.update("Account", _active(s), activation_time=None),
        "activation date and time",
    ),
    (
        "paid tomorrow",
        lambda s: s.update("Payment", paid(s), payment_datetime=NOW + timedelta(days=1)),
        "paid in the future",
    ),
    (
        "a void of a good payment",
        lambda s: _void(s),
        "voided though successful",
    ),
    (
        "history that ends before it starts",
        lambda s: s.update(
            "ServiceableAddressAccountAssignmentHistory", _ended(s), start_date="2026-01-02", end_date="2026-01-01"
        ),
        "ends before it starts",
    ),
]


def _insert_zero_reversal(store: Store) -> None:
    store.insert("ReversedPayment", payment_id=paid(store), amount=0)


def _void(store: Store) -> None:
    store.insert("VoidedPayment", payment_id=paid(store), amount=1)


def _selected(store: Store) -> int:
    fields = {id for id, row in store.table("CustomField").items() if row["enum_options"]}
    return next(id for id, row in store.table("CustomFieldData").items() if row["custom_field_id"] in fields)


def _active(store: Store) -> int:
    return next(id for id, row in store.table("Account").items() if row["activation_date"] is not None)


def _ended(store: Store) -> int:
    table = store.table("ServiceableAddressAccountAssignmentHistory")
    return next(id for id, row in table.items() if row["end_date"] is not None)


@pytest.mark.parametrize(("how", "says"), [pytest.param(how, says, id=situation) for situation, how, says in BREAKS])
def test_a_broken_rule_is_named(living: World, how: Callable[[Store], None], says: str) -> None:
    assert violations(living.store) == []
    how(living.store)
    found = violations(living.store)
    assert any(says in line for line in found), found


def test_violations_hold_no_personal_data(living: World) -> None:
    living.store.update("CustomFieldData", _selected(living.store), value="secret")
    found = violations(living.store)
    assert found
    assert not any("secret" in line for line in found)
