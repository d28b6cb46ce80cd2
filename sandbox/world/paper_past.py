"""The papers of the past, each sort in the order of time; a handful of them odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

from sandbox.sonar.store import Row, Store
from sandbox.world import desk_texts, papers
from sandbox.world.desk import Desk, staff
from sandbox.world.past import Past, contacts_by_account
from sandbox.world.tickets import mail_answer

OWNERS_OF_FILES = {"Job": 0.3, "Ticket": 0.08, "TicketReply": 0.1, "TicketComment": 0.05, "CallLog": 0.05}
"""Type → the share of its rows that have a file."""
OWNERS_OF_NOTES = {"Job": 0.3, "NetworkSite": 0.5, "InventoryItem": 0.05, "Contract": 0.1}
OWNERS_OF_TO_DOS = {"Ticket": 0.1, "InventoryItem": 0.02}

Owned = tuple[datetime, str, int]
"""(when, the owner's type, its id)."""


class Papers(NamedTuple):
    """How many of each an account has on average."""

    contracts: float
    files: float
    notes: float
    calls: float
    emails: float
    texts: float
    to_dos: float


def begin_papers(store: Store, desk: Desk, past: Past, means: Papers) -> None:
    """Write the papers of all accounts, and those around tickets, jobs and equipment."""
    contacts = contacts_by_account(store)
    rng, users = past.rng, staff(store)
    signatures = _contracts(store, desk, past, contacts, means.contracts)
    for at, _, account in _of_accounts(past, means.calls):
        papers.write_call(store, account, rng, rng.choice(users), at)
    for at, owner, id in sorted(_of_accounts(past, means.notes) + _of_others(store, rng, OWNERS_OF_NOTES)):
        papers.write_note(store, owner, id, rng, rng.choice(users), at)
    files = _of_accounts(past, means.files) + _of_others(store, rng, OWNERS_OF_FILES) + signatures
    for at, owner, id in sorted(files):
        if owner == "HandwrittenSignature":
            papers.write_drawing(store, id, rng, at)
        else:
            papers.write_file(store, owner, id, rng, rng.choice(users), at)
    for at, owner, id in sorted(_of_accounts(past, means.to_dos) + _of_others(store, rng, OWNERS_OF_TO_DOS)):
        papers.write_to_do(store, owner, id, rng, rng.choice(users), past.calendar.local_day(at), at)
    mailed = [(at, owner, id) for at, owner, id in _of_accounts(past, means.emails) if contacts.get(id)]
    for at, owner, id in sorted(mailed + _answers(store)):
        if owner == "Account":
            papers.write_email(store, id, contacts[id], rng, at)
        else:
            mail_answer(store, store, id, at)
    for at, _, account in _of_accounts(past, means.texts):
        for contact in contacts.get(account, ())[:1]:
            papers.write_text(store, contact["id"], rng, at)
    _plant(store)


def _of_accounts(past: Past, mean: float) -> list[Owned]:
    return sorted(
        (at, "Account", account["id"]) for account, first in past.accounts() for at in past.moments(first, mean)
    )


def _of_others(store: Store, rng: Random, shares: Mapping[str, float]) -> list[Owned]:
    return [
        (row["created_at"], owner, id)
        for owner, share in shares.items()
        for id, row in sorted(store.table(owner).items())
        if rng.random() < share
    ]


def _contracts(store: Store, desk: Desk, past: Past, contacts: Mapping[int, Sequence[Row]], mean: float) -> list[Owned]:
    """Write contracts and most signatures; return these."""
    rng, signed = past.rng, []
    for at, _, account in _of_accounts(past, mean):
        known, today = contacts.get(account, ()), past.calendar.local_day(at)
        contract = papers.write_contract(store, account, known, desk.contract_templates, rng, today, at)
        if known and rng.random() < 0.8:
            signed.append((past.later(at, 72), contract, known[0]))
    signed.sort(key=lambda one: one[0])
    return [(at, "HandwrittenSignature", papers.sign(store, contract, who, rng, at)) for at, contract, who in signed]


def _answers(store: Store) -> list[Owned]:
    """The replies that went out."""
    return [
        (row["created_at"], "TicketReply", id) for id, row in store.table("TicketReply").items() if not row["incoming"]
    ]


ODD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Note", {"user_id": None}),
    ("Note", {"message": ""}),
    ("Note", {"message": "<p>Paste from a mail</p><script>x()</script>"}),
    ("Note", {"message": "Very long. " * 7000, "priority": "STICKY_WITH_CONFIRMATION"}),
    ("File", {"fileable_id": None, "fileable_type": None}),
    ("File", {"file_size_in_bytes": 21 * 2**20, "filename": "drone-video.mp4", "mime_type": "video/mp4"}),
    ("File", {"filename": "setup.exe", "mime_type": "application/x-msdownload"}),
    ("File", {"filename": "ph\u00f6to-" * 50 + ".jpg", "mime_type": "image/jpeg"}),
    ("File", {"filename": "../../etc/hosts", "mime_type": "text/plain"}),
    ("Contract", {"body": desk_texts.ODD_BODIES["embedded_image"], "name": " "}),
    ("Contract", {"contract_template_id": None, "contact_id": None, "body": ""}),
    ("Contract", {"term_in_months": 0}),
    ("CallLog", {"time_in_seconds": "00:05:12"}),
    ("CallLog", {"time_in_seconds": "", "body": ""}),
    ("Email", {"body": None, "to_name": None}),
    ("Email", {"body": desk_texts.ODD_BODIES["overlong"], "status": "MARKED_SPAM", "reject_reason": None}),
    ("Email", {"subject": "\u2603 " * 300}),
    ("SmsOutboundMessage", {"message_text": "\U0001f4e1 " * 60, "segments": 2, "cost_in_hundredths": 151}),
)
"""(type, the odd columns), planted one to a row, the newest first."""


def _plant(store: Store) -> None:
    hosts = {name: sorted(store.table(name), reverse=True) for name, _ in ODD}
    for name, columns in ODD:
        if hosts[name]:
            id = hosts[name].pop(0)
            store.update(name, id, at=store.table(name)[id]["updated_at"], **columns)
