"""A contract with the signature under it (mapping D1)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, LookUp, Owner
from schemas.entities.scoped import ScopedAccount, follows_account
from schemas.records import Instant, Personal, ShownArchived, SonarRecord


class HandwrittenSignature(SonarRecord):
    """Who signed and when; what was drawn is a file. Source: Sonar schema, type HandwrittenSignature."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    signer_name: Annotated[str, Personal()]
    signer_ip: Annotated[str, Personal()]
    contact_name: Annotated[str, Personal()]
    contact_role: Annotated[str | None, Personal()] = None
    contact_email_address: Annotated[str | None, Personal()] = None


class Contract(SonarRecord):
    """Source: Sonar schema, type Contract."""

    id: int
    sonar_unique_id: str | None = None
    created_at: Instant
    updated_at: Instant
    account_id: int
    name: Annotated[str, Personal()]
    body: Annotated[str, Personal()]
    custom_message: Annotated[str | None, Personal()] = None
    contact_id: int | None = None
    contract_template_id: int | None = None
    handwritten_signature_id: int | None = None
    term_in_months: int | None = None
    expiration_date: date | None = None
    account: Annotated[ScopedAccount | None, ShownArchived()] = None
    handwritten_signature: HandwrittenSignature | None = None

    left_out: ClassVar[Mapping[str, str]] = {"unique_link_key": "whoever has it can open and sign the contract"}


CONTRACT = Aggregate(
    name="contract",
    root=Collection("contracts", Contract, "Contract"),
    owned_by=[Owner("account_id")],
    looks_up=[
        *follows_account("contracts"),
        LookUp("handwritten_signatures", "HandwrittenSignature", column="handwritten_signature_id"),
    ],
    doc="A contract of an account, with its signature once it is signed.",
)
