"""A real broker that ends and comes again under a sink at work."""

import asyncio
from typing import Any

import pytest
from confluent_kafka import Consumer

from plumbing.errors import Action, SyncError
from plumbing.kafka import make_consumer, make_producer
from plumbing.settings import KafkaSettings
from sandbox.local.kafka import Kafka
from tests.faults.alarms import Alarm, rings
from tests.faults.conftest import start
from tests.faults.history import history
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import at_turn, before
from tests.faults.target import assert_same

AWAY_SECONDS = 12.0
"""Longer than the sink lets pass before it looks for what was woken, which it then does before it reads again."""
GIVEN_UP_MS = 2000
"""A dead letter waits for the broker without an end; on the seed where it is given up, for so long."""
SESSION_MS = 6000
"""The shortest that a broker takes: the sink's place in its group is lost while the broker is away."""


def easily_missed(kafka: KafkaSettings, group: str, **more: Any) -> Consumer:
    """A consumer that is out of its group sooner than usual."""
    return make_consumer(kafka, group, **{**more, "session.timeout.ms": SESSION_MS})


async def supervised(site: SinkSite) -> list[SyncError]:
    """Run the sink until it has everything, and start it again after each end, as a supervisor does; the ends."""
    ends: list[SyncError] = []
    while True:
        try:
            await site.run()
        except SyncError as error:
            ends.append(error)
            await asyncio.sleep(0.2)
        else:
            return ends


def errors(code: str, seed: int) -> Alarm:
    """Errors of the sink, with one seed: a restart in order is over before anybody would be rung."""
    labels = {"stage": "sink", "code": code}
    return Alarm("CrossfadeErrors", "crossfade_errors", labels, lambda one: one == seed)


@pytest.mark.fault(7)
@rings(errors("kafka.delivery_failed", 2), errors("kafka.not_acknowledged", 3))
@seeds(
    3,
    guards={
        "what the broker did not take is told": 2,
        "a letter stays told until what it is about is committed": 3,
    },
)
async def test_a_broker_that_ends_under_a_sink_and_comes_again_costs_nothing(
    site_of_own_broker: SinkSite, own_broker: Kafka, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restarted in order within a batch; killed as a dead letter is on its way, which is given up; or not given up.

    In the last case the batch is read again by a sink that has its partitions anew, and its letter is on its way still.

    The broker is away for longer than any of the sink's steps takes, and for ten minutes it would be the same: what the
    sink waits with, a letter's time and its own pauses, has no end, but where it is made short here.
    """
    site = site_of_own_broker
    expected = await site.after_nothing(seed)
    site.play([])
    told = history(seed)
    for place, one in enumerate(told):
        if place == len(told) // 2:
            site.raw(one.aggregate, one.owner, b"\x07not avro")
        site.add([one])
    if seed == 2:
        given_up = {"message.timeout.ms": GIVEN_UP_MS}
        monkeypatch.setattr("sinks.runner.make_producer", lambda kafka, **_: make_producer(kafka, **given_up))
    if seed == 3:
        monkeypatch.setattr("sinks.stream.make_consumer", easily_missed)
    at = "sinks.store.Ledger.put_outcomes" if seed == 1 else "sinks.letters.DeadLetters.add"
    letters = site.dead_letters()

    def strike() -> None:
        (own_broker.process.stop if seed == 1 else own_broker.process.kill)()
        back.append(asyncio.create_task(come_again()))

    async def come_again() -> None:
        await asyncio.sleep(0 if seed == 1 else AWAY_SECONDS)
        await asyncio.to_thread(start, own_broker)

    back: list[asyncio.Task[None]] = []
    before(monkeypatch, at, at_turn(1, strike))
    # A broker needs its time to come again, and clients to find it.
    monkeypatch.setattr("tests.faults.sink_site._PATIENCE", 2000)
    ends = await supervised(site)
    await asyncio.gather(*back)
    assert back
    assert {error.action for error in ends} <= {Action.RETRY}
    assert bool(ends) or seed != 2
    assert site.dead_letters() - letters == 1
    assert_same(site.picture(), expected)
    await site.assert_each_offset_has_one_outcome()
