"""Capture as a whole: a Sonar sandbox over HTTP, real Kafka and registry."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clients.sonar_purpose import PURPOSES
from console.collections import capture_of
from console.parts import Awaiting
from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.errors import ConfigurationError, DependencyRefused, SyncError
from producers import ending
from producers.brake import CODE, LEAST
from producers.capture import run_capture
from producers.cursors import read_cursors
from producers.drift import SCHEMA_EVENT
from producers.ids import Ids
from producers.lease import LeaseHeld
from producers.needs import SchemaUnfit
from producers.orders import Order
from schemas.catalogue import aggregate
from schemas.watermark import Watermark
from tests.integration.capture.conftest import TYPES, Site, assert_topics_equal_sonar, plain, wait_until


def test_a_snapshot_puts_all_of_sonar_on_the_topics_and_says_so(make_site: Callable[..., Site]) -> None:
    site = make_site(accounts=40)
    summary = site.capture()
    assert summary.snapshot_complete
    assert_topics_equal_sonar(site)
    for read, total in summary.snapshot.values():
        assert read == total
    last = Watermark.model_validate_json(site.messages(site.topics.watermarks)[-1].value() or b"")
    assert last == summary.watermark
    assert last.snapshot_complete
    for name in TYPES:
        ends = last.offsets[site.topics.sonar(name)]
        assert sum(ends.values()) == len(site.messages(site.topics.sonar(name)))
        assert all(event.sequence < last.sequence for event in site.events(name))
    told = capture_of(read_cursors(site.settings.kafka, site.topics), utc_now())
    assert told is not None
    assert {one["state"] for one in told["collections"]} == {"fresh"}
    assert {one["entity"]: one["rows"] for one in told["collections"]} == {
        name: 1 if aggregate(name).root.singleton else len(site.folded(name)) for name in summary.events
    }
    assert sum(told["requests"].values()) == summary.requests
    assert set(told["requests"]) <= set(PURPOSES) - {"other"}


def test_a_second_run_reads_only_what_changed(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.capture()
    before = len(site.events("account"))
    site.change("update", "Account", id=1, columns={"name": "Renamed"})
    contact = site.change(
        "insert",
        "Contact",
        columns={"contactable_id": 2, "contactable_type": "Account", "name": "New one", "primary": False},
    )
    summary = site.capture()
    changed = site.events("account")[before:] if len(site.events("account")) > before else []
    assert len(changed) == len(site.events("account")) - before
    folded = site.folded("account")
    assert folded[1].after is not None
    assert folded[1].after["name"] == "Renamed"
    assert folded[2].after is not None
    assert contact in [one["id"] for one in folded[2].after["contacts"]]
    assert summary.events.get("account", {}).get("r") is None


def test_payments_that_are_deleted_become_deletes_in_their_accounts_partition(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.capture()
    (id, event) = next(iter(sorted(site.folded("payment").items())))
    site.change("delete", "Payment", id=id)
    site.capture()
    gone = [one for one in site.events("payment") if one.op == "d"]
    assert [(one.sonar_id, one.owner_id) for one in gone] == [(id, event.owner_id)]
    assert_topics_equal_sonar(site)


def test_a_wrong_token_ends_at_once_with_what_to_do(make_site: Callable[..., Site]) -> None:
    site = make_site(token="wrong")
    with pytest.raises(DependencyRefused) as refused:
        site.capture()
    assert "token" in refused.value.next_step
    assert site.events("account") == []


def test_what_lacks_a_required_field_stands_still_and_the_rest_is_read(make_site: Callable[..., Site]) -> None:
    site = make_site()
    site.control("schema", {"hide": ["Account.name"]})
    with pytest.raises(SchemaUnfit, match=r"lacks Account\.name"):
        site.capture()
    assert site.events("account") == []
    assert len(site.folded("payment")) == site.control("store/Payment")["count"]
    site.control("schema", method="DELETE")
    site.capture()
    assert_topics_equal_sonar(site)


async def test_while_one_captures_another_is_refused_and_its_signal_is_obeyed(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked to end, it does so though Sonar says nothing any more."""
    monkeypatch.setattr(ending, "GRACE_SECONDS", 0.1)
    site = make_site(accounts=5)
    stop = asyncio.Event()
    first = asyncio.create_task(run_capture(site.settings, stop=stop))
    try:
        await asyncio.to_thread(wait_until, lambda: len(site.messages(site.topics.watermarks)) > 2)
        with pytest.raises(LeaseHeld):
            await run_capture(site.settings, follow=False, patience_seconds=3)
        order = Order(("account",), Ids.parse("1-2,4,70"))
        before = len(site.events("account"))
        with closing(Awaiting(site.settings)) as awaiting:
            handed = await run_capture(site.settings, order=order, follow=False, patience_seconds=1)
            assert handed.signal_id == order.id
            told = await awaiting.done(order.id, stop)
        assert told is not None
        assert (told["rows"], told["missing"]) == ({"account": [3, 3]}, {"account": "70"})
        assert [one.op for one in site.events("account")[before:]] == ["r"] * 3
        site.control("faults", {"kind": "slow", "seconds": 600, "count": 1})
        await asyncio.to_thread(wait_until, lambda: site.control("faults") == [])
    finally:
        stop.set()
        summary = await asyncio.wait_for(first, 30)
    assert summary.snapshot_complete


def test_the_world_lives_on_and_the_topics_follow(make_site: Callable[..., Site]) -> None:
    site = make_site(accounts=30)
    site.capture()
    site.control("world", {"action": "step", "n": 60})
    site.capture()
    site.capture()
    assert_topics_equal_sonar(site)


@pytest.mark.fault(1)
@pytest.mark.fault(2)
def test_a_process_killed_in_the_middle_of_its_snapshot_resumes(make_site: Callable[..., Site], tmp_path: Path) -> None:
    site = make_site(accounts=60, page_size=10, concurrency=2)
    site.control("faults", {"kind": "slow", "seconds": 0.3, "match": "payments", "count": None})
    config = tmp_path / "settings.json"
    config.write_text(json.dumps(plain(site)))
    program = (
        "import asyncio, sys; from pathlib import Path; from plumbing.settings import load_settings; "
        "from producers.capture import run_capture; "
        "asyncio.run(run_capture(load_settings(Path(sys.argv[1])), follow=False))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(config)], start_new_session=True)
    try:
        wait_until(lambda: len(site.messages(site.topics.sonar("payment"))) > 10)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    read = len(site.messages(site.topics.sonar("payment")))
    total = site.control("store/Payment")["count"]
    assert read < total
    site.control("faults", method="DELETE")
    site.capture(patience_seconds=60)
    assert_topics_equal_sonar(site)
    # At most one page of each range was read again: there are twice as many ranges as requests at a time.
    assert len(site.events("payment")) <= total + 2 * site.settings.sonar.concurrency * 10


def test_an_error_of_capture_names_a_next_step() -> None:
    for kind in (SchemaUnfit, LeaseHeld):
        assert issubclass(kind, SyncError)
        assert kind.remedy


@pytest.mark.fault(14)
async def test_a_schema_that_changes_under_a_running_capture_is_read_anew_and_it_goes_on(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(accounts=5)
    await asyncio.to_thread(site.capture)
    stop = asyncio.Event()
    capture = asyncio.create_task(run_capture(site.settings, stop=stop))
    before = len(site.messages(site.topics.watermarks))

    def shown(name: str) -> Any:
        return (site.folded("account")[1].after or {})["name"] == name

    try:
        await asyncio.to_thread(wait_until, lambda: len(site.messages(site.topics.watermarks)) > before)
        await asyncio.to_thread(site.control, "schema", {"hide": ["Account.contacts", "Payment.amount"]})
        await asyncio.to_thread(site.change, "update", "Account", id=1, columns={"name": "Renamed"})
        await asyncio.to_thread(wait_until, lambda: shown("Renamed"))
        assert (site.folded("account")[1].after or {})["contacts"] is None
        await asyncio.to_thread(site.control, "schema", method="DELETE")
    finally:
        stop.set()
        await capture
    records = [json.loads(one.value() or b"") for one in site.messages(site.topics.notifications)]
    told = {one["name"]: one["effect"] for one in records if one["type"] == SCHEMA_EVENT}
    assert told == {"Account.contacts": "null", "Payment.amount": "halt"}
    await asyncio.to_thread(site.capture)  # what was null is read again, what stood still goes on
    assert (site.folded("account")[1].after or {})["contacts"]
    await asyncio.to_thread(assert_topics_equal_sonar, site)


async def test_deletes_that_are_held_are_accepted_through_the_running_capture(make_site: Callable[..., Site]) -> None:
    site = make_site(accounts=10, delete_share=0.01)
    stop = asyncio.Event()
    first = asyncio.create_task(run_capture(site.settings, stop=stop))
    try:
        await asyncio.to_thread(wait_until, lambda: _says_complete(site))
        doomed = sorted(site.folded("payment"))[: LEAST + 5]
        for id in doomed:
            site.change("delete", "Payment", id=id)
        await asyncio.to_thread(wait_until, lambda: metrics.STAGE_PAUSED.labels("capture", CODE)._value.get() == 1)
        assert set(doomed) <= site.folded("payment").keys()
        handed = await run_capture(site.settings, accept_deletes=["payments"], patience_seconds=1)
        assert handed.signal_id is not None
        await asyncio.to_thread(wait_until, lambda: not set(doomed) & site.folded("payment").keys())
        (record,) = [json.loads(one.value() or b"") for one in site.messages(site.topics.notifications)]
        assert (record["collection"], record["missing"]) == ("payments", LEAST + 5)
    finally:
        stop.set()
        await first


def _says_complete(site: Site) -> bool:
    newest = site.messages(site.topics.watermarks)[-1:]
    return bool(newest) and Watermark.model_validate_json(newest[0].value() or b"").snapshot_complete


async def test_deletes_of_what_is_not_followed_cannot_be_accepted(make_site: Callable[..., Site]) -> None:
    site = make_site(accounts=1)
    with pytest.raises(ConfigurationError, match="no collection called unicorns is followed"):
        await run_capture(site.settings, accept_deletes=["unicorns"])
