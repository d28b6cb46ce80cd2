"""A sink that is killed, and calls whose answers are lost: no twin, none missing, nothing twice."""

from typing import Any

import pytest

from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite, alarm
from tests.faults.steps import after, at_turn, before, die
from tests.faults.target import assert_same

WRITE = "sinks.writer.Writer.write"
POST = "clients.splynx.SplynxClient.post"


def creates_a_customer(_: Any, path: str, *__: Any, **___: Any) -> bool:
    """Whether a POST is one of a customer."""
    return path == "admin/customers/customer"


@pytest.mark.fault(5)
@seeds(30, guards={"the checkpoint in the ledger": 1})
async def test_a_sink_killed_between_its_commit_and_the_offsets_changes_nothing_again(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await sink_site.after_nothing(seed)
    after(monkeypatch, WRITE, at_turn(1 + seed % 4, die))
    await sink_site.run_through()
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(6)
@seeds(30, guards={"intents are healed by a search": 1})
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
@seeds(30, guards={"a lost call is waited for until it is settled": 1})
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
