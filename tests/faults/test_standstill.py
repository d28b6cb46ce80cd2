"""A partition that silently stops: noticed, said, and started again, while one that merely waits is left alone."""

import random
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, TopicPartition

from plumbing.standstill import Standstill
from processors.watchdog import EXIT_STUCK, Waits
from sinks.errors import Stuck
from tests.faults.alarms import RESTARTED, Starts, rings
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import resolved
from tests.faults.target import assert_same
from tests.unit.processors.test_watchdog import Clock, Ended, Group, a_watchdog

POLL = "sinks.stream.Stream.poll"
PATIENCE = 10
"""Seconds, of the watchdog that `a_watchdog` makes; it looks each five."""


@pytest.mark.fault(10)
@rings(RESTARTED)
@seeds(30, guards={"a partition that stands still is noticed": 1})
def test_a_worker_with_a_partition_that_stops_ends_and_one_that_is_slow_does_not(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three partitions that get messages and work them off as it comes; from a moment on one works none off."""
    chance, clock, waits, said = random.Random(seed), Clock(), Waits(), []

    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr("os._exit", end)
    monkeypatch.setattr("faulthandler.dump_traceback", lambda **_: said.append("tracebacks"))
    dog = a_watchdog(clock, waits)
    dog._standstill = Standstill(PATIENCE, clock)
    ends, done = dict.fromkeys(range(3), (0, 5)), dict.fromkeys(range(3), 0)
    stops, stopped = chance.randint(20, 60), chance.randrange(3)

    def live(turn: int) -> None:
        for one in ends:
            ends[one] = (0, ends[one][1] + chance.choice([0, 0, 1, 3]))
            # Slow, but never as long as patience lasts.
            moves = turn % 2 == 0 or chance.random() < 0.5
            if moves and not (turn >= stops and one == stopped):
                done[one] = min(ends[one][1], done[one] + chance.randint(1, 4))

    group, starts = cast(Consumer, Group(ends, done)), Starts("process")

    def work(turns: range) -> None:
        for turn in turns:
            live(turn)
            dog.look(group)
            clock.now += 5

    work(range(stops))
    ends[stopped] = (0, ends[stopped][1] + 9)
    with pytest.raises(Ended) as ended, starts.process():
        work(range(stops, stops + 5))
    assert ended.value.args == (EXIT_STUCK,)
    assert said == ["tracebacks"]
    with starts.process():  # the next one gets what lies there
        done[stopped] = ends[stopped][1]
        a_watchdog(clock, waits).look(group)


@pytest.mark.fault(10)
@rings(RESTARTED)
@seeds(30, guards={"a partition that stands still is noticed": 1})
async def test_a_sink_with_a_partition_that_gives_nothing_says_so_and_the_next_one_gets_it(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await sink_site.after_nothing(seed)
    poll, chance = resolved(POLL), random.Random(seed)
    silent: list[TopicPartition] = []

    async def polling(self: Any, consumer: Consumer) -> Any:
        if not silent:
            full = [one for one in consumer.assignment() if sink_site.ends.get((one.topic, one.partition))]
            silent.extend([chance.choice(sorted(full, key=lambda one: (one.topic, one.partition)))] if full else [])
        consumer.pause(silent)  # behind everybody's back: it is assigned, and gives nothing
        return await poll(self, consumer)

    monkeypatch.setattr("sinks.watch._EVERY_SECONDS", 0.1)
    quick = sink_site.settings.sink.model_copy(update={"stuck_seconds": 2.5})
    with monkeypatch.context() as patches:
        patches.setattr(POLL, polling)
        with pytest.raises(Stuck) as told:
            await sink_site.run(settings=sink_site.settings.model_copy(update={"sink": quick}))
    assert (told.value.topic, told.value.partitions) == (silent[0].topic, (silent[0].partition,))
    await sink_site.run()
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()
