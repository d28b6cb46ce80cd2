"""A rollback goes through the journal in parts: each record once, dependants and newest first, what is new left out."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clients.mysql import Transaction
from console.rollback import SHOWN, RolledBack
from console.rollback import text_of as rollback_text
from plumbing.errors import ConfigurationError, ExitCode
from schemas.catalogue import TARGETS
from schemas.write_paths import BY_SQL
from sinks.plan import Known
from sinks.planned import Planned
from sinks.rollback import Rollback, Writes
from sinks.rollback_writes import RollbackWrites
from sinks.store import Ledger
from sinks.tables.crosswalk import Owned
from sinks.tables.journal import Chosen
from sinks.undo import UNDONE, WITHDRAWN, Undo, Way, left

NOON = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - as the ledger's columns keep an instant


class Journal:
    """Entries `(entity, key, run)`, with rising ids and a minute between them; a ledger and its database in one."""

    def __init__(self, *entries: tuple[str, str, str]) -> None:
        self.rows: list[dict[str, Any]] = []
        for entity, key, run in entries:
            self.add(entity, key, run)
        self.asked: list[int] = []
        self.settings = SimpleNamespace(pool_size=2)

    def add(self, entity: str, key: str, run: str) -> None:
        number = len(self.rows) + 1
        first = not any((row["entity"], row["record_key"]) == (entity, key) for row in self.rows)
        self.rows.append(
            {
                "id": number, "entity": entity, "record_key": key, "run_id": run, "batch": number // 3, "undoes": None,
                "action": "create" if first else "change", "before_image": None if first else "{}",
                "at": NOON + timedelta(minutes=number),
            }
        )  # fmt: skip

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        yield None

    async def require_current(self, tx: None) -> None:
        return None

    async def exists(self, tx: None) -> bool:
        return True

    async def chosen(self, tx: None, writes: Writes) -> Chosen:
        mine = [row for row in self.rows if writes.run_id in {None, row["run_id"]}]
        keys = {(row["entity"], row["record_key"]) for row in mine}
        records = {entity: sum(one == entity for one, _ in keys) for entity in {entity for entity, _ in keys}}
        return Chosen(writes, records, 1, max((row["id"] for row in mine), default=0))

    async def chosen_entries(self, tx: None, chosen: Chosen, entity: str, below: int, limit: int) -> Any:
        self.asked.append(limit)
        found = [row for row in reversed(self.rows) if row["entity"] == entity and row["id"] < below]
        return [(row["id"], row["record_key"]) for row in found if chosen.has(row)][:limit]

    async def entries_of(self, tx: None, keys: Iterable[tuple[str, str]]) -> dict[Any, list[dict[str, Any]]]:
        return {key: [row for row in self.rows if (row["entity"], row["record_key"]) == key] for key in keys}

    async def owned(self, tx: None, keys: Iterable[tuple[str, str]]) -> dict[Any, Owned]:
        return {key: Owned(Known(*key, 1, "", 1, "live", 0, {}), ("account", 1), 0, 1) for key in keys}


def rollback_of(journal: Journal, client: Any = None) -> Rollback:
    site: Any = SimpleNamespace(db=journal, ledger=journal, client=client)
    return Rollback(site, {}, money=True, ways=BY_SQL)


async def parts(journal: Journal, **which: Any) -> list[list[tuple[str, str]]]:
    rollback = rollback_of(journal)
    chosen = await rollback.chosen(Writes(**which))
    found = []
    async for part in rollback.parts(chosen):
        found.append([(one.target.entity, one.key) for one in part])
        journal.add("payment", part[0].key, "the undoing")  # is none of what is undone
    return found


async def test_each_record_comes_once_in_parts_of_one_kind_dependants_and_newest_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sinks.rollback._AT_ONCE", 2)
    journal = Journal(
        ("customer", "1", "a"), ("payment", "1", "a"), ("customer", "2", "a"), ("payment", "2", "a"),
        ("payment", "3", "a"), ("payment", "1", "a"), ("payment", "4", "b"), ("customer", "1", "b"),
    )  # fmt: skip
    assert await parts(journal, run_id="a") == [
        [("payment", "1"), ("payment", "3")],
        [("payment", "2")],
        [("customer", "2"), ("customer", "1")],
    ]
    assert set(journal.asked) == {2}


async def test_what_was_written_since_a_moment_is_chosen_by_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(("customer", "1", "a"), ("customer", "1", "b"), ("customer", "2", "b"))
    rollback = rollback_of(journal)
    chosen = await rollback.chosen(Writes(since=(NOON + timedelta(minutes=2)).replace(tzinfo=UTC)))
    (part,) = [part async for part in rollback.parts(chosen)]
    assert [(one.key, one.undo.way) for one in part] == [("2", Way.WITHDRAW), ("1", Way.RESTORE)]


async def test_one_batch_of_a_run_is_chosen_by_entry() -> None:
    journal = Journal(("customer", "1", "a"), ("customer", "2", "a"), ("customer", "1", "a"), ("customer", "3", "b"))
    rollback = rollback_of(journal)
    chosen = await rollback.chosen(Writes(run_id="a", batch=1))
    (part,) = [part async for part in rollback.parts(chosen)]
    assert [(one.key, one.undo.way) for one in part] == [("1", Way.RESTORE)]


async def _asked_for_while_handled(journal: Journal) -> list[int]:
    """How many pages had been asked for in the end of the handling of each part."""
    rollback, asked = rollback_of(journal), list[int]()
    async with aclosing(rollback.parts(await rollback.chosen(Writes(run_id="a")))) as found:
        async for _ in found:
            await asyncio.sleep(0)
            asked.append(len(journal.asked))
    return asked


@pytest.mark.parametrize(
    ("entity", "connections", "asked"),
    [
        pytest.param("payment", 2, [1, 3, 4], id="not while the first one takes the partitions"),
        pytest.param("payment", 1, [1, 2, 3], id="with one connection there is none to plan on"),
        pytest.param("customer", 2, [1, 2, 3], id="what goes over REST takes too long"),
    ],
)
async def test_payments_are_planned_while_those_before_are_written(
    monkeypatch: pytest.MonkeyPatch, entity: str, connections: int, asked: list[int]
) -> None:
    monkeypatch.setattr("sinks.rollback._AT_ONCE", 1)
    journal = Journal(*((entity, str(number), "a") for number in range(1, 4)))
    journal.settings.pool_size = connections
    assert await _asked_for_while_handled(journal) == asked


async def test_a_rollback_that_ends_early_leaves_nothing_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.rollback._AT_ONCE", 1)
    journal = Journal(*(("payment", str(number), "a") for number in range(1, 5)))
    rollback, handled = rollback_of(journal), 0
    async with aclosing(rollback.parts(await rollback.chosen(Writes(run_id="a")))) as found:
        async for _ in found:
            handled += 1
            if handled == 2:
                break
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Turns:
    """Handles records, and tells how many at once at most; the client's settings in one."""

    def __init__(self) -> None:
        self.settings, self.under_way, self.most = SimpleNamespace(concurrency=3), 0, 0

    async def one(self, planned: Planned) -> Planned:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return planned


@pytest.mark.parametrize("name", ["shown", "done"])
async def test_records_over_rest_are_handled_as_many_at_once_as_the_sink_has(name: str) -> None:
    turns, journal = Turns(), Journal(*(("customer", str(number), "a") for number in range(1, 8)))
    rollback = rollback_of(journal, client=turns)
    (part,) = [one async for one in rollback.parts(await rollback.chosen(Writes(run_id="a")))]
    # One owner each: none waits for another.
    part = [replace(one, owned=replace(one.owned, owner=("account", int(one.key)))) for one in part if one.owned]
    if name == "shown":
        vars(rollback)["look"] = turns.one
        handled = await rollback.look_at(part)
    else:
        writes = RollbackWrites.__new__(RollbackWrites)
        vars(writes).update(_client=turns, _one=turns.one)
        handled = await writes._over_rest(part)
    assert [one.key for one in handled] == [one.key for one in part]
    assert turns.most == 3


async def test_no_such_writes_is_one_message() -> None:
    with pytest.raises(ConfigurationError, match="no such writes") as caught:
        await rollback_of(Journal(("customer", "1", "a"))).chosen(Writes(run_id="another"))
    assert "trace" in caught.value.next_step


def planned(number: int, undo: Undo) -> Planned:
    return Planned(TARGETS["payment"], str(number), None, undo, ("a",), number)


def test_a_result_names_the_first_records_and_those_that_are_left_and_counts_all() -> None:
    result = RolledBack(applied=True, run_id="b", values=False)
    for number in range(SHOWN + 50):
        result.add(planned(number, Undo(Way.RESTORE)))
    result.add(planned(9001, left(f"{UNDONE} by run c")))
    result.add(planned(9002, left("edited in Splynx since: name")))
    document = result.document()
    assert (len(document["records"]), document["omitted"]) == (SHOWN + 1, 51)
    assert document["records"][-1]["why"] == "edited in Splynx since: name"
    assert document["counts"] == {"restore": SHOWN + 50, "withdraw": 0, "left": 2}
    assert result.exit_code is ExitCode.PARTLY


def test_a_result_names_what_is_written_on_creation_only_and_never_touched() -> None:
    """Of the entities that it is about: a password of customers, the tax of tariffs; payments have nothing such."""
    result = RolledBack(applied=False, run_id="b", values=False)
    for entity in ("payment", "customer", "internet_tariff", "customer"):
        result.add(replace(planned(1, Undo(Way.RESTORE)), target=TARGETS[entity]))
    document = result.document()
    assert document["excluded"] == {"customer": ["password"], "internet_tariff": ["tax_id"]}
    assert "Never touched in customer, for it is written once only: password" in rollback_text(document)


def test_what_is_as_it_was_before_the_writes_is_no_failure() -> None:
    """An undoing did it, or the run itself withdrew what it had made."""
    result = RolledBack(applied=True, run_id="b", values=False)
    result.add(planned(1, left(f"{UNDONE} by run c")))
    result.add(planned(2, left(WITHDRAWN)))
    assert (result.stuck, result.exit_code) == (0, ExitCode.DONE)


class Statements:
    """A transaction that finds rows by what is asked, and keeps the statements."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def fetch(self, sql: str, values: Any) -> list[dict[str, Any]]:
        self.asked.append(sql)
        if "JSON_EXTRACT" in sql:
            return [{"entity": entity, "record_key": str(n)} for entity in ("customer", "payment") for n in range(600)]
        if "GROUP BY" in sql:
            return [{"entity": values[0], "records": len(values) - 1, "oldest": len(values), "newest": 9}]
        return [{"id": 1000 - int(key), "record_key": key} for key in values[4:-1]]


async def test_what_is_an_accounts_is_looked_for_once_and_then_found_by_its_keys() -> None:
    """No index leads to it: each look goes through all documents and images."""
    ledger, tx = Ledger("ledger", "run"), Statements()
    chosen = await ledger.chosen(cast("Transaction", tx), Writes(account=7))
    assert (chosen.records, chosen.oldest, chosen.newest) == ({"customer": 600, "payment": 600}, 101, 9)
    searches = [sql for sql in tx.asked if "JSON_EXTRACT" in sql]
    assert len(searches) == 3
    tx.asked.clear()
    page = await ledger.chosen_entries(cast("Transaction", tx), chosen, "payment", 10, 500)
    assert page == [(1000 - n, str(n)) for n in range(500)]
    assert all("j.record_key IN (" in sql and "FORCE INDEX" not in sql for sql in tx.asked)
