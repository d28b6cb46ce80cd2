"""What comes twice, late, or before what it refers to: the same Splynx in the end."""

import random
import weakref
from collections.abc import Sequence
from typing import Any

import pytest

from sinks.jobs import Delivery
from tests.faults.alarms import alarm, rings
from tests.faults.history import history, shuffled
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import resolved
from tests.faults.target import Row, assert_same
from tests.modes import in_both_modes


def changes(site: SinkSite) -> list[Row]:
    """Everything that only grows: rows, before-images, calls that write."""
    tables = ("customers", "payments", "billing_transactions", "customers_labels")
    ledger = ("journal", "intents", "conflicts", "crosswalk")
    counts = [f"(SELECT COUNT(*) FROM {name}) AS {name}" for name in tables]
    counts += [f"(SELECT COUNT(*) FROM {{ledger}}.{name}) AS {name}" for name in ledger]
    calls = {
        method: alarm("crossfade_splynx_requests_total", method=method, outcome="done") for method in ("POST", "PUT")
    }
    return [*site.rows(f"SELECT {', '.join(counts)}, (SELECT SUM(deposit) FROM customer_billing) AS money"), calls]


@pytest.mark.fault(11)
@rings(heals="nothing is written")
@seeds(30, guards={"what is settled is not written again": 1})
@in_both_modes
async def test_events_that_come_again_change_no_row(sink_site: SinkSite, seed: int) -> None:
    expected = await sink_site.after_nothing(seed)
    told = history(seed)
    await sink_site.run()
    before = changes(sink_site)
    again = {0: told[-1:], 1: told[5:12] * 3, 2: told}[seed % 3]  # one, a burst, a whole topic
    sink_site.add(again)
    await sink_site.run()
    after = changes(sink_site)
    after[1]["PUT"] -= 1  # the mark in Splynx is renewed at each start
    assert after == before
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(12)
@rings(heals="what waits is woken by what it waits for")
@seeds(30, guards={"the highest sequence wins": 1, "the arrival of a parent wakes its children": 1})
@in_both_modes
async def test_any_order_of_events_leads_to_the_same_splynx(sink_site: SinkSite, seed: int) -> None:
    expected = await sink_site.after_nothing(seed)
    sink_site.play(shuffled(history(seed), seed))
    await sink_site.run()
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(8)
@pytest.mark.fault(30)
@rings(heals="the newest is published again")
@seeds(30, guards={"the newest bundle is the last on its topic": 1})
async def test_what_a_processor_that_stood_still_says_too_late_is_not_what_compaction_keeps(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a batch with what is newer, or long after it. A sink that begins with what is left comes to the same."""
    monkeypatch.setattr("sinks.loop._REGRESSIONS_SECONDS", 0.0)
    told, chance = history(seed), random.Random(seed)
    newest = {(one.aggregate, one.sonar_id): one for one in told}
    sink_site.play(sorted(newest.values(), key=lambda one: one.sequence))
    await sink_site.run()
    expected = sink_site.picture()
    sink_site.play(told)
    if seed % 2:
        await sink_site.run()
    late = [one for one in told if newest[one.aggregate, one.sonar_id] is not one]
    sink_site.add(chance.sample(late, min(len(late), 1 + seed % 5)))
    assert {one.sequence for one in sink_site.after_compaction()} != {one.sequence for one in newest.values()}
    await sink_site.run()
    left = sink_site.after_compaction()
    assert {one.sequence for one in left} == {one.sequence for one in newest.values()}
    await sink_site.assert_each_offset_has_one_outcome()
    sink_site.play(left)
    await sink_site.run()
    assert_same(sink_site.picture(), expected)


@pytest.mark.fault(33)
@rings(heals="it is worked off")
@seeds(30, guards={"no more is taken from the topics than is written together": 1})
async def test_of_a_backlog_no_more_is_held_than_a_batch(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its length; what `make bench` weighs of whole processes with a backlog of a million is this."""
    expected = await sink_site.after_nothing(seed)
    told = history(seed)
    sink_site.play(told * (8 + seed % 5))
    take, held, most = resolved("sinks.intake.Intake.take"), 0, 0

    def let_go() -> None:
        nonlocal held
        held -= 1

    def taking(self: Any, messages: Sequence[Any]) -> list[Delivery]:
        nonlocal held, most
        taken: list[Delivery] = take(self, messages)
        for one in taken:
            weakref.finalize(one, let_go)
        held += len(taken)
        most = max(most, held)
        return taken

    monkeypatch.setattr("sinks.intake.Intake.take", taking)
    await sink_site.run()
    assert most <= 2 * sink_site.settings.sink.batch  # the batch before may not be let go yet
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()
