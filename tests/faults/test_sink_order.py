"""What comes twice, late, or before what it refers to: the same Splynx in the end."""

import pytest

from tests.faults.history import history, shuffled
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite, alarm
from tests.faults.target import Row, assert_same


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
@seeds(30, guards={"what is settled is not written again": 1})
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
@seeds(30, guards={"the highest sequence wins": 1, "the arrival of a parent wakes its children": 1})
async def test_any_order_of_events_leads_to_the_same_splynx(sink_site: SinkSite, seed: int) -> None:
    expected = await sink_site.after_nothing(seed)
    sink_site.play(shuffled(history(seed), seed))
    await sink_site.run()
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()
