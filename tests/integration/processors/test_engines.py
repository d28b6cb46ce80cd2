"""Both engines make the same bundles of the same events, lose none when killed, and set poison aside."""

import json
import random
import signal

import pytest

from processors.batch import process_batch
from tests.integration.capture.conftest import Site
from tests.integration.processors.conftest import (
    MAPPED,
    Worker,
    bundles,
    by_origin,
    caught_up,
    dead,
    events,
    poison,
    rewind,
)


def test_each_event_becomes_one_bundle_in_its_own_partition(site: Site) -> None:
    process_batch(site.settings, until_end=True)
    for name in MAPPED:
        assert set(by_origin(site, name)) == events(site, name)
        for message in site.messages(site.topics.splynx(name)):
            assert message.key() is not None
    assert dead(site) == set()


def test_the_live_engine_makes_the_bundles_of_the_batch_engine(site: Site, worker: Worker) -> None:
    summary = process_batch(site.settings, until_end=True)
    batch = {name: by_origin(site, name) for name in MAPPED}
    rewind(site)
    worker.start()
    worker.wait(lambda: caught_up(site))
    assert worker.end(signal.SIGTERM) == 0
    # All that is on stdout, at the end: what was done.
    printed = json.loads(worker.out.read_text())
    assert printed == {"version": 1, "produced": dict(summary.produced), "dead_lettered": {}}
    for name in MAPPED:
        found = [(one.origin.partition, one.origin.offset) for one in bundles(site, name)]
        assert len(found) == 2 * len(batch[name])
        assert by_origin(site, name) == batch[name]


@pytest.mark.fault("4")
def test_a_killed_worker_loses_nothing_that_it_committed(site: Site, worker: Worker) -> None:
    worker.start()
    worker.wait(lambda: any(site.messages(site.topics.splynx("account"))))
    worker.end(signal.SIGKILL)
    worker.start()
    worker.wait(lambda: caught_up(site))
    worker.end(signal.SIGKILL)
    for name in MAPPED:
        assert set(by_origin(site, name)) == events(site, name)


@pytest.mark.fault("13")
def test_poison_is_set_aside_and_the_others_flow(site: Site, worker: Worker) -> None:
    # What is fetched at once is far less than a message may have, and this one cannot be packed.
    large = b"\x09" + random.Random(1).randbytes(7_900_000)
    placed = poison(site, [None, b"", b"\x09\x00\x00\x00\x01xyz", large, b"\x00\x7f\xff\xff\xff\x02"])
    worker.start()
    worker.wait(lambda: caught_up(site))
    assert worker.end(signal.SIGTERM) == 0
    assert dead(site) == set(placed)
    good = events(site, "payment") - {(0, offset) for _, _, offset in placed}
    assert set(by_origin(site, "payment")) == good
