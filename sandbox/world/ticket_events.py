"""Events of tickets: they are opened, answered, handed on, merged, closed and thrown away."""

from __future__ import annotations

from typing import Any

from sandbox.world import desk_texts
from sandbox.world.desk import staff
from sandbox.world.desk_life import contacts_of, desk_of, draw_open, worker
from sandbox.world.life import Life
from sandbox.world.registry import Row
from sandbox.world.tickets import STRANGER, Said, mail_answer, ticket_columns, write_said


def _is_open(row: Row) -> bool:
    return bool(row["status"] != "CLOSED")


def ticket_opened(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    account, row = found
    desk = desk_of(life.registry.store)
    contact = next(iter(contacts_of(life, account)), None)
    name = None if contact is None else str(contact["name"])
    columns = ticket_columns(life.rng, desk, staff(life.registry.store), row["company_id"], name)
    ticket = life.registry.insert(
        "Ticket",
        **{**columns, "status": "OPEN", "global_updated_at": life.registry.store.now()},
        ticketable_id=account,
        ticketable_type="Account",
    )
    life.registry.attach("Ticket", ticket, "ticket_categories", life.rng.choice(desk.categories))
    if contact is not None and "@" in (contact["email_address"] or ""):
        life.registry.insert(
            "TicketRecipient", email_address=contact["email_address"], name=contact["name"], ticket_id=ticket
        )
    return True


def ticket_answered(life: Life) -> bool:
    """A reply goes out, and a mail with it."""
    found = draw_open(life, "Ticket", _is_open)
    if found is None:
        return False
    body = desk_texts.letter(life.rng, desk_texts.ANSWERS, None)
    reply = write_said(life.registry, found[0], Said(life.clock(), body, user=worker(life)), None)
    mail_answer(life.registry.store, life.registry, reply, None)
    life.registry.update("Ticket", found[0], global_updated_at=life.registry.store.now(), status="PENDING_EXTERNAL")
    return True


def ticket_replied(life: Life) -> bool:
    """A mail comes in; a closed ticket is opened again by it."""
    found = life.registry.draw("Ticket", life.rng)
    if found is None:
        return False
    ticket, row = found
    contacts = contacts_of(life, row["ticketable_id"]) if row["ticketable_type"] == "Account" else []
    author = (str(contacts[0]["name"]), contacts[0]["email_address"]) if contacts else STRANGER
    odd = life.rng.random() < 0.1
    body = (
        life.rng.choice(list(desk_texts.ODD_BODIES.values()))
        if odd
        else desk_texts.letter(life.rng, desk_texts.COMPLAINTS, author[0])
    )
    write_said(life.registry, ticket, Said(life.clock(), body, author=author), None)
    _reopen(life, ticket)
    return True


def ticket_commented(life: Life) -> bool:
    """A comment leaves its ticket's row alone."""
    found = life.registry.draw("Ticket", life.rng)
    if found is None:
        return False
    said = Said(life.clock(), life.rng.choice(desk_texts.COMMENTS), user=worker(life), internal=True)
    write_said(life.registry, found[0], said, None)
    return True


def comment_deleted(life: Life) -> bool:
    return life.delete_one("TicketComment")


def recipient_deleted(life: Life) -> bool:
    return life.delete_one("TicketRecipient")


def ticket_deleted(life: Life) -> bool:
    """All that was said in it goes, with its mails and files."""
    return life.delete_one("Ticket")


def ticket_closed(life: Life) -> bool:
    found = draw_open(life, "Ticket", _is_open)
    if found is None:
        return False
    _close(life, found[0])
    return True


def ticket_reopened(life: Life) -> bool:
    found = life.registry.draw("Ticket", life.rng, lambda row: not _is_open(row))
    if found is None:
        return False
    _reopen(life, found[0])
    return True


def ticket_merged(life: Life) -> bool:
    """A ticket is closed in favour of another, which becomes its parent."""
    child = draw_open(life, "Ticket", _is_open)
    if child is None:
        return False
    parent = life.registry.draw(
        "Ticket", life.rng, lambda row: row["id"] != child[0] and row["parent_ticket_id"] is None
    )
    if parent is None:
        return False
    _close(life, child[0], parent_ticket_id=parent[0])
    return True


def ticket_moved(life: Life) -> bool:
    """It was the wrong customer: the ticket goes to another account, with all that was said in it."""
    ticket, account = life.registry.draw("Ticket", life.rng), life.registry.draw("Account", life.rng)
    if ticket is None or account is None or ticket[1]["ticketable_id"] == account[0]:
        return False
    life.registry.update(
        "Ticket",
        ticket[0],
        company_id=account[1]["company_id"],
        ticketable_id=account[0],
        ticketable_type="Account",
    )
    return True


def ticket_handed_on(life: Life) -> bool:
    found = draw_open(life, "Ticket", _is_open)
    if found is None:
        return False
    group = life.rng.choice(desk_of(life.registry.store).groups[:3])
    priority = life.rng.choice(("LOW", "MEDIUM", "HIGH", "CRITICAL"))
    life.registry.update("Ticket", found[0], priority=priority, ticket_group_id=group, user_id=worker(life))
    return True


def category_attached(life: Life) -> bool:
    found = life.registry.draw("Ticket", life.rng)
    if found is None:
        return False
    store = life.registry.store
    missing = sorted(set(store.table("TicketCategory")) - set(store.linked("Ticket", "ticket_categories", found[0])))
    if not missing:
        return False
    life.registry.attach("Ticket", found[0], "ticket_categories", life.rng.choice(missing))
    return True


def category_detached(life: Life) -> bool:
    store = life.registry.store
    found = life.registry.draw(
        "Ticket", life.rng, lambda row: bool(store.linked("Ticket", "ticket_categories", row["id"]))
    )
    if found is None:
        return False
    category = life.rng.choice(store.linked("Ticket", "ticket_categories", found[0]))
    life.registry.detach("Ticket", found[0], "ticket_categories", category)
    return True


def category_renamed(life: Life) -> bool:
    category = life.rng.choice(sorted(life.registry.store.table("TicketCategory")))
    name = str(life.registry.store.table("TicketCategory")[category]["name"]).split(" (")[0]
    life.rename("TicketCategory", category, name)
    return True


def canned_reply_edited(life: Life) -> bool:
    known = sorted(life.registry.store.table("CannedReply"))
    if not known:
        return False
    body = desk_texts.letter(life.rng, desk_texts.ANSWERS, "{{ user.public_name }}")
    life.registry.update("CannedReply", life.rng.choice(known), body=body)
    return True


def _close(life: Life, ticket: int, **columns: Any) -> None:
    now = life.registry.store.now()
    life.registry.update(
        "Ticket",
        ticket,
        closed_at=now,
        closed_by_user_id=worker(life),
        global_updated_at=now,
        status="CLOSED",
        **columns,
    )


def _reopen(life: Life, ticket: int) -> None:
    life.registry.update(
        "Ticket",
        ticket,
        closed_at=None,
        closed_by_user_id=None,
        global_updated_at=life.registry.store.now(),
        status="OPEN",
    )
