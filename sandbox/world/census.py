"""Finds oddities in a store, by what they are and not by what was planted: true after any event, too."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sandbox.sonar.store import Store
from sandbox.world.calendar import zone_named
from sandbox.world.summary import counts

Row = Mapping[str, Any]

MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PAGE = 100


@dataclass(frozen=True)
class Household:
    """One account with what belongs to it."""

    account: Row
    status: str
    activates: bool
    contacts: list[Row]
    phones: list[Row]
    addresses: list[Row]
    holdings: list[Row]
    billing: Row
    values: list[Row]
    payments: list[Row]


def oddities(store: Store) -> dict[str, list[int]]:
    """`{oddity: [account ids, ascending]}`, every oddity named even where nobody has it."""
    households = list(_households(store))
    found = {name: [house.account["id"] for house in households if is_odd(house)] for name, is_odd in ODD.items()}
    return found | _between_accounts(households) | _by_taken_back(store) | _by_moment(store)


def _households(store: Store) -> Iterable[Household]:
    contacts = _grouped(store, "Contact", "contactable_id", lambda row: row["contactable_type"] == "Account")
    phones = _grouped(store, "PhoneNumber", "contact_id")
    addresses = _grouped(store, "Address", "addressable_id", lambda row: row["addressable_type"] == "Account")
    holdings = _grouped(store, "ServiceableAddressAccountAssignmentHistory", "account_id")
    billing = {row["account_id"]: row for row in store.table("AccountBillingParameter").values()}
    values = _grouped(
        store, "CustomFieldData", "customfielddataable_id", lambda row: row["customfielddataable_type"] == "Account"
    )
    payments = _grouped(store, "Payment", "account_id")
    statuses = store.table("AccountStatus")
    for id in sorted(store.table("Account")):
        row = store.table("Account")[id]
        status = statuses[row["account_status_id"]]
        yield Household(
            row,
            str(status["name"]),
            bool(status["activates_account"]),
            contacts[id],
            [phone for contact in contacts[id] for phone in phones[contact["id"]]],
            addresses[id],
            holdings[id],
            billing[id],
            values[id],
            payments[id],
        )


def _grouped(
    store: Store, type_name: str, column: str, holds: Callable[[Row], bool] = lambda row: True
) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in store.table(type_name).values():
        if row[column] is not None and holds(row):
            groups[row[column]].append(row)
    return groups


def _texts(house: Household) -> list[str]:
    """Names of the account and of its people."""
    return [house.account["name"], *(contact["name"] for contact in house.contacts)]


def _mails(house: Household) -> list[str]:
    return [contact["email_address"] for contact in house.contacts if contact["email_address"]]


def _described(house: Household) -> list[str]:
    return [payment["description"] for payment in house.payments if payment["description"]]


def _primaries(house: Household) -> int:
    return sum(bool(contact["primary"]) for contact in house.contacts)


def _street(address: Row) -> str:
    return ", ".join(line for line in (address["line1"], address["line2"]) if line)


def _has_duplicates(house: Household) -> bool:
    return max(Counter(row["custom_field_id"] for row in house.values).values(), default=0) > 1


def _twins(house: Household) -> bool:
    twins = Counter((row["payment_datetime"], row["amount"], row["payment_type"]) for row in house.payments)
    return max(twins.values(), default=0) > 1


ODD: dict[str, Callable[[Household], bool]] = {
    "no_email": lambda h: bool(h.contacts) and not _mails(h),
    "bad_email": lambda h: any(not MAIL.fullmatch(mail) for mail in _mails(h)),
    "four_byte_name": lambda h: any(ord(char) > 0xFFFF for text in _texts(h) for char in text),
    "overlong_name": lambda h: any(len(text) > 256 for text in _texts(h)),
    "overlong_city": lambda h: any(len(row["city"] or "") > 32 for row in h.addresses),
    "overlong_street": lambda h: any(len(_street(row)) > 255 for row in h.addresses),
    "overlong_description": lambda h: any(len(text) > 256 for text in _described(h)),
    "overlong_custom_value": lambda h: any(len(row["value"]) > 255 for row in h.values),
    "decomposed_name": lambda h: any(unicodedata.normalize("NFC", text) != text for text in _texts(h)),
    "stray_spaces": lambda h: any(text != " ".join(text.split()) and text.strip() for text in _texts(h)),
    "html_description": lambda h: any("</" in text for text in _described(h)),
    "control_characters": lambda h: any(char < " " and char not in "\t\r\n" for text in _described(h) for char in text),
    "text_null": lambda h: h.account["name"] == "null",
    "foreign_address": lambda h: any(row["country"] not in (None, "US") for row in h.addresses),
    "no_subdivision": lambda h: any(row["subdivision"] is None for row in h.addresses),
    "no_address": lambda h: not h.addresses and not h.holdings,
    "only_past_address": lambda h: not h.addresses and bool(h.holdings),
    "archived": lambda h: h.account["archived_at"] is not None and not h.payments,
    "archived_with_payments": lambda h: h.account["archived_at"] is not None and bool(h.payments),
    "parent_younger_than_child": lambda h: (h.account["parent_account_id"] or 0) > h.account["id"],
    "credit_balance": lambda h: sum(row["amount_remaining"] for row in h.payments if counts(row)) > 0,
    "failed_payment": lambda h: any(row["status"] == "FAILED" for row in h.payments),
    "pending_payment": lambda h: any(row["status"] == "PENDING" and not row["successful"] for row in h.payments),
    "pending_but_successful_payment": lambda h: any(
        row["status"] == "PENDING" and row["successful"] for row in h.payments
    ),
    "payment_without_status": lambda h: any(row["status"] is None for row in h.payments),
    "one_cent_payment": lambda h: any(row["amount"] == 1 for row in h.payments),
    "large_payment": lambda h: any(row["amount"] > 100_000_000 for row in h.payments),
    "twin_payments": _twins,
    "several_primary_contacts": lambda h: _primaries(h) > 1,
    "no_primary_contact": lambda h: bool(h.contacts) and _primaries(h) == 0,
    "no_contact": lambda h: not h.contacts,
    "many_contacts": lambda h: len(h.contacts) > PAGE,
    "delinquent": lambda h: bool(h.account["is_delinquent"]) and h.activates,
    "delinquent_suspended": lambda h: bool(h.account["is_delinquent"]) and not h.activates,
    "lead": lambda h: not h.activates and h.account["activation_date"] is None,
    "phone_extension": lambda h: any(row["extension"] for row in h.phones),
    "foreign_phone": lambda h: any(row["country"] != "US" for row in h.phones),
    "short_phone": lambda h: any(row["country"] == "US" and len(row["number"]) < 10 for row in h.phones),
    "leading_zero_phone": lambda h: any(row["number"].startswith("0") for row in h.phones),
    "bill_day_past_28": lambda h: (h.billing["bill_day"] or 0) > 28,
    "months_to_bill_zero": lambda h: h.billing["months_to_bill"] == 0,
    "months_to_bill_past_12": lambda h: h.billing["months_to_bill"] > 12,
    "duplicate_custom_value": _has_duplicates,
    "blank_name": lambda h: not h.account["name"].strip(),
}
"""Oddities of one account by itself. `blank_name` exists only in a poisoned world."""


def _between_accounts(households: list[Household]) -> dict[str, list[int]]:
    owners: dict[str, set[int]] = defaultdict(set)
    for house in households:
        for mail in _mails(house):
            owners[mail.lower()].add(house.account["id"])
    parents = {house.account["id"]: house.account["parent_account_id"] for house in households}
    return {
        "shared_email": sorted({id for shared in owners.values() if len(shared) > 1 for id in shared}),
        "parent_chain": [
            id for id, parent in parents.items() if parent is not None and parents.get(parent) is not None
        ],
    }


def _by_taken_back(store: Store) -> dict[str, list[int]]:
    payments = store.table("Payment")
    parts: dict[int, list[int]] = defaultdict(list)
    for row in store.table("ReversedPayment").values():
        parts[row["payment_id"]].append(row["amount"])
    refunded = {row["payment_id"] for row in store.table("RefundedPayment").values()}
    voided = {row["payment_id"] for row in store.table("VoidedPayment").values()}

    def owners(ids: Iterable[int]) -> list[int]:
        return sorted({payments[id]["account_id"] for id in ids})

    return {
        "reversed_payment": owners(id for id, taken in parts.items() if sum(taken) == payments[id]["amount"]),
        "partially_reversed_payment": owners(id for id, taken in parts.items() if sum(taken) < payments[id]["amount"]),
        "twice_reversed_payment": owners(id for id, taken in parts.items() if len(taken) > 1),
        "refunded_and_reversed_payment": owners(refunded & parts.keys()),
        "refunded_only_payment": owners(refunded - parts.keys()),
        "voided_payment": owners(voided),
    }


def _by_moment(store: Store) -> dict[str, list[int]]:
    """Payments at the moments where a local day is easily got wrong."""
    zone = zone_named(str(store.setting("system_setting")["timezone"]))
    found: dict[str, set[int]] = {
        name: set() for name in ("payment_at_local_midnight", "payment_across_utc_day", "payment_in_dst_fold")
    }
    for row in store.table("Payment").values():
        at = row["payment_datetime"]
        local = at.astimezone(zone)
        if (local.hour, local.minute, local.second) == (0, 0, 0):
            found["payment_at_local_midnight"].add(row["account_id"])
        if local.date() != at.date():
            found["payment_across_utc_day"].add(row["account_id"])
        # Only in a fold do two readings of one wall clock differ and the later one follow an hour behind.
        first, second = local.replace(fold=0), local.replace(fold=1)
        if first.utcoffset() != second.utcoffset() and (second.utcoffset() or timedelta()) < (
            first.utcoffset() or timedelta()
        ):
            found["payment_in_dst_fold"].add(row["account_id"])
    return {name: sorted(ids) for name, ids in found.items()}
