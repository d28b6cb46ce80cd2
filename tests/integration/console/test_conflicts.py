"""Edits made in Splynx are listed, decided one by one, many at once or by the rules, and decisions are taken back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from clients.splynx import SplynxClient
from clients.splynx_errors import RecordRefused, SplynxUnreachable
from console.conflicts import (
    ConflictSettled,
    ConflictUnknown,
    Filter,
    list_document,
    list_text,
    ownership_of,
    show_conflict,
    show_text,
)
from console.conflicts import read_conflicts as read
from console.conflicts_resolve import Resolved, run_resolve, text_of
from console.rollback import RolledBack, run_rollback
from console.shapes import members
from plumbing.errors import ExitCode
from sandbox import choices
from sandbox.local.sandboxes import SplynxSandbox
from sandbox.local.stack import Addresses
from sinks.rollback import Writes
from tests.conftest import MariaDbAccess
from tests.integration.sinks.pair import Pair, account, load, opened, payment
from tests.modes import in_both_modes

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def pair(
    splynx_sandbox: SplynxSandbox,
    mariadb: MariaDbAccess,
    stack: Addresses,
    instance: str,
    tmp_path: Path,
    by_sql: bool,
) -> AsyncIterator[Pair]:
    """Three customers with a payment each; name and phone of the first, a comment of its payment were edited since."""
    async with opened(splynx_sandbox, mariadb, stack, instance, tmp_path, by_sql=by_sql) as pair:
        load(pair)
        await pair.sink()
        pair.run("UPDATE customers SET name = 'By hand', phone = '555-7777' WHERE login = 's1'")
        pair.run("UPDATE customers SET phone = '555-8888' WHERE login = 's2'")
        pair.run("UPDATE payments SET comment = 'by hand' WHERE receipt_number = 'SP11'")
        pair.send("account", 1, account(1, name="Bea", phone="555-0111", city="Boston"), sequence=3, owner=1)
        pair.send("account", 2, account(2, city="Boston"), sequence=3, owner=2)
        (paid,) = payment(11, 1, 100)["payment"]
        pair.send("payment", 11, {"payment": [paid.model_copy(update={"memo": "seen"})]}, sequence=3, owner=1)
        await pair.sink()
        yield pair


async def ids(pair: Pair, **wanted: Any) -> dict[str, int]:
    """`{record and field: conflict}` of those that wait."""
    rows = await read(pair.settings, Filter(**wanted), closed=False)
    return {f"{row['entity']} {row['record_key']} {row['field']}": int(row["id"]) for row in rows}


async def resolve(pair: Pair, take: str, *, apply: bool = True, **wanted: Any) -> Resolved:
    found = await run_resolve(pair.settings, Filter(**wanted), take, by="ada", apply=apply, values=False)
    assert set(found.document()) | {"version"} == members("conflicts resolve") | {"version"}
    assert "By hand" not in text_of(found.document())
    return found


async def undo(pair: Pair, run: str | None) -> RolledBack:
    return await run_rollback(pair.settings, Writes(run), apply=True, values=False, tell=lambda *_: None)


def names(pair: Pair) -> list[str]:
    return [str(row["name"]) for row in pair.rows("SELECT name FROM customers ORDER BY login")]


async def test_a_decision_that_splynx_did_not_follow_is_told_and_can_be_repeated(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await ids(pair)
    name, phone = found["customer 1 name"], found["customer 1 phone"]

    async def refused(*args: object, **options: object) -> None:
        raise RecordRefused(("name",))

    with monkeypatch.context() as patched:
        patched.setattr(SplynxClient, "put", refused)
        taken = await resolve(pair, "source", ids=[name])
    assert (taken.exit_code, taken.counts) == (ExitCode.PARTLY, {"still waits": 1})
    assert "splynx.record_refused" in text_of(taken.document())
    assert "customer 1 name" in await ids(pair)

    # a call that never arrived
    fault = {"kind": "reset_before", "method": "PUT", "path": "customers/customer/"}
    assert httpx2.post(f"{pair.splynx.control}/faults", json=fault).status_code == 204
    with pytest.raises(SplynxUnreachable):
        await resolve(pair, "source", ids=[name])
    assert names(pair)[0] == "By hand"
    repeated = await resolve(pair, "source", ids=[name])
    assert (repeated.exit_code, names(pair)[0]) == (ExitCode.DONE, "Bea")

    # a value that Splynx keeps otherwise
    with monkeypatch.context() as patched:
        patched.setattr("sinks.rest_rows.differing", lambda sent, read: ["phone"])
        differs = await resolve(pair, "source", ids=[phone])
    assert (differs.exit_code, differs.counts) == (ExitCode.PARTLY, {"Sonar's value was sent": 1})
    assert "sink.read_back" in text_of(differs.document())


@in_both_modes
async def test_edits_are_listed_decided_and_undone(pair: Pair) -> None:
    found = await ids(pair)
    assert set(found) == {"customer 1 name", "customer 1 phone", "customer 2 phone", "payment 11 comment"}
    assert set(await ids(pair, account=2)) == {"customer 2 phone"}
    assert [row["city"] for row in pair.rows("SELECT city FROM customers ORDER BY login")][:2] == ["Boston"] * 2

    # listed: no value unasked
    rows, ownership = await read(pair.settings, Filter(), closed=True), ownership_of(pair.settings)
    hidden = list_document(rows, ownership, values=False)
    assert "By hand" not in str(hidden)
    assert "'By hand'" in list_text(list_document(rows, ownership, values=True))
    shown = await show_conflict(pair.settings, found["customer 1 name"], values=True)
    assert shown["conflict"]["values"] == {"base": "Anna Example", "source": "Bea", "target": "By hand"}
    assert shown["trace"] in show_text(shown)
    with pytest.raises(ConflictUnknown, match="999"):
        await read(pair.settings, Filter(ids=[999]), closed=True)

    # decided for Sonar, shown first
    (name, comment) = found["customer 1 name"], found["payment 11 comment"]
    foreseen = await resolve(pair, "source", apply=False, ids=[name, comment])
    assert (foreseen.exit_code, foreseen.counts) == (ExitCode.DONE, {"Sonar's value is written": 2})
    assert names(pair)[0] == "By hand"
    taken = await resolve(pair, "source", ids=[name, comment])
    assert (taken.exit_code, names(pair)[0]) == (ExitCode.DONE, "Bea")
    assert pair.rows("SELECT comment, memo FROM payments WHERE receipt_number = 'SP11'") == [
        {"comment": "", "memo": "seen"}
    ]
    settled = pair.rows(f"SELECT state, settled_by, settled_run FROM {{ledger}}.conflicts WHERE id = {name}")
    assert settled == [{"state": "taken", "settled_by": "ada", "settled_run": taken.run_id}]
    with pytest.raises(ConflictSettled, match=f"conflict {name} is taken already by ada"):
        await resolve(pair, "target", ids=[name, found["customer 2 phone"]])

    # decided for Splynx, all of a field
    kept = await resolve(pair, "target", entities=["customer"], fields=["phone"])
    assert kept.counts == {"Splynx's value stays": 2}
    assert await ids(pair) == {}

    # taken back: undecided again, and the next event does not win over either
    assert (await undo(pair, taken.run_id)).reopened == 2
    assert set(await ids(pair)) == {"customer 1 name", "payment 11 comment"}
    pair.send("account", 1, account(1, name="Bea", phone="555-0111", city="Bern"), sequence=4, owner=1)
    await pair.sink()
    (one, _, _) = pair.rows("SELECT name, phone, city FROM customers ORDER BY login")
    assert one == {"name": "By hand", "phone": "555-7777", "city": "Bern"}
    assert set(await ids(pair)) == {"customer 1 name", "payment 11 comment"}
    assert (await undo(pair, kept.run_id)).reopened == 2
    assert set(await ids(pair)) == set(found)

    # what was typed after it was looked at is not overwritten
    pair.run("UPDATE customers SET name = 'By hand again' WHERE login = 's1'")
    stale = await resolve(pair, "source", ids=[name])
    assert (stale.exit_code, names(pair)[0]) == (ExitCode.PARTLY, "By hand again")
    assert "another value since" in text_of(stale.document())
    await resolve(pair, "source", ids=[name])
    assert names(pair)[0] == "Bea"

    # as the rules say by now
    rules = choices.rules() | {"conflict": {"policy": "hold", "overrides": {"customer.phone": "overwrite"}}}
    pair.settings.rules.write_text(yaml.safe_dump(rules))
    by_rule = await resolve(pair, "rules")
    assert by_rule.exit_code is ExitCode.PARTLY  # the comment is held as before
    phones = [row["phone"] for row in pair.rows("SELECT phone FROM customers ORDER BY login")]
    assert phones[:2] == ["555-0111", "555-0100"]
    assert set(await ids(pair)) == {"payment 11 comment"}
