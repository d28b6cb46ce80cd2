"""Real processes killed with SIGKILL at a marker that they write on reaching a step, and started again."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.alarms import RESTARTED, rings
from tests.faults.edits import of_somebody, signed_up, twice_changed
from tests.faults.history import Happening, history
from tests.faults.processes import Processes
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.target import Picture, assert_same
from tests.integration.capture.conftest import Site, assert_topics_equal_sonar
from tests.integration.processors.conftest import MAPPED, RULES, bundles, by_origin, caught_up, committed
from tests.prepared import Prepared


@pytest.mark.fault(5)
@rings(RESTARTED)
@seeds(3, guards={"the checkpoint in the ledger": 1})
async def test_a_sink_process_killed_between_its_commit_and_the_offsets_changes_nothing_again(
    sink_site: SinkSite, seed: int, processes: Processes
) -> None:
    expected = await sink_site.after_nothing(seed)
    processes.start("sink", sink_site.settings, step="sinks.writer.Writer.write", turn=1 + seed)
    processes.kill_at_the_step()
    processes.start("sink", sink_site.settings)
    processes.wait(sink_site.is_caught_up)
    processes.kill()
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(6)
@rings(RESTARTED)
@seeds(3, guards={"intents are healed by a search": 1})
async def test_a_sink_process_killed_between_a_post_and_its_answer_makes_no_twin(
    sink_site: SinkSite, seed: int, processes: Processes
) -> None:
    expected = await sink_site.after_nothing(seed)
    processes.start("sink", sink_site.settings, step="clients.splynx.SplynxClient.post", turn=seed)
    processes.kill_at_the_step()
    processes.start("sink", sink_site.settings)
    processes.wait(sink_site.is_caught_up)
    processes.kill()
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


_FENCED = ("sinks.errors.Fenced", "sink.waits", "sink.asked_back")
"""What it says when it goes on: it is fenced; or its transaction was taken from it, or its call is past its deadline;
or it hears first that its partitions went. Then it finds its batch done, and goes on as a member like any other."""
NEW = 50
"""An account that signs up late."""


def keeps_its_locks(site: SinkSite) -> bool:
    """Whether the database lets a transaction of the sink's user stand still: twice as long as it is told to."""
    db = site.settings.ledger_db
    return bool(
        site.rows(
            "SELECT 1 FROM information_schema.innodb_trx t JOIN information_schema.processlist p"
            f" ON p.id = t.trx_mysql_thread_id WHERE p.user = '{db.user}' AND p.command = 'Sleep'"
            f" AND p.time > {2 * db.timeout_seconds}"
        )
    )


StoodStill = Callable[..., None]


@pytest.fixture
def stood_still(sink_site: SinkSite, processes: Processes, unpatched: Prepared, tmp_path: Path) -> StoodStill:
    """Stops a sink at a step, lets another one do all there is, and the first one go on."""

    def stand(step: str, when: str, turn: int, batch: int) -> None:
        sink = sink_site.settings.sink.model_copy(update={"batch": batch})
        settings = sink_site.settings.model_copy(update={"sink": sink})
        processes.start("sink", settings, step=step, when=when, turn=turn)
        processes.stop_at_the_step()
        (tmp_path / "successor").mkdir()
        successor = Processes(tmp_path / "successor", unpatched)
        try:
            successor.start("sink", sink_site.settings)
            successor.wait(lambda: sink_site.is_caught_up() or keeps_its_locks(sink_site))
            assert not keeps_its_locks(sink_site)
            processes.go_on()
            processes.wait_until_it_says(*_FENCED)
        finally:
            successor.kill()

    return stand


@pytest.mark.fault(8)
@pytest.mark.fault(30)
@rings(heals="another one goes on")
@seeds(3, guards={"a transaction that stands still is ended": 1})
async def test_a_sink_process_that_stood_still_in_its_transaction_holds_nobody_up_and_cannot_commit(
    sink_site: SinkSite, seed: int, stood_still: StoodStill
) -> None:
    expected = await sink_site.after_nothing(seed)
    stood_still("sinks.store.Ledger.put_aggregates", "before", turn=1 + seed, batch=sink_site.settings.sink.batch)
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


async def after_nothing_and(site: SinkSite, seed: int, later: list[Happening]) -> Picture:
    """Splynx after a history and what came later, to which nothing happens.

    Leaves the history in Splynx again, and what comes later on the topics.
    """
    site.play(history(seed))
    await site.run()
    site.add(later)
    await site.run()
    expected = site.picture()
    site.play(history(seed))
    await site.run()
    site.add(later)
    return expected


@pytest.mark.fault(8)
@pytest.mark.fault(30)
@rings(heals="another one goes on")
@seeds(3, guards={"a call is not sent after its deadline": 1})
async def test_a_sink_process_that_stood_still_before_a_change_was_sent_does_not_send_it(
    sink_site: SinkSite, seed: int, stood_still: StoodStill
) -> None:
    """It would put an older value over the one that the successor has written since."""
    expected = await after_nothing_and(sink_site, seed, twice_changed(of_somebody(seed)))
    stood_still("clients.splynx.SplynxClient.put", "before", turn=1, batch=1)
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(8)
@pytest.mark.fault(30)
@rings(heals="another one goes on")
@seeds(3, guards={"the fence": 1})
async def test_a_sink_process_that_stood_still_behind_the_answer_to_its_call_cannot_commit(
    sink_site: SinkSite, seed: int, stood_still: StoodStill
) -> None:
    """It would enter as written what the successor has changed since."""
    expected = await after_nothing_and(sink_site, seed, twice_changed(signed_up(seed, NEW)))
    stood_still("clients.splynx.SplynxClient.post", "after", turn=1, batch=1)
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


def captured_through_a_kill(site: Site, processes: Processes, when: str, turn: int) -> None:
    """Kill capture before or after the broker has a page, start it again, and prove the topics."""
    processes.start("capture", site.settings, step="producers.publisher.Publisher.commit", when=when, turn=turn)
    processes.kill_at_the_step()
    processes.start("capture", site.settings)
    assert processes.wait_for_the_end() == 0
    assert_topics_equal_sonar(site)
    rows = sum(site.control(f"store/{name}")["count"] for name in ("Account", "Payment"))
    assert len(site.events("account")) + len(site.events("payment")) <= rows + 2 * site.settings.sonar.concurrency * 10


@pytest.mark.fault(1)
@seeds(3, guards={})
def test_a_capture_process_killed_in_a_page_resumes(
    make_site: Callable[..., Site], processes: Processes, seed: int
) -> None:
    captured_through_a_kill(make_site(accounts=25, page_size=10, concurrency=2), processes, "before", 2 + 2 * seed)


@pytest.mark.fault(2)
@seeds(3, guards={})
def test_a_capture_process_killed_between_acknowledgement_and_cursor_resumes(
    make_site: Callable[..., Site], processes: Processes, seed: int
) -> None:
    captured_through_a_kill(make_site(accounts=25, page_size=10, concurrency=2), processes, "after", 2 + 2 * seed)


def processed_through_a_kill(
    site: Site, processes: Processes, step: str, when: str, turn: int, producer: Mapping[str, Any] | None = None
) -> None:
    """Kill a worker at a step, start it again, and prove that each event has its bundle."""
    shutil.copy(RULES, site.settings.rules)
    site.capture()
    processes.start("process", site.settings, step=step, when=when, turn=turn, producer=producer)
    processes.kill_at_the_step()
    assert_each_event_has_its_bundle(site, processes)


def assert_each_event_has_its_bundle(site: Site, processes: Processes) -> None:
    """Start the worker again, and let it do what is left."""
    processes.start("process", site.settings)
    processes.wait(lambda: caught_up(site))
    processes.kill()
    for name in MAPPED:
        events = {(one.partition(), one.offset()) for one in site.messages(site.topics.sonar(name))}
        assert set(by_origin(site, name)) == events


@pytest.mark.fault(4)
@rings(RESTARTED)
@seeds(3, guards={"an event is done when it was seen through": 1})
def test_a_worker_killed_with_one_event_in_flight_loses_none(
    make_site: Callable[..., Site], processes: Processes, seed: int
) -> None:
    """Killed behind a commit of what is done, which others go on to be while one event is still being mapped."""
    site = make_site(accounts=15)
    shutil.copy(RULES, site.settings.rules)
    site.capture()

    def done() -> int:
        return sum(offset for name in MAPPED for offset in committed(site, name).values())

    processes.start("process", site.settings, step="processors.ahead.Ahead.result", when="within", turn=5 * seed)
    processes.reach_the_step()
    before = done()
    processes.wait(lambda: done() > before)
    processes.kill_at_the_step()
    assert_each_event_has_its_bundle(site, processes)


@pytest.mark.fault(4)
@rings(RESTARTED)
@seeds(3, guards={"what was handed over is acknowledged before the commit": 2})
def test_a_worker_killed_with_many_unacknowledged_commits_none_of_them(
    make_site: Callable[..., Site], processes: Processes, seed: int
) -> None:
    """Killed before it waits for them, or on even seeds behind a commit; by itself the client sends nothing so soon."""
    kill = ("faust.transport.consumer.Consumer._commit_offsets", "after")
    if seed % 2:
        kill = ("processors.guard.Guard.flush", "before")
    processed_through_a_kill(make_site(accounts=10 + 5 * seed), processes, *kill, 1, {"linger.ms": 60_000})


@pytest.mark.fault(8)
@pytest.mark.fault(30)
@rings(heals="another one goes on")
@seeds(3, guards={})
def test_a_worker_that_stood_still_while_another_took_over_moves_nothing_back(
    make_site: Callable[..., Site], processes: Processes, unpatched: Prepared, tmp_path: Path, seed: int
) -> None:
    """It stands still before an event, or before it waits for the broker's acknowledgements, by turns.

    No guard of ours is shown: Kafka itself refuses a commit of a member that it has given up.
    """
    site = make_site(accounts=15)
    shutil.copy(RULES, site.settings.rules)
    site.capture()
    step, turn = ("processors.guard.Guard.flush", 1) if seed % 2 else ("processors.guard.Guard.process", 10 * seed)
    processes.start("process", site.settings, step=step, when="before", turn=turn)
    processes.stop_at_the_step()
    (tmp_path / "successor").mkdir()
    successor = Processes(tmp_path / "successor", unpatched)
    try:
        successor.start("process", site.settings)
        successor.wait(lambda: caught_up(site))
        processes.go_on()
        processes.wait_until_it_says("OffsetCommit failed", "was not recognized", "session expired")
        assert caught_up(site)  # it has moved nothing back
        site.change("update", "Account", id=1, columns={"name": "Renamed"})
        site.capture()
        successor.wait(lambda: caught_up(site))
    finally:
        successor.kill()
    for name in MAPPED:
        events = {(one.partition(), one.offset()) for one in site.messages(site.topics.sonar(name))}
        made = {(one.origin.partition, one.origin.offset, one.hash) for one in bundles(site, name)}
        # What it published late is there twice, and says the same.
        assert sorted(place for *place, _ in made) == sorted([*one] for one in events)
