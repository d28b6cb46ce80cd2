"""Help desk, field work and papers of the invented ISP: what there is on the first day."""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sandbox.sonar.store import Store
from sandbox.world import World, populate
from sandbox.world.domain import Beginning, Domain
from sandbox.world.domains import DOMAINS
from sandbox.world.invariants import violations
from sandbox.world.operations import OPERATIONS
from sandbox.world.operations_rules import operations_violations
from tests.unit.sandbox_world.conftest import NOW, a_world
from tests.unit.sandbox_world.test_invariants import first
from tests.unit.sandbox_world.test_populate import rows

WRITTEN = (
    "Ticket",
    "TicketReply",
    "TicketComment",
    "TicketRecipient",
    "TicketCategory",
    "TicketGroup",
    "InboundMailbox",
    "EmailDomain",
    "CannedReply",
    "CannedReplyCategory",
    "Job",
    "JobCheckIn",
    "JobService",
    "JobType",
    "Task",
    "TaskTemplate",
    "TaskTemplateItem",
    "Contract",
    "ContractTemplate",
    "HandwrittenSignature",
    "File",
    "Note",
    "CallLog",
    "Email",
    "SmsOutboundMessage",
    "Role",
    "Department",
    "CompanyDepartment",
)

GROWING = (
    "Ticket",
    "TicketReply",
    "TicketComment",
    "Job",
    "JobCheckIn",
    "Contract",
    "Note",
    "CallLog",
    "Email",
    "SmsOutboundMessage",
    "File",
)
"""Types of which new rows come all the time."""


def test_every_collection_has_rows_at_sixty_accounts(sixty: World) -> None:
    assert [name for name in WRITTEN if not sixty.store.table(name)] == []


@pytest.mark.parametrize("seed", [7, 23])
def test_with_or_without_the_domain_everything_else_is_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = a_world(40, seed)
    with_it.step(200)
    others = tuple(domain for domain in DOMAINS if domain is not OPERATIONS)
    monkeypatch.setattr(sys.modules[populate.__module__], "DOMAINS", others)
    without = a_world(40, seed)
    without.step(200)
    assert without.store.table("Ticket") == {}
    assert digest(with_it) == digest(without)
    assert with_it.lived == without.lived


def digest(world: World) -> dict[str, tuple[int, str]]:
    """`{type: (rows, a hash of them)}` of what the ISP had before it had a help desk."""
    return {name: (len(found), hashlib.sha256(repr(found).encode()).hexdigest()) for name, found in rows(world).items()}


def test_the_same_seed_gives_the_same_tickets(sixty: World) -> None:
    def told(world: World) -> list[tuple[Any, ...]]:
        return [
            (id, row["created_at"], row["updated_at"], *(row[column] for column in columns))
            for name, columns in (("Ticket", ("subject", "status")), ("Email", ("status",)), ("Job", ("complete",)))
            for id, row in sorted(world.store.table(name).items())
        ]

    assert told(a_world()) == told(sixty)
    assert told(a_world(seed=8)) != told(sixty)


@pytest.mark.parametrize("name", GROWING)
def test_ids_follow_the_order_of_time(three_hundred: World, name: str) -> None:
    moments = [row["created_at"] for _, row in sorted(three_hundred.store.table(name).items())]
    assert moments == sorted(moments)
    assert moments[-1] < NOW


def test_an_isp_of_full_history_has_the_shape_of_a_real_one() -> None:
    world = a_world(150, full=True)
    per_account = {
        name: len(world.store.table(name)) / 150 for name in ("Ticket", "Email", "Job", "Contract", "CallLog")
    }
    real = {"Ticket": 3.74, "Email": 30.5, "Job": 2.5, "Contract": 0.19, "CallLog": 0.9}
    assert {name: 0.7 < per_account[name] / mean < 1.4 for name, mean in real.items()} == dict.fromkeys(real, True), (
        per_account
    )
    assert violations(world.store) == []


def test_an_isp_of_full_history_has_staff_with_roles_and_fields_of_tickets_and_jobs() -> None:
    store = a_world(40, full=True).store
    roles = {row["role_id"] for row in store.table("User").values()}
    assert len(roles - {None}) == 3
    assert {row["customfielddataable_type"] for row in store.table("CustomFieldData").values()} >= {"Ticket", "Job"}
    assert {row["entity_type"] for row in store.table("CustomField").values()} >= {"Account", "Ticket", "Job"}
    assert violations(store) == []


@pytest.mark.parametrize(("name", "via"), [("Ticket", "ticketable"), ("Job", "jobbable")])
def test_some_work_is_about_a_network_site(three_hundred: World, name: str, via: str) -> None:
    owners = {row[f"{via}_type"] for row in three_hundred.store.table(name).values()}
    assert owners >= {"Account", "NetworkSite"}


def test_installations_name_what_is_to_be_installed_once_the_isp_sells_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sell(beginning: Beginning) -> None:
        beginning.store.insert(
            "Service",
            at=beginning.calendar.instant(beginning.calendar.history_start),
            application="DEBIT",
            display_if_zero=True,
            enabled=True,
            name="Fiber 100",
            type="DATA",
        )

    monkeypatch.setattr(
        sys.modules[populate.__module__], "DOMAINS", (Domain("sales", sell, (), (), rate=0), OPERATIONS)
    )
    store = a_world(60).store
    kinds = {store.table("Job")[row["job_id"]]["job_type_id"] for row in store.table("JobService").values()}
    assert {store.table("JobType")[kind]["name"] for kind in kinds} == {"Installation"}
    assert violations(store) == []


def bodies(store: Store) -> list[str]:
    return [row["body"] for row in store.table("TicketReply").values()]


ODDITIES: list[tuple[str, Callable[[Store], bool]]] = [
    ("a script in a mail", lambda s: any("<script>" in body for body in bodies(s))),
    ("an event handler in a mail", lambda s: any("onclick=" in body for body in bodies(s))),
    ("a remote image in a mail", lambda s: any('<img src="https:' in body for body in bodies(s))),
    ("an image within a mail", lambda s: any('<img src="data:' in body for body in bodies(s))),
    ("a NUL in a mail", lambda s: any("\0" in body for body in bodies(s))),
    ("four-byte characters in a mail", lambda s: any(char > "\uffff" for body in bodies(s) for char in body)),
    ("decomposed letters", lambda s: any(unicodedata.normalize("NFC", body) != body for body in bodies(s))),
    ("a mail that says nothing", lambda s: "" in bodies(s)),
    ("a mail that does not fit into 64 kB", lambda s: any(len(body) > 65_535 for body in bodies(s))),
    ("a ticket of nobody", lambda s: any(row["ticketable_id"] is None for row in s.table("Ticket").values())),
    ("spam", lambda s: any(row["is_spam"] for row in s.table("Ticket").values())),
    ("a subject that is too long", lambda s: any(len(row["subject"]) > 256 for row in s.table("Ticket").values())),
    ("a subject in HTML", lambda s: any("<br>" in row["subject"] for row in s.table("Ticket").values())),
    ("a blank subject", lambda s: any(not row["subject"].strip() for row in s.table("Ticket").values())),
    ("a child ticket", lambda s: any(row["parent_ticket_id"] for row in s.table("Ticket").values())),
    (
        "a ticket that nobody closed",
        lambda s: any(row["closed_at"] and not row["closed_by_user_id"] for row in s.table("Ticket").values()),
    ),
    (
        "a visit of less than a minute",
        lambda s: any(
            row["check_out_datetime"] and row["check_out_datetime"] - row["check_in_datetime"] < timedelta(minutes=1)
            for row in s.table("JobCheckIn").values()
        ),
    ),
    (
        "a finished job that nobody visited",
        lambda s: any(
            row["complete"] and not s.pointing("JobCheckIn", "job_id", id) for id, row in s.table("Job").items()
        ),
    ),
    ("a job of no length", lambda s: any(row["length_in_minutes"] == 0 for row in s.table("Job").values())),
    ("a note by nobody", lambda s: any(row["user_id"] is None for row in s.table("Note").values())),
    ("a file of nobody", lambda s: any(row["fileable_id"] is None for row in s.table("File").values())),
    (
        "a file that Splynx refuses for its size",
        lambda s: any(row["file_size_in_bytes"] > 20 * 2**20 for row in s.table("File").values()),
    ),
    ("a program among the files", lambda s: any(row["filename"] == "setup.exe" for row in s.table("File").values())),
    ("a call of no length", lambda s: any(row["time_in_seconds"] == "" for row in s.table("CallLog").values())),
    ("a mail without a body", lambda s: any(row["body"] is None for row in s.table("Email").values())),
    ("a contract of nobody's hand", lambda s: any(row["contact_id"] is None for row in s.table("Contract").values())),
    ("a role that allows nothing", lambda s: any(not row["applied_permissions"] for row in s.table("Role").values())),
    ("a role whose name is too long", lambda s: any(len(row["name"]) > 32 for row in s.table("Role").values())),
    ("a job type whose name is too long", lambda s: any(len(row["name"]) > 64 for row in s.table("JobType").values())),
]


@pytest.mark.parametrize("seed", [7, 8, 9])
@pytest.mark.parametrize("is_there", [pytest.param(found, id=name) for name, found in ODDITIES])
def test_sixty_accounts_are_enough_for_every_oddity(is_there: Callable[[Store], bool], seed: int) -> None:
    assert is_there(_world(seed).store)


_WORLDS: dict[int, World] = {}


def _world(seed: int) -> World:
    """Sixty accounts, for reading only."""
    if seed not in _WORLDS:
        _WORLDS[seed] = a_world(seed=seed)
    return _WORLDS[seed]


def test_every_address_and_number_is_one_for_examples(three_hundred: World) -> None:
    texts = [
        str(value)
        for name in WRITTEN
        for row in three_hundred.store.table(name).values()
        for column, value in row.items()
        if isinstance(value, str) and column not in ("sonar_unique_id", "_version")
    ]
    domains = {domain for text in texts for domain in re.findall(r"@([\w.-]*\w)", text)}
    assert {".".join(domain.split(".")[-2:]) for domain in domains} <= {
        "example.com",
        "example.net",
        "example.org",
        "2x",
    }
    numbers = {row["mobile_number"] for row in three_hundred.store.table("SmsOutboundMessage").values()}
    numbers |= {row["number"] for row in three_hundred.store.table("CompanyDepartment").values()}
    assert [number for number in numbers if not re.fullmatch(r"\d{0,4}55501\d\d", number)] == []


def _closed(store: Store) -> int:
    return first(store, "Ticket", status="CLOSED")


def _done(store: Store) -> int:
    return first(store, "Job", complete=True)


def _make_own_ancestor(store: Store) -> None:
    child = next(id for id, row in store.table("Ticket").items() if row["parent_ticket_id"])
    store.update("Ticket", store.table("Ticket")[child]["parent_ticket_id"], parent_ticket_id=child)


def _two_contracts_one_signature(store: Store) -> None:
    signature = next(iter(store.table("HandwrittenSignature")))
    for contract in list(store.table("Contract"))[:2]:
        store.update("Contract", contract, handwritten_signature_id=signature)


def _stay(store: Store) -> None:
    visit = next(id for id, row in store.table("JobCheckIn").items() if store.table("Job")[row["job_id"]]["complete"])
    store.update("JobCheckIn", visit, check_out_datetime=None, checked_out_by_user_id=None)


def _comment_early(store: Store) -> None:
    store.insert("TicketComment", at=NOW - timedelta(days=9000), body="x", ticket_id=_closed(store), user_id=1)


def _lend_contact(store: Store) -> None:
    contract = next(id for id, row in store.table("Contract").items() if row["contact_id"])
    account = store.table("Contract")[contract]["account_id"]
    other = next(id for id, row in store.table("Contact").items() if row["contactable_id"] != account)
    store.update("Contract", contract, contact_id=other)


BREAKS: list[tuple[str, Callable[[Store], None], str]] = [
    ("closed at no time", lambda s: s.update("Ticket", _closed(s), closed_at=None), "closed, and not"),
    (
        "closed by somebody and open",
        lambda s: s.update("Ticket", _closed(s), closed_at=None, status="OPEN", closed_by_user_id=1),
        "closed by somebody, and open",
    ),
    (
        "closed before it was opened",
        lambda s: s.update("Ticket", _closed(s), closed_at=NOW - timedelta(days=9000)),
        "closed before it was opened",
    ),
    ("a ticket above itself", _make_own_ancestor, "its own ancestor"),
    (
        "a reply by nobody",
        lambda s: s.update("TicketReply", first(s, "TicketReply", incoming=False), user_id=None),
        "or from neither",
    ),
    ("a job that is half done", lambda s: s.update("Job", _done(s), completion_datetime=None), "Job 1"),
    ("somebody still there", _stay, "somebody is still at a job"),
    (
        "a visit that ends before it starts",
        lambda s: s.update("JobCheckIn", 1, check_in_datetime=NOW, check_out_datetime=NOW - timedelta(days=1)),
        "ends before it starts",
    ),
    ("a visit that nobody ended", lambda s: s.update("JobCheckIn", 1, checked_out_by_user_id=None), "and by nobody"),
    (
        "a task half done",
        lambda s: s.update("Task", first(s, "Task", complete=False), complete=True),
        "Task",
    ),
    ("half an owner", lambda s: s.update("File", first(s, "File"), fileable_id=None), "do not go together"),
    (
        "a reply before its ticket",
        _comment_early,
        "older than its Ticket",
    ),
    ("two contracts, one signature", _two_contracts_one_signature, "HandwrittenSignature 1: under"),
    ("somebody else's contact", _lend_contact, "its contact is somebody else's"),
    ("a file of nothing", lambda s: s.update("File", first(s, "File"), file_size_in_bytes=0), "is empty"),
    (
        "a mail that bounced for no reason",
        lambda s: s.update("Email", first(s, "Email", status="SENT"), status="BOUNCED"),
        "rejected without a reason",
    ),
]


@pytest.mark.parametrize(("how", "says"), [pytest.param(how, says, id=situation) for situation, how, says in BREAKS])
def test_a_broken_rule_of_operations_is_named(how: Callable[[Store], None], says: str) -> None:
    store = a_world(60).store
    assert list(operations_violations(store)) == []
    how(store)
    found = violations(store)
    assert any(says in line for line in found), found


def test_the_domain_is_part_of_the_world(sixty: World) -> None:
    assert OPERATIONS.name in sixty.domains
