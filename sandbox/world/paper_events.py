"""Events of papers: notes, files, contracts, calls, mails and text messages, and what is still to do."""

from __future__ import annotations

from typing import Any

from sandbox.world import desk_texts, papers
from sandbox.world.desk_life import contacts_of, desk_of, worker
from sandbox.world.life import Life

PAGES = ("Account", "Account", "Job", "Ticket")
"""Whose page a file is put on."""


def note_written(life: Life) -> bool:
    owner = life.rng.choice(("Account", "Account", "Job", "Contract"))
    found = life.registry.draw(owner, life.rng)
    if found is None:
        return False
    papers.write_note(life.registry, owner, found[0], life.rng, worker(life), None)
    return True


def note_edited(life: Life) -> bool:
    return _edited(life, "Note", message=life.rng.choice(desk_texts.NOTES))


def note_deleted(life: Life) -> bool:
    return life.delete_one("Note")


def file_uploaded(life: Life) -> bool:
    owner = life.rng.choice(PAGES)
    found = life.registry.draw(owner, life.rng)
    if found is None:
        return False
    papers.write_file(life.registry, owner, found[0], life.rng, worker(life), None)
    return True


def file_described(life: Life) -> bool:
    return _edited(life, "File", description=life.rng.choice(("Front of the house", "Roof", "Signed copy")))


def file_deleted(life: Life) -> bool:
    return life.delete_one("File")


def contract_sent(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    templates = desk_of(life.registry.store).contract_templates
    today = life.clock().astimezone(life.zone).date()
    papers.write_contract(life.registry, found[0], contacts_of(life, found[0]), templates, life.rng, today, None)
    return True


def contract_signed(life: Life) -> bool:
    found = life.registry.draw("Contract", life.rng, lambda row: row["handwritten_signature_id"] is None)
    contacts = contacts_of(life, found[1]["account_id"]) if found is not None else []
    if found is None or not contacts:
        return False
    papers.write_drawing(
        life.registry, papers.sign(life.registry, found[0], contacts[0], life.rng, None), life.rng, None
    )
    return True


def contract_deleted(life: Life) -> bool:
    return life.delete_one("Contract")


def call_logged(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    papers.write_call(life.registry, found[0], life.rng, worker(life), None)
    return True


def call_deleted(life: Life) -> bool:
    return life.delete_one("CallLog")


def mail_sent(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    return papers.write_email(life.registry, found[0], contacts_of(life, found[0]), life.rng, None) is not None


def mail_tracked(life: Life) -> bool:
    """The provider tells what became of a mail."""
    status = life.rng.choice(("OPENED", "OPENED", "CLICKED", "BOUNCED", "MARKED_SPAM"))
    return _edited(life, "Email", reject_reason="552 mailbox full" if status == "BOUNCED" else None, status=status)


def text_sent(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    contacts = contacts_of(life, found[0]) if found is not None else []
    if not contacts:
        return False
    papers.write_text(life.registry, contacts[0]["id"], life.rng, None)
    return True


def to_do_written(life: Life) -> bool:
    found = life.registry.draw("Account", life.rng)
    if found is None:
        return False
    today = life.clock().astimezone(life.zone).date()
    papers.write_to_do(life.registry, "Account", found[0], life.rng, worker(life), today, None)
    return True


def to_do_deleted(life: Life) -> bool:
    return life.delete_one("Task", lambda row: row["taskable_type"] == "Account")


def _edited(life: Life, type_name: str, **columns: Any) -> bool:
    found = life.registry.draw(type_name, life.rng)
    if found is None:
        return False
    life.registry.update(type_name, found[0], **columns)
    return True
