"""A Splynx that people change, that is the wrong one, or that mistaken rules would empty: told, asked, never silent."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from clients.mysql import Database
from plumbing.errors import SyncError
from reconciliation.database_rows import DatabaseRows
from reconciliation.target import SplynxFacts
from sinks.errors import BrakeApplied
from tests.builders import RULES
from tests.faults.alarms import ENDS, alarm, conflicts, dead_letters, rings
from tests.faults.edits import everybody_changed, made_by_hand, random_edits, renamed, signed_up
from tests.faults.history import emptied, history
from tests.faults.owners import owners
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.target import assert_same
from tests.modes import in_both_modes

LOGINS = "SELECT id, login FROM customers"
SEEDS, EDITS = 30, 36
"""Of people's edits, and how many each seed has."""


NEW = 50
"""An account that signs up late."""


async def twins(site: SinkSite) -> list[tuple[str, str | None]]:
    """Of which of our customers a reconciliation says that there is another one, and where."""
    assert site.settings.splynx.db is not None
    async with Database(site.settings.splynx.db) as splynx, Database(site.settings.ledger_db) as ledger:
        looked = [found async for _, _, found in SplynxFacts(DatabaseRows(splynx), ledger, RULES.exponent).customers()]
    return [(one.key, one.actual) for found in looked for one in found if one.check == "twin"]


@pytest.mark.fault(27)
@rings(conflicts(entity="customer"), dead_letters())
@seeds(
    30,
    guards={
        "edits are looked for before a record is changed": 1,
        "what somebody made is not taken for ours": 1,
        "twins are looked for": 1,
    },
)
async def test_what_somebody_edits_in_splynx_is_held_and_told(sink_site: SinkSite, seed: int) -> None:
    """The same field, another field, a deleted row, and customers made there: with a log-in of one of ours, and with
    that of one who comes later.
    """
    await sink_site.after_nothing(seed)
    await sink_site.run()
    later = renamed(seed)
    mine = sink_site.rows(f"SELECT id FROM customers WHERE login = 'sonar-{later[0].sonar_id}'")[0]["id"]
    gone = sink_site.rows(f"SELECT id FROM customers WHERE login = 'sonar-{later[1].sonar_id}'")[0]["id"]
    sink_site.change("UPDATE customers SET city = 'By hand', gdpr_agreed = 'accept' WHERE id = %s", mine)
    sink_site.change("UPDATE customers SET deleted = '1' WHERE id = %s", gone)
    twin = made_by_hand(sink_site, f"sonar-{later[0].sonar_id}", like=mine)
    first = made_by_hand(sink_site, f"sonar-{NEW}", like=mine)
    by_hand = (
        "SELECT c.*, v.name, v.value FROM customers c LEFT JOIN customers_values v ON v.id = c.id"
        f" WHERE c.id IN ({twin}, {first}) ORDER BY c.id"
    )
    before = sink_site.rows(by_hand)
    sink_site.add([*later, signed_up(seed, NEW)])
    await sink_site.run()
    assert sink_site.rows(by_hand) == before
    assert await twins(sink_site) == [(str(later[0].sonar_id), f"splynx:{twin}")]
    conflicts = sink_site.rows("SELECT target_id, field, state, target FROM {ledger}.conflicts")
    assert conflicts == [{"target_id": mine, "field": "city", "state": "open", "target": '"By hand"'}]
    (row,) = sink_site.rows(f"SELECT city, gdpr_agreed FROM customers WHERE id = {mine}")
    assert row == {"city": "By hand", "gdpr_agreed": "accept"}  # held; and not ours: left alone
    (status,) = sink_site.rows(f"SELECT value FROM customers_values WHERE id = {mine} AND name = 'sonar_status'")
    assert status["value"] == f"Later {seed}"  # the rest of the record is written
    held = sink_site.rows("SELECT record_key, state FROM {ledger}.held WHERE entity = 'customer' ORDER BY record_key")
    assert held == [{"record_key": str(one), "state": "dead"} for one in (later[1].sonar_id, NEW)]
    assert sink_site.rows(f"SELECT deleted FROM customers WHERE id = {gone}")[0]["deleted"] == "1"
    assert alarm("crossfade_conflicts", entity="customer") == 1
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(27)
@rings(conflicts())
@seeds(
    SEEDS,
    guards={
        "edits are looked for before a record is changed": 1,
        "edits are looked for in both rows of a payment": 1,
    },
)
@in_both_modes
async def test_of_random_edits_none_is_overwritten_in_silence(
    sink_site: SinkSite, seed: int, record_property: Callable[[str, object], None]
) -> None:
    """Each is still there, or the ledger has what was overwritten: over a thousand in all, each of them a real one."""
    await sink_site.after_nothing(seed)
    await sink_site.run()
    edits = random_edits(sink_site, seed, EDITS)
    made = sum(
        sink_site.change(f"UPDATE `{edit.table}` SET `{edit.column}` = %s WHERE {edit.where}", edit.value)
        for edit in edits
    )
    record_property("human edits", made)
    assert (made, SEEDS * made >= 1_000) == (EDITS, True)
    sink_site.add(everybody_changed(seed))
    await sink_site.run()
    told = {
        (row["entity"], row["target_id"], row["field"], json.loads(row["target"]))
        for row in sink_site.rows("SELECT entity, target_id, field, target FROM {ledger}.conflicts")
    }
    silent = []
    for edit in edits:
        (row,) = sink_site.rows(f"SELECT `{edit.column}` AS v FROM `{edit.table}` WHERE {edit.where}")
        kept = str(row["v"]) == edit.value
        if not kept and (edit.entity, edit.row, edit.field, edit.value) not in told:
            silent.append(edit)
    assert not silent
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(28)
@rings(dead_letters(seeds=lambda seed: seed % 3 == 0))
@seeds(30, guards={"who stands in another's way steps aside": 1})
async def test_logins_that_change_hands_between_customers_overwrite_nobody(sink_site: SinkSite, seed: int) -> None:
    """Swaps of two and circles of four, in one batch. On each third seed one of them keeps its own."""
    await sink_site.after_nothing(seed)
    await sink_site.run()
    chance = random.Random(seed)
    newest = {one.sonar_id: one for one in history(seed) if one.aggregate == "account"}
    rows = {int(row["login"].removeprefix("sonar-")): row["id"] for row in sink_site.rows(LOGINS)}
    numbers = chance.sample(sorted(newest), len(newest))
    size = 2 if seed % 2 else len(numbers)
    circles = [numbers[at : at + size] for at in range(0, len(numbers), size)]
    # Everybody wants the log-in of the next one of the circle.
    wanted = {one: ring[(at + 1) % len(ring)] for ring in circles for at, one in enumerate(ring)}
    stuck = set() if seed % 3 else set(circles[0])
    if stuck:
        del wanted[circles[0][-1]]  # it stays, so nobody behind it gets what it wants
    later = []
    for place, (number, other) in enumerate(wanted.items()):
        (customer,) = newest[number].bundle.records["customer"] or ()
        records = {
            **newest[number].bundle.records,
            "customer": [customer.model_copy(update={"login": f"sonar-{other}"})],
        }
        bundle = replace(newest[number].bundle, records=records)
        later.append(replace(newest[number], bundle=bundle, sequence=1000 + place))
    sink_site.add(later)
    async with owners(sink_site, chance) as made:
        owner = await made.new()
        owner.at_once = 50
        await owner.take()
        await owner.work(50)
    for number, row in rows.items():
        kept = number if number in stuck else wanted[number]
        assert sink_site.rows(f"SELECT login FROM customers WHERE id = {row}") == [{"login": f"sonar-{kept}"}]
    dead = {
        int(one["record_key"]) for one in sink_site.rows("SELECT record_key FROM {ledger}.held WHERE state = 'dead'")
    }
    assert dead == stuck & wanted.keys()  # told, not silent
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(41)
@rings(ENDS)
@seeds(30, guards={"the brake": 1})
async def test_mistaken_rules_that_empty_a_target_type_stop_the_sink(sink_site: SinkSite, seed: int) -> None:
    expected = await sink_site.after_nothing(seed)
    await sink_site.run()
    sink = sink_site.settings.sink.model_copy(update={"gone_at_least": 2, "batch": 50})
    careful = sink_site.settings.model_copy(update={"sink": sink})
    name = "payment" if seed % 2 and len(expected["payments"]) > 3 else "account"
    sink_site.add(emptied(history(seed), name))
    stopped = await sink_site.halted_by(BrakeApplied, careful)
    assert "would be" in str(stopped)
    assert stopped.next_step
    found = sink_site.picture()
    for table in ("customers", "payments", "billing_transactions", "customer_billing"):
        assert_same({table: found[table]}, {table: expected[table]})


def _another_database(site: SinkSite) -> Any:
    db = site.settings.splynx.db
    assert db is not None
    return db.model_copy(update={"name": site.splynx.ledger})


WRONG: dict[str, Callable[[SinkSite], dict[str, Any]]] = {
    "another database": lambda site: {"db": _another_database(site)},
    "Sonar's address": lambda site: {"url": site.settings.registry.url},
    "another key": lambda site: {"key": "0" * 32},
    "an address where nobody is": lambda site: {"url": "http://127.0.0.1:1"},
}
"""Mistakes of an operator in `splynx`, by name."""


@pytest.mark.fault(34)
@rings(ENDS)
@seeds(30, guards={"the mark in Splynx": 1, "rows that carry Sonar ids are adopted only when asked": 2})
async def test_a_mistake_in_the_settings_ends_before_a_row_is_written(sink_site: SinkSite, seed: int) -> None:
    """A wrong database, key or address; the ledger of another Splynx; a Splynx that another ledger has filled."""
    await sink_site.after_nothing(seed)
    names = [*WRONG, "the ledger of another Splynx", "a Splynx that is not empty"]
    mistake = {1: names[4], 2: names[5]}.get(seed, names[seed % len(names)])
    if mistake in WRONG:
        splynx = sink_site.settings.splynx.model_copy(update=WRONG[mistake](sink_site))
    else:
        await sink_site.run()
        splynx = sink_site.settings.splynx
        if mistake == names[4]:
            sink_site.change("DELETE FROM customers_fields WHERE name = 'crossfade_epoch'")
        else:
            sink_site.drop_ledger()
            sink_site.change("DELETE FROM customers_fields WHERE name = 'crossfade_epoch'")
    sink_site.forget()
    before = sink_site.everything()
    refused = await sink_site.halted_by(SyncError, sink_site.settings.model_copy(update={"splynx": splynx}))
    assert refused.next_step
    assert sink_site.everything() == before
