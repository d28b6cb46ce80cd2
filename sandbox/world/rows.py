"""Rows that both the past (`loading`) and the present (`events`) write. `at` None means now, by the store's clock."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any, Protocol

from sandbox.world.catalogue import Catalogue
from sandbox.world.drafts import Address, Contact, Payment, Phone


class Writer(Protocol):
    """The writing half of the sandbox's store, and of the world's registry in front of it."""

    def insert(
        self, type_name: str, /, *, at: datetime | None = None, by: int | None = None, **columns: Any
    ) -> int: ...

    def update(
        self,
        type_name: str,
        id: int,
        /,
        *,
        at: datetime | None = None,
        by: int | None = None,
        **columns: Any,
    ) -> None: ...

    def attach(
        self, type_name: str, id: int, relation: str, other_id: int, /, *, at: datetime | None = None
    ) -> None: ...


BRANDS = ("VISA", "MASTERCARD", "AMEX", "DISCOVER")


def payment_columns(payment: Payment, rng: Random) -> dict[str, Any]:
    """The columns of a payment that come from its draft alone. What does not count has nothing remaining."""
    processed = payment.kind in ("CREDITCARD", "BANKACCOUNT", "PAYPAL")
    return {
        "amount": payment.amount,
        "amount_remaining": payment.amount if payment.successful else 0,
        "creation_token": None,
        "description": payment.description,
        "full_processor_response": '{"demo": true}' if processed else None,
        "is_autopay": payment.autopay,
        "payment_datetime": payment.at,
        "payment_tracker_id": f"demo-trk-{rng.getrandbits(40):010x}" if processed else None,
        "payment_type": payment.kind,
        "processor_status": payment.status if processed else None,
        "reference": payment.reference,
        "status": payment.status,
        "successful": payment.successful,
        "transaction_id": f"demo-txn-{rng.getrandbits(40):010x}" if processed else None,
    }


def add_contact(
    store: Writer,
    catalogue: Catalogue,
    owner: int,
    contact: Contact,
    at: datetime | None = None,
    *,
    owner_type: str = "Account",
) -> int:
    """A contact with its phone numbers."""
    contact_id = store.insert(
        "Contact",
        at=at,
        contactable_id=owner,
        contactable_type=owner_type,
        email_address=contact.email,
        language=contact.language,
        marketing_opt_in=contact.marketing_opt_in,
        name=contact.name,
        primary=contact.primary,
        role=contact.role,
        username=contact.username,
    )
    for phone in contact.phones:
        add_phone(store, catalogue, contact_id, phone, at)
    return contact_id


def add_phone(store: Writer, catalogue: Catalogue, contact: int, phone: Phone, at: datetime | None = None) -> int:
    return store.insert(
        "PhoneNumber",
        at=at,
        contact_id=contact,
        country=phone.country,
        extension=phone.extension,
        number=phone.number,
        number_formatted=formatted(phone.number) if phone.country == "US" else None,
        phone_number_type_id=catalogue.phone_types[phone.kind],
        sms_opt_in=phone.sms_opt_in,
    )


def formatted(number: str) -> str | None:
    """How Sonar shows a US number; None where it is too short to be one."""
    return f"({number[:3]}) {number[3:6]}-{number[6:]}" if len(number) == 10 else None


def add_address(
    store: Writer,
    catalogue: Catalogue,
    address: Address,
    owner: int | None,
    at: datetime | None = None,
    *,
    owner_type: str = "Account",
) -> int:
    """An address; an account's PHYSICAL one is serviceable, and may belong to nobody yet (`owner` None)."""
    serviceable = address.type == "PHYSICAL" and owner_type == "Account"
    return store.insert(
        "Address",
        at=at,
        address_status_id=catalogue.address_statuses[0] if serviceable else None,
        addressable_id=owner,
        addressable_type=owner_type if owner is not None else None,
        city=address.city,
        country=address.country,
        is_anchor=False,
        latitude=address.latitude,
        line1=address.line1,
        line2=address.line2,
        longitude=address.longitude,
        serviceable=serviceable,
        subdivision=address.subdivision,
        type=address.type,
        zip=address.zip,
    )


def add_custom_value(store: Writer, account: int, field: int, value: str, at: datetime | None = None) -> int:
    return store.insert(
        "CustomFieldData",
        at=at,
        custom_field_id=field,
        customfielddataable_id=account,
        customfielddataable_type="Account",
        value=value,
    )


def add_card(
    store: Writer, catalogue: Catalogue, account: int, name: str, rng: Random, at: datetime | None = None
) -> int:
    """A stored card: masked, and with a token that no gateway would know."""
    return store.insert(
        "CreditCard",
        at=at,
        account_id=account,
        auto=rng.random() < 0.6,
        card_payment_type=rng.choice(("CREDIT", "DEBIT", None)),
        credit_card_processor_id=catalogue.card_processor,
        credit_card_type=rng.choice(BRANDS),
        expiration_month=rng.randint(1, 12),
        expiration_year=2027 + rng.randint(0, 4),
        masked_number=f"xxxxxxxxxxxx{rng.randint(0, 9999):04d}",
        name_on_card=name,
        token=f"demo-token-{rng.getrandbits(40):010x}",
    )


def add_bank(
    store: Writer, catalogue: Catalogue, account: int, name: str, rng: Random, at: datetime | None = None
) -> int:
    """A stored bank account: masked, the routing number is nobody's."""
    return store.insert(
        "BankAccount",
        at=at,
        account_id=account,
        auto=rng.random() < 0.5,
        bank_account_processor_id=catalogue.bank_processor,
        bank_account_type=rng.choice(("CHECKING", "SAVINGS")),
        masked_account_number=f"xxxxxx{rng.randint(0, 9999):04d}",
        name_on_account=name,
        routing_number="000000000",
        token=f"demo-token-{rng.getrandbits(40):010x}",
    )
