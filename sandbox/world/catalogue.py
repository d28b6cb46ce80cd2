"""What an ISP sets up before its first customer: companies, users, statuses, types, groups, custom fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sandbox.sonar.store import Store


class Status(NamedTuple):
    """One account status. `key` is ours; `name` is what the operator of the invented ISP called it."""

    key: str
    name: str
    activates: bool
    color: str


STATUSES = (
    Status("active", "Active", True, "2e7d32"),
    Status("inactive", "Inactive", False, "757575"),
    Status("lead", "Lead", False, "1565c0"),
    Status("walled", "Delinquent (walled garden)", True, "ef6c00"),
    Status("suspended", "Suspended for non-payment", False, "c62828"),
    Status("disconnected", "Disconnected", False, "212121"),
    Status("pending", "Install pending", False, "6a1b9a"),
    Status("hold", "Vacation hold", False, "00838f"),
    Status("courtesy", "Complimentary", True, "9e9d24"),
)

TYPES = (
    ("residential", "Residential", "RESIDENTIAL", "357bf2"),
    ("business", "Business", "COMMERCIAL", "8e24aa"),
    ("government", "Government", "GOVERNMENT", "5d4037"),
    ("senior", "Senior", "SENIOR_CITIZEN", "00897b"),
    ("industrial", "Industrial", "INDUSTRIAL", "546e7a"),
)

BUSINESS = ("business", "government", "industrial")
"""Keys of the account types whose name is an organisation's."""

GROUPS = ("Fiber", "Fixed wireless", "VIP", "Paper invoice", "Employee", "Beta testers ✨", "Seasonal", "Co-op members")

CUSTOM_FIELDS: tuple[tuple[str, str, str, list[str] | None], ...] = (
    ("gate_code", "Gate code", "TEXT", None),
    ("birth", "Date of birth", "DATE", None),
    ("old_id", "Old id", "TEXT", None),
    ("dog", "Dog on premises?", "BOOLEAN", None),
    ("heard", "How did you hear about us", "TEXT", ["Neighbor", "Radio", "Yard sign", "Web search"]),
    ("tax_no", "Tax number", "TEXT", None),
    ("term_ends", "Contract term ends", "DATE", None),
    ("news", "Newsletter", "BOOLEAN", None),
)

ICON = "LOCK759686"


@dataclass(frozen=True)
class Catalogue:
    """Ids of the rows everything else refers to, by our own keys; lists are in the order of their ids."""

    companies: tuple[int, ...]
    users: tuple[int, ...]
    statuses: dict[str, int]
    types: dict[str, int]
    groups: tuple[int, ...]
    phone_types: tuple[int, ...]
    address_statuses: tuple[int, ...]
    fields: dict[str, int]
    billing_defaults: dict[str, int]
    card_processor: int
    bank_processor: int

    def status_key(self, status_id: int) -> str:
        """Our key of an account status; statuses that somebody added later count as inactive."""
        return next((key for key, known in self.statuses.items() if known == status_id), "inactive")


def open_shop(store: Store, at: datetime) -> Catalogue:
    """Write the ISP's set-up as of `at`."""
    users = tuple(
        store.insert(
            "User",
            at=at,
            completed_setup=True,
            email_address=f"{username}@example.com",
            enabled=enabled,
            language="en",
            name=name,
            public_name=public,
            super_admin=username == "mona",
            username=username,
        )
        for username, name, public, enabled in (
            ("mona", "Mona Wayfarer", "Mona", True),
            ("elmer", "Elmer Stonebridge", "Elmer (support)", True),
            ("inez", "Inez Goldfinch", "Billing desk", True),
            ("rufus", "Rufus Oldacre", "Rufus", False),
        )
    )
    companies = tuple(
        store.insert(
            "Company",
            at=at,
            checks_payable_to=name,
            country="US",
            default=default,
            enabled=enabled,
            isp_type="WIRELESS" if default else "ISP",
            name=name,
            phone_number=phone,
            primary_color="1b5e20",
            secondary_color="fdd835",
            show_remittance_slip=True,
            tax_identification=tax,
            website_address="https://www.example.com/",
        )
        for name, default, enabled, phone, tax in (
            ("Prairie Lantern Broadband", True, True, "8155550100", "00-0000001"),
            ("Lantern Business Networks ", False, True, "8155550101", "00-0000002"),
            ("Old Mill Wireless", False, False, "3095550102", None),
        )
    )
    for company, line, city, zip_code in zip(
        companies,
        ("1 Lantern Sq", "1 Lantern Sq", "77 Mill Rd"),
        ("Lantern Falls", "Lantern Falls", "Old Mill"),
        ("60990", "60990", "60991"),
        strict=True,
    ):
        store.insert(
            "Address",
            at=at,
            addressable_id=company,
            addressable_type="Company",
            city=city,
            country="US",
            is_anchor=False,
            line1=line,
            serviceable=False,
            subdivision="US_IL",
            type="PHYSICAL",
            zip=zip_code,
        )
    statuses = {
        status.key: store.insert(
            "AccountStatus", at=at, activates_account=status.activates, color=status.color, icon=ICON, name=status.name
        )
        for status in STATUSES
    }
    store.update(
        "BillingSetting",
        1,
        disconnect_account_status_id=statuses["disconnected"],
        unarchive_account_status_id=statuses["inactive"],
    )
    types = {
        key: store.insert("AccountType", at=at, color=color, icon=ICON, name=name, type=kind)
        for key, name, kind, color in TYPES
    }
    groups = tuple(store.insert("AccountGroup", at=at, name=name) for name in GROUPS)
    phone_types = tuple(
        store.insert("PhoneNumberType", at=at, name=name, sms_capable=sms)
        for name, sms in (("Home", False), ("Mobile", True), ("Work", False))
    )
    address_statuses = tuple(
        store.insert("AddressStatus", at=at, color=color, icon=ICON, name=name)
        for name, color in (("Serviceable", "2e7d32"), ("Needs survey", "f9a825"), ("No line of sight", "c62828"))
    )
    fields = {
        key: store.insert(
            "CustomField",
            at=at,
            entity_type="Account",
            enum_options=options,
            name=name,
            required=False,
            type=kind,
            unique=False,
        )
        for key, name, kind, options in CUSTOM_FIELDS
    }
    for field in fields.values():
        for company in companies:
            store.attach("CustomField", field, "companies", company, at=at)
    card_processor = store.insert(
        "CreditCardProcessor",
        at=at,
        provider="STRIPE",
        enabled=True,
        primary=True,
        moto_enabled=False,
        **{
            brand: brand in ("visa", "mastercard", "amex", "discover")
            for brand in (
                "amex",
                "dankort",
                "dinersclub",
                "discover",
                "forbrugsforeningen",
                "jcb",
                "maestro",
                "mastercard",
                "unionpay",
                "visa",
                "visaelectron",
            )
        },
    )
    bank_processor = store.insert("BankAccountProcessor", at=at, provider="NACHAACH", enabled=True, primary=True)
    for company in companies:
        store.attach("CreditCardProcessor", card_processor, "companies", company, at=at)
        store.attach("BankAccountProcessor", bank_processor, "companies", company, at=at)
    defaults = {
        key: store.insert(
            "BillingDefault",
            at=at,
            name=name,
            default=key == "residential",
            account_type_id=types[key],
            **{**billing_terms(), **terms},
        )
        for key, name, terms in (
            ("residential", "Residential, bills on the 1st", {}),
            ("business", "Business, net 30", {"due_days": 28, "auto_pay_days": 10, "print_invoice": True}),
        )
    }
    return Catalogue(
        companies,
        users,
        statuses,
        types,
        groups,
        phone_types,
        address_statuses,
        fields,
        defaults,
        card_processor,
        bank_processor,
    )


def billing_terms() -> dict[str, Any]:
    """The columns that a billing default and an account's billing parameter share, at their plainest."""
    return {
        "aggregate_invoice_taxes": False,
        "aggregate_linked_debits": False,
        "auto_pay_day": "INVOICE_DAY",
        "auto_pay_days": 0,
        "bill_day": 1,
        "bill_day_mode": "FIXED",
        "bill_mode": "INVOICE",
        "default_for": "ACCOUNT_TYPE",
        "due_days": 15,
        "due_days_day": "INVOICE_DAY",
        "grace_days": 0,
        "lifeline": False,
        "months_to_bill": 1,
        "print_invoice": False,
        "switch_status_after_delinquency": False,
        "tax_exempt": False,
    }
