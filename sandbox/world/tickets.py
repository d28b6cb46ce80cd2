"""The tickets of the past: who asked what, what was answered, and how it ended; a handful of them odd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.sonar.store import Row, Store
from sandbox.world import desk_texts
from sandbox.world.desk import Desk, staff
from sandbox.world.past import Past, contacts_by_account, sites_at
from sandbox.world.rows import Writer

STRANGER = ("A. Stranger", "stranger@example.net")
HEADERS = "Received: from mail.example.net\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8"


@dataclass(slots=True)
class Said:
    """A reply or an internal comment; `author` (name, address) wrote from outside, else `user` did."""

    at: datetime
    body: str
    user: int | None = None
    author: tuple[str, str | None] | None = None
    internal: bool = False


@dataclass(slots=True)
class Draft:
    """One ticket before it is written. `columns` are the ticket's own, beside those that follow from the rest."""

    at: datetime
    owner: tuple[str, int] | None
    columns: dict[str, Any]
    said: list[Said] = field(default_factory=list)
    recipients: list[tuple[str, str]] = field(default_factory=list)
    categories: list[int] = field(default_factory=list)
    closed: datetime | None = None
    closed_by: int | None = None
    parent: Draft | None = None
    """An older draft."""


def begin_tickets(store: Store, desk: Desk, past: Past, mean: float) -> None:
    """Write tickets, `mean` for each account, in the order in which they were opened."""
    contacts, users = contacts_by_account(store), staff(store)
    drafts = [
        _draft(past, desk, users, account, contacts.get(account["id"], []), at)
        for account, first in past.accounts()
        for at in past.moments(first, mean)
    ]
    drafts.sort(key=lambda draft: draft.at)
    _plant(drafts, past)
    _put_on_sites(store, drafts, past.rng)
    write_tickets(store, drafts)
    _link(store, past.rng)


def write_tickets(store: Store, drafts: Sequence[Draft]) -> list[int]:
    """Write drafts, which stand in the order of time, and then what was said in them, in the order of time too."""
    ids: dict[int, int] = {}
    for draft in drafts:
        ids[id(draft)] = ticket = store.insert(
            "Ticket",
            at=draft.at,
            **draft.columns,
            ticketable_id=draft.owner and draft.owner[1],
            ticketable_type=draft.owner and draft.owner[0],
            parent_ticket_id=None if draft.parent is None else ids[id(draft.parent)],
            global_updated_at=max([draft.at, *(one.at for one in draft.said)]),
        )
        for category in draft.categories:
            store.attach("Ticket", ticket, "ticket_categories", category, at=draft.at)
        for name, address in draft.recipients:
            store.insert("TicketRecipient", at=draft.at, email_address=address, name=name, ticket_id=ticket)
    for one, ticket in sorted(
        ((one, ids[id(draft)]) for draft in drafts for one in draft.said), key=lambda said: said[0].at
    ):
        write_said(store, ticket, one, one.at)
    closed = sorted((draft for draft in drafts if draft.closed), key=lambda draft: draft.closed or draft.at)
    for draft in closed:
        store.update(
            "Ticket",
            ids[id(draft)],
            at=draft.closed,
            closed_at=draft.closed,
            closed_by_user_id=draft.closed_by,
            global_updated_at=max([draft.closed or draft.at, *(one.at for one in draft.said)]),
            status="CLOSED",
        )
    return [ids[id(draft)] for draft in drafts]


def write_said(store: Writer, ticket: int, said: Said, at: datetime | None) -> int:
    """A reply or a comment; `at` None means now."""
    if said.internal:
        return store.insert("TicketComment", at=at, body=said.body, ticket_id=ticket, user_id=said.user)
    name, address = said.author or (None, None)
    return store.insert(
        "TicketReply",
        at=at,
        author=name,
        author_email=address,
        body=said.body,
        headers=HEADERS if said.author else None,
        incoming=said.author is not None,
        raw_body=said.body if said.author else None,
        signature=None if said.author else "<p>--<br>Prairie Lantern Broadband</p>",
        ticket_id=ticket,
        user_id=said.user,
    )


def mail_answer(store: Store, writer: Writer, reply: int, at: datetime | None) -> int | None:
    """The mail by which a reply goes out to its ticket's first recipient; None when there is no recipient."""
    row = store.table("TicketReply")[reply]
    recipients = store.pointing("TicketRecipient", "ticket_id", row["ticket_id"])
    if not recipients:
        return None
    recipient = store.table("TicketRecipient")[recipients[0]]
    return writer.insert(
        "Email",
        at=at,
        body=row["body"],
        email_address=recipient["email_address"],
        emailable_id=reply,
        emailable_type="TicketReply",
        status="SENT",
        subject=f"RE: {store.table('Ticket')[row['ticket_id']]['subject'].strip()[:200]}",
        to_name=recipient["name"],
    )


def ticket_columns(rng: Random, desk: Desk, users: Sequence[int], company: int, name: str | None) -> dict[str, Any]:
    """The columns of a ticket that somebody has just opened."""
    by_mail = rng.random() < 0.4
    mailbox = rng.randrange(len(desk.mailboxes))
    return {
        "company_id": company,
        "description": desk_texts.letter(rng, desk_texts.COMPLAINTS, name),
        "inbound_mailbox_id": desk.mailboxes[mailbox] if by_mail else None,
        "is_spam": False if by_mail else None,
        "priority": rng.choices(("LOW", "MEDIUM", "HIGH", "CRITICAL"), (20, 55, 20, 5))[0],
        "spam_score": round(rng.random() * 3, 1) if by_mail else None,
        "status": rng.choices(("OPEN", "PENDING_INTERNAL", "PENDING_EXTERNAL"), (6, 2, 2))[0],
        "subject": rng.choice(desk_texts.SUBJECTS),
        "ticket_group_id": desk.groups[mailbox if by_mail else rng.choice((0, 0, 1, 2))],
        "user_id": rng.choice((None, *users)),
    }


def _draft(past: Past, desk: Desk, users: Sequence[int], account: Row, contacts: list[Row], at: datetime) -> Draft:
    rng = past.rng
    contact = contacts[0] if contacts else None
    name = None if contact is None else str(contact["name"])
    draft = Draft(at, ("Account", account["id"]), ticket_columns(rng, desk, users, account["company_id"], name))
    draft.categories = sorted(rng.sample(desk.categories, rng.choices((0, 1, 2, 3), (1, 6, 2, 1))[0]))
    if contact is not None and contact["email_address"] and "@" in contact["email_address"]:
        draft.recipients.append((str(name), str(contact["email_address"])))
    moment = at
    for _ in range(past.how_often(3)):
        moment = past.later(moment, 30)
        kind = rng.random()
        if kind < 0.3:
            comment = rng.choice(desk_texts.COMMENTS)
            draft.said.append(Said(moment, comment, user=rng.choice(users), internal=True))
        elif kind < 0.6 and contact is not None:
            body = desk_texts.letter(rng, desk_texts.COMPLAINTS, name)
            draft.said.append(Said(moment, body, author=(str(name), contact["email_address"])))
        else:
            draft.said.append(Said(moment, desk_texts.letter(rng, desk_texts.ANSWERS, None), user=rng.choice(users)))
    if rng.random() < 0.15:
        draft.columns["due_date"] = (past.calendar.local_day(at) + timedelta(days=rng.randint(1, 14))).isoformat()
    if rng.random() < (0.95 if (past.end - at).days > 30 else 0.5):
        draft.closed, draft.closed_by = past.later(moment, 48), rng.choice(users)
    return draft


def _put_on_sites(store: Store, drafts: list[Draft], rng: Random) -> None:
    """Some tickets are about a network site, and only those who work there write in them."""
    for draft in rng.sample(drafts, len(drafts) // 20):
        sites = sites_at(store, draft.at)
        if draft.owner is not None and not draft.recipients and sites:
            draft.owner = ("NetworkSite", rng.choice(sites))
            draft.said = [one for one in draft.said if one.internal]


def _link(store: Store, rng: Random) -> None:
    """Some tickets name a site or a piece of equipment, where the ISP has any."""
    for relation, type_name in (("network_sites", "NetworkSite"), ("inventory_items", "InventoryItem")):
        known = sorted(store.table(type_name))
        for ticket, row in list(store.table("Ticket").items()) if known else ():
            if rng.random() < 0.1:
                store.attach("Ticket", ticket, relation, rng.choice(known), at=row["created_at"])


def _by_stranger(draft: Draft) -> None:
    draft.owner, draft.recipients = None, []
    draft.said.append(Said(draft.at + timedelta(minutes=3), "<p>Do you serve Gooseberry?</p>", author=STRANGER))


def _spam(draft: Draft) -> None:
    draft.owner = None
    draft.columns |= {"is_spam": True, "spam_score": 9.7, "subject": "You have won &lt;b&gt;$1,000&lt;/b&gt;"}


def _closed_by_nobody(draft: Draft) -> None:
    draft.closed, draft.closed_by = draft.closed or draft.at + timedelta(hours=1), None


def _in_an_old_group(draft: Draft) -> None:
    draft.columns["ticket_group_id"] = None
    draft.categories = []


PLANTS: tuple[Callable[[Draft], None], ...] = (
    _by_stranger,
    _spam,
    _closed_by_nobody,
    _in_an_old_group,
    lambda draft: draft.columns.update(subject="<b>Outage</b><br>again &amp; again"),
    lambda draft: draft.columns.update(subject="Re: " * 80 + "Outage"),
    lambda draft: draft.columns.update(subject=" "),
    lambda draft: draft.columns.update(description=desk_texts.ODD_BODIES["empty"]),
    lambda draft: draft.recipients.extend([("Everybody", f"reader{number}@example.org") for number in range(30)]),
)
"""Oddities of a ticket itself. Those of its mails come one to a ticket, from `desk_texts.ODD_BODIES`."""


def _plant(drafts: list[Draft], past: Past) -> None:
    """One oddity to a ticket, on the oldest ones, as far as the tickets suffice."""
    odd = iter(drafts)
    for plant, draft in zip(PLANTS, odd, strict=False):
        plant(draft)
    for body, draft in zip(desk_texts.ODD_BODIES.values(), odd, strict=False):
        author = draft.recipients[0] if draft.recipients else STRANGER
        draft.said.append(Said(past.later(draft.at, 1), body, author=author))
    for child, parent in zip(drafts[-3:], drafts[2:5], strict=True) if len(drafts) > 20 else ():
        child.parent, child.owner = parent, parent.owner
