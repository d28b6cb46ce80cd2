"""What is signed, filed, noted, said on the phone and sent, one row each. `at` None means now, by the store's clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

from sandbox.world import desk_texts
from sandbox.world.registry import Row
from sandbox.world.rows import Writer

FILES = (
    ("site-photo.jpg", "image/jpeg"),
    ("signed-order.pdf", "application/pdf"),
    ("speed-test.png", "image/png"),
    ("readme.txt", "text/plain"),
)
MOBILE = "12175550142"


def write_contract(
    store: Writer,
    account: int,
    contacts: Sequence[Row],
    templates: Sequence[int],
    rng: Random,
    today: date,
    at: datetime | None,
) -> int:
    """A contract that nobody has signed yet; `today` is its local day."""
    months = rng.choice((12, 24, 36, None))
    return store.insert(
        "Contract",
        at=at,
        account_id=account,
        body=desk_texts.CONTRACT_BODY,
        contact_id=contacts[0]["id"] if contacts else None,
        contract_template_id=rng.choice(templates),
        custom_message="Please sign before the installation." if rng.random() < 0.3 else None,
        expiration_date=(today + timedelta(days=30 * months)).isoformat() if months else None,
        name="Service agreement",
        term_in_months=months,
        unique_link_key=f"{rng.getrandbits(96):024x}",
    )


def sign(store: Writer, contract: int, contact: Row, rng: Random, at: datetime | None) -> int:
    """The contact signs; the drawing itself is a file of the signature, see `write_drawing`."""
    signature = store.insert(
        "HandwrittenSignature",
        at=at,
        contact_email_address=contact["email_address"],
        contact_name=contact["name"],
        contact_role=contact["role"],
        signer_ip=f"192.0.2.{rng.randint(1, 254)}",
        signer_name=contact["name"],
    )
    store.update("Contract", contract, at=at, handwritten_signature_id=signature)
    return signature


def write_drawing(store: Writer, signature: int, rng: Random, at: datetime | None) -> int:
    return store.insert(
        "File",
        at=at,
        file_size_in_bytes=rng.randint(400, 1600),
        fileable_id=signature,
        fileable_type="HandwrittenSignature",
        filename="signature.png",
        mime_type="image/png",
        primary_image=False,
    )


def write_note(store: Writer, owner: str, id: int, rng: Random, user: int | None, at: datetime | None) -> int:
    return store.insert(
        "Note",
        at=at,
        message=rng.choice(desk_texts.NOTES),
        noteable_id=id,
        noteable_type=owner,
        priority=rng.choices(("NORMAL", "STICKY", "STICKY_WITH_CONFIRMATION"), (90, 8, 2))[0],
        user_id=user,
    )


def write_call(store: Writer, account: int, rng: Random, user: int, at: datetime | None) -> int:
    return store.insert(
        "CallLog",
        at=at,
        account_id=account,
        body=rng.choice(desk_texts.COMPLAINTS),
        subject=rng.choice(desk_texts.CALLS),
        time_in_seconds=str(rng.randint(20, 1500)),
        user_id=user,
    )


def write_file(store: Writer, owner: str, id: int, rng: Random, user: int | None, at: datetime | None) -> int:
    name, kind = rng.choice(FILES)
    return store.insert(
        "File",
        at=at,
        description="From the site visit" if rng.random() < 0.3 else None,
        file_size_in_bytes=rng.randint(200, 20_000),
        fileable_id=id,
        fileable_type=owner,
        filename=name,
        mime_type=kind,
        primary_image=False,
        user_id=user,
    )


def write_email(store: Writer, account: int, contacts: Sequence[Row], rng: Random, at: datetime | None) -> int | None:
    """A mail to an account or its first contact; None when there is no address to send it to."""
    contact = next((one for one in contacts if "@" in (one["email_address"] or "")), None)
    if contact is None:
        return None
    subject = rng.choice(desk_texts.MAILINGS)
    status = rng.choices(("SENT", "OPENED", "CLICKED", "BOUNCED", "DEFERRED"), (60, 30, 5, 4, 1))[0]
    to_contact = rng.random() < 0.5
    return store.insert(
        "Email",
        at=at,
        body=f"<html><body><p>Hello,</p><p>{subject}.</p></body></html>",
        email_address=contact["email_address"],
        emailable_id=contact["id"] if to_contact else account,
        emailable_type="Contact" if to_contact else "Account",
        reject_reason="550 no such user" if status == "BOUNCED" else None,
        status=status,
        subject=subject,
        to_name=contact["name"],
    )


def write_text(store: Writer, contact: int, rng: Random, at: datetime | None) -> int:
    status = rng.choices(("DELIVERED", "SENT", "FAILED"), (90, 7, 3))[0]
    return store.insert(
        "SmsOutboundMessage",
        at=at,
        category=rng.choice(("NOTIFICATION", "TRIGGER", "MASS_MESSAGE")),
        cost_in_hundredths=rng.choice((75, 79, 150)),
        destination_country="US",
        error_message="unreachable" if status == "FAILED" else "",
        message_text=rng.choice(desk_texts.TEXTS),
        mobile_number=MOBILE,
        provider_message_id=f"demo-sms-{rng.getrandbits(40):010x}",
        segments=1,
        smsable_id=contact,
        smsable_type="Contact",
        status=status,
    )


def write_to_do(store: Writer, owner: str, id: int, rng: Random, user: int, today: date, at: datetime | None) -> int:
    """Something to do for an account, a ticket or a piece of equipment, soon or some time; `today` is its local day."""
    return store.insert(
        "Task",
        at=at,
        complete=False,
        completion_type="BOOLEAN",
        due=(today + timedelta(days=rng.randint(1, 20))).isoformat() if rng.random() < 0.7 else None,
        task=rng.choice(("Call back", "Send the new price list", "Check the refund")),
        taskable_id=id,
        taskable_type=owner,
        user_id=user,
    )
