"""What must hold in a Sonar whatever has happened to it. A violation is one line with type and id, never a value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from sandbox.sonar.declarations import Kind
from sandbox.sonar.store import Store
from sandbox.world import billing_rules, inventory_rules, network_rules
from sandbox.world.calendar import zone_named
from sandbox.world.operations_rules import operations_violations

OUTLIVING = frozenset({"Log.loggable", "Log.user", "IpAssignmentHistory.ipassignmentable"})
"""Relations of records of the past: what they name may be gone."""


def violations(store: Store) -> list[str]:
    """Every broken rule of the world, in a stable order; empty when all is well."""
    return [
        *_dangling(store),
        *_money(store),
        *_billing(store),
        *_ancestry(store),
        *_addresses(store),
        *_lifecycle(store),
        *_values(store),
        *operations_violations(store),
        *network_rules.violations(store),
        *inventory_rules.violations(store),
        *billing_rules.violations(store),
    ]


def _dangling(store: Store) -> Iterator[str]:
    types = store.declarations.types
    for kind in types.values():
        for relation in kind.relations.values():
            if relation.kind is not Kind.BELONGS_TO or f"{kind.name}.{relation.name}" in OUTLIVING:
                continue
            column = f"{relation.via}_id" if relation.polymorphic else relation.via
            for id, row in store.table(kind.name).items():
                target = row[f"{relation.via}_type"] if relation.polymorphic else relation.target
                if row[column] is not None and target in types and row[column] not in store.table(target):
                    yield f"{kind.name} {id}: {column} names no {target}"


def _money(store: Store) -> Iterator[str]:
    reversed_by: Counter[int] = Counter()
    for id, row in store.table("ReversedPayment").items():
        if row["amount"] <= 0:
            yield f"ReversedPayment {id}: amount is not positive"
        reversed_by[row["payment_id"]] += row["amount"]
    credited = billing_rules.credited(store)
    voided = {row["payment_id"] for row in store.table("VoidedPayment").values()}
    for id, row in store.table("Payment").items():
        if row["amount"] <= 0:
            yield f"Payment {id}: amount is not positive"
        if reversed_by[id] > row["amount"]:
            yield f"Payment {id}: more was reversed than paid"
        if reversed_by[id] and not row["successful"]:
            yield f"Payment {id}: reversed though it never succeeded"
        expected = (row["amount"] - reversed_by[id] if row["successful"] else 0) - credited[id]
        if row["amount_remaining"] != expected:
            yield f"Payment {id}: amount_remaining is off by {row['amount_remaining'] - expected}"
        if id in voided and row["successful"]:
            yield f"Payment {id}: voided though successful"
        if row["payment_type"] != "CREDITCARD" and row["credit_card_id"] is not None:
            yield f"Payment {id}: a {row['payment_type']} payment names a card"
        if row["payment_type"] != "BANKACCOUNT" and row["bank_account_id"] is not None:
            yield f"Payment {id}: a {row['payment_type']} payment names a bank account"
    cards, banks = store.table("CreditCard"), store.table("BankAccount")
    for id, row in store.table("Payment").items():
        for column, table in (("credit_card_id", cards), ("bank_account_id", banks)):
            instrument = table.get(row[column]) if row[column] is not None else None
            if instrument is not None and instrument["account_id"] != row["account_id"]:
                yield f"Payment {id}: {column} is somebody else's"


def _billing(store: Store) -> Iterator[str]:
    parameters = Counter(row["account_id"] for row in store.table("AccountBillingParameter").values())
    for id in store.table("Account"):
        if parameters[id] != 1:
            yield f"Account {id}: has {parameters[id]} billing parameters"


def _ancestry(store: Store) -> Iterator[str]:
    accounts = store.table("Account")
    sound: set[int] = set()
    for id in accounts:
        path: list[int] = []
        step: int | None = id
        while step is not None and step in accounts and step not in sound:
            if step in path:
                yield f"Account {id}: is its own ancestor"
                break
            path.append(step)
            step = accounts[step]["parent_account_id"]
        sound.update(path)


def _addresses(store: Store) -> Iterator[str]:
    open_holdings: dict[int, list[int]] = defaultdict(list)
    for id, row in store.table("ServiceableAddressAccountAssignmentHistory").items():
        if row["end_date"] is None:
            open_holdings[row["address_id"]].append(row["account_id"])
        elif str(row["end_date"]) < str(row["start_date"]):
            yield f"ServiceableAddressAccountAssignmentHistory {id}: ends before it starts"
    for id, row in store.table("Address").items():
        owner = row["addressable_type"]
        if (owner is None) != (row["addressable_id"] is None):
            yield f"Address {id}: owner type and id do not go together"
        if row["serviceable"]:
            holders = [row["addressable_id"]] if owner == "Account" else []
            if open_holdings[id] != holders:
                yield f"Address {id}: assignment history and holder differ"


def _lifecycle(store: Store) -> Iterator[str]:
    statuses = store.table("AccountStatus")
    zone = zone_named(str(store.setting("system_setting")["timezone"]))
    for id, row in store.table("Account").items():
        status = statuses.get(row["account_status_id"])
        if (row["activation_date"] is None) != (row["activation_time"] is None):
            yield f"Account {id}: activation date and time do not go together"
        if (row["archived_at"] is None) != (row["archived_by_user_id"] is None):
            yield f"Account {id}: archived, and by nobody"
        if row["archived_at"] is not None and status is not None and status["activates_account"]:
            yield f"Account {id}: archived in an activating status"
    latest = store.now()
    for type_name in store.declarations.types:
        for id, row in store.table(type_name).items():
            if not row["created_at"] <= row["updated_at"] <= latest:
                yield f"{type_name} {id}: created, updated and now are out of order"
    for id, row in store.table("Payment").items():
        if row["payment_datetime"].astimezone(zone) > latest:
            yield f"Payment {id}: paid in the future"


def _values(store: Store) -> Iterator[str]:
    fields = store.table("CustomField")
    for id, row in store.table("CustomFieldData").items():
        field = fields.get(row["custom_field_id"])
        if field is not None and field["enum_options"] and row["value"] not in field["enum_options"]:
            yield f"CustomFieldData {id}: not one of the options"
