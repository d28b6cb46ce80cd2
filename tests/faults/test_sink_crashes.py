"""A sink that is killed, and calls whose answers are lost: no twin, none missing, nothing twice."""

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.alarms import RESTARTED, alarm, rings
from tests.faults.history import Happening, town_of
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import after, at_turn, before, die
from tests.faults.target import assert_same
from tests.modes import in_both_modes

WRITE = "sinks.writer.Writer.write"
POST = "clients.splynx.SplynxClient.post"


def creates_a_customer(_: Any, path: str, *__: Any, **___: Any) -> bool:
    """Whether a POST is one of a customer."""
    return path == "admin/customers/customer"


@pytest.mark.fault(5)
@rings(RESTARTED)
@seeds(30, guards={"the checkpoint in the ledger": 1})
@in_both_modes
async def test_a_sink_killed_between_its_commit_and_the_offsets_changes_nothing_again(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await sink_site.after_nothing(seed)
    after(monkeypatch, WRITE, at_turn(1 + seed % 4, die))
    await sink_site.run_through()
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(6)
@rings(RESTARTED)
@seeds(30, guards={"intents are healed by a search": 1})
@in_both_modes
async def test_a_sink_killed_between_a_post_and_its_answer_makes_no_twin(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await sink_site.after_nothing(seed)
    step = before if seed % 5 == 0 else after  # each fifth: killed before anything was sent
    step(monkeypatch, POST, at_turn(1 + seed % 4, die), creates_a_customer)
    await sink_site.run_through()
    assert_same(sink_site.picture(), expected)
    assert sink_site.rows("SELECT COUNT(*) AS n FROM {ledger}.intents WHERE state = 'open'")[0]["n"] == 0
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(38)
@rings(heals="the row is found within the settle time")
@seeds(30, guards={"a lost call is waited for until it is settled": 1})
@in_both_modes
async def test_a_post_that_is_still_executed_when_the_search_runs_makes_no_twin(sink_site: SinkSite, seed: int) -> None:
    expected = await sink_site.after_nothing(seed)
    late = {"kind": "delay_before", "method": "POST", "path": "customers/customer$", "seconds": 1.7 + seed % 5 / 10}
    sink_site.control("POST", "faults", late)
    lost = alarm("crossfade_splynx_requests_total", method="POST", outcome="lost")
    await sink_site.run()
    assert alarm("crossfade_splynx_requests_total", method="POST", outcome="lost") == lost + 1
    (calls,) = sink_site.rows(
        "SELECT COUNT(*) AS n FROM {ledger}.intents WHERE entity = 'customer' AND method = 'POST'"
    )
    assert calls["n"] == len(expected["customers"])  # found again, not made again
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


WHILE_IT_PAYS = ("sinks.entries.Entries.keep", "sinks.beside.Beside._put_back")
"""Splynx has made the customer active; the ledger does not have the payment yet, or has it."""


def is_of_a_payment(*args: Any, **_: Any) -> bool:
    """Of a call of `Entries.keep`: whether it is one of a payment. Of everything else: yes."""
    steps = [one for one in args if hasattr(one, "target")]
    return all(one.target.entity == "payment" for one in steps)


def as_blocked(one: Happening) -> Happening:
    """The same, of a customer that the rules call blocked."""
    records = dict(one.bundle.records)
    if records.get("customer"):
        records["customer"] = [each.model_copy(update={"status": "blocked"}) for each in records["customer"] or ()]
    return replace(one, bundle=replace(one.bundle, records=records))


@pytest.mark.fault(6)
@rings(RESTARTED)
@seeds(30, guards={"who was blocked is blocked again": 1, "a promise of a dead process is kept": 1})
async def test_a_sink_killed_while_blocked_customers_pay_over_rest_leaves_them_blocked(
    impatient: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Splynx takes whoever pays for active; Sonar says who is. Without database access, where money goes over REST."""
    town = town_of(seed, events=4)
    impatient.play([as_blocked(one) for one in town.told])
    without = impatient.settings.splynx.model_copy(update={"db": None})
    monkeypatch.setattr(impatient, "settings", impatient.settings.model_copy(update={"splynx": without}))
    await impatient.run()
    statuses = "SELECT login, status FROM customers ORDER BY login"
    blocked = [{"login": f"sonar-{number}", "status": "blocked"} for number in sorted(town.accounts)]
    assert impatient.rows(statuses) == blocked
    told = len(town.told)
    for number in town.accounts:
        for _ in range(1 + seed % 2):
            town.payment(300 + len(town.payments), account_id=number, amount=1_000 + number)
    impatient.add(town.told[told:])
    before(monkeypatch, WHILE_IT_PAYS[seed % 2], at_turn(1 + seed % 3, die), is_of_a_payment)
    await impatient.run_through()
    assert impatient.rows(statuses) == blocked
    paid = impatient.rows("SELECT amount FROM payments WHERE field_4 LIKE 'sonar:Payment:3%'")
    made = [one["amount"] for number, one in town.payments.items() if number >= 300]
    assert sorted(row["amount"] * 100 for row in paid) == sorted(made)
    assert impatient.rows("SELECT COUNT(*) AS n FROM {ledger}.intents WHERE state = 'open'")[0]["n"] == 0
    await impatient.assert_each_offset_has_one_outcome()
