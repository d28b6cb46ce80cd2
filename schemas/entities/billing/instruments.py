"""What customers pay with, and through whom: masked, tokens only where they are carried (mapping B8)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, LookUp, Owner
from schemas.entities.scoped import ScopedAccount, follows_account
from schemas.records import Instant, NewerSonar, Personal, Sealed, Secret, ShownArchived, SonarRecord


class CreditCardProcessor(SonarRecord):
    """Source: Sonar schema, type CreditCardProcessor; its credentials are rows of their own, and are never read."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant | None = None
    updated_at: Instant
    amex: bool | None = None
    dankort: bool | None = None
    dinersclub: bool | None = None
    discover: bool | None = None
    enabled: bool
    forbrugsforeningen: bool | None = None
    jcb: bool | None = None
    maestro: bool | None = None
    mastercard: bool | None = None
    moto_enabled: bool | None = None
    primary: bool | None = None
    provider: str
    unionpay: bool | None = None
    visa: bool | None = None
    visaelectron: bool | None = None


class BankAccountProcessor(SonarRecord):
    """Source: Sonar schema, type BankAccountProcessor; its credentials are rows of their own, and are never read."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant | None = None
    updated_at: Instant
    enabled: bool
    primary: bool | None = None
    provider: str


class ProcessorOf(SonarRecord):
    """Through whom an instrument is charged. Source: Sonar schema, CreditCardProcessor and BankAccountProcessor."""

    id: int
    enabled: bool
    primary: bool | None = None
    provider: str


class CreditCard(SonarRecord):
    """A card that Sonar may charge. Source: Sonar schema, type CreditCard."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    auto: bool
    card_payment_type: str | None = None
    credit_card_processor_id: int
    credit_card_type: str
    customer_profile_id: Annotated[str | None, Personal()] = None
    expiration_month: int
    expiration_year: int
    masked_number: Annotated[str | None, Personal()] = None
    name_on_card: Annotated[str | None, Personal()] = None
    token: Annotated[Sealed | None, Personal(), Secret("payment_tokens")] = None
    token_id: Annotated[Sealed | None, Personal(), Secret("payment_tokens"), NewerSonar()] = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None
    credit_card_processor: ProcessorOf | None = None


class BankAccount(SonarRecord):
    """A bank account that Sonar may debit. Source: Sonar schema, type BankAccount."""

    left_out: ClassVar[Mapping[str, str]] = {
        "routing_number": "half of what a debit takes; only some add-ons of Splynx ask for it",
    }

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    auto: bool
    bank_account_processor_id: int
    bank_account_type: str
    customer_profile_id: Annotated[str | None, Personal()] = None
    masked_account_number: Annotated[str | None, Personal()] = None
    name_on_account: Annotated[str | None, Personal()] = None
    token: Annotated[Sealed | None, Personal(), Secret("payment_tokens")] = None
    token_id: Annotated[Sealed | None, Personal(), Secret("payment_tokens"), NewerSonar()] = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None
    bank_account_processor: ProcessorOf | None = None


CREDIT_CARD_PROCESSOR = Aggregate(
    name="credit_card_processor",
    root=Collection("credit_card_processors", CreditCardProcessor, "CreditCardProcessor"),
    doc="A company that charges cards for the operator.",
)
BANK_ACCOUNT_PROCESSOR = Aggregate(
    name="bank_account_processor",
    root=Collection("bank_account_processors", BankAccountProcessor, "BankAccountProcessor"),
    doc="A company that debits bank accounts for the operator.",
)
CREDIT_CARD = Aggregate(
    name="credit_card",
    root=Collection("credit_cards", CreditCard, "CreditCard"),
    owned_by=[Owner("account_id")],
    looks_up=[
        *follows_account("credit_cards"),
        LookUp("credit_card_processors", "CreditCardProcessor", column="credit_card_processor_id"),
    ],
    doc="A card of an account, masked; its token only where it is carried, and sealed.",
)
BANK_ACCOUNT = Aggregate(
    name="bank_account",
    root=Collection("bank_accounts", BankAccount, "BankAccount"),
    owned_by=[Owner("account_id")],
    looks_up=[
        *follows_account("bank_accounts"),
        LookUp("bank_account_processors", "BankAccountProcessor", column="bank_account_processor_id"),
    ],
    doc="A bank account of an account, masked; its token only where it is carried, and sealed.",
)
