"""A processor that dies, waits and meets poison on its way through a partition: each event has its result."""

import random
from collections import deque
from typing import Any, cast

import pytest
from confluent_kafka import Consumer

from plumbing.avro import Undecodable
from plumbing.dead_letters import CODE, OFFSET, DeadLetterBudget, Spending
from plumbing.errors import DependencyUnreachable, ExitCode
from plumbing.kafka import AckedProducer, NotAcknowledged
from processors import guard as guards
from processors.ahead import Ahead
from processors.context import Context
from processors.guard import EXIT_HALTED, Guard
from processors.history import Continuity, HistoryLost, check_retained
from processors.output import Output
from processors.transform import Codecs, Coordinates, Produced, transform
from processors.watchdog import Waits
from schemas.envelope import envelope_of
from schemas.topics import Topics
from tests.faults.alarms import ENDS, RESTARTED, Starts, dead_letters, paused, rings
from tests.faults.seeds import seeds
from tests.faults.steps import Killed
from tests.faults.test_poison import POISON
from tests.unit.processors.test_transform import BUNDLES, CODECS, EVENTS, RULES, an_event
from tests.unit.processors.test_watchdog import Group

NAME, LENGTH = "account_group", 25
TOPICS = Topics("main")
Results = dict[int, bytes | str]
"""`{offset: its bundle, or the code of its dead letter}`."""


class Ended(BaseException):
    """The process is at its end."""


class Bus:
    """The producer's side of a broker that is away now and then: what it has not acknowledged dies with the process."""

    def __init__(self, chance: random.Random) -> None:
        self._chance, self._on_the_way = chance, list[tuple[int, bytes | str]]()
        self.done: Results = {}
        self.away = 0

    def produce(self, topic: str, **message: Any) -> None:
        if topic == TOPICS.dead_letters("process"):
            told = {name: value.decode() for name, value in message["headers"].items()}
            self._on_the_way.append((int(told[OFFSET]), told[CODE]))
        else:
            origin = BUNDLES[NAME].decode(message["value"])["origin_offset"]
            self._on_the_way.append((origin, message["value"]))

    def flush(self, timeout_seconds: float = 120) -> None:
        self.away = self.away - 1 if self.away else self._chance.choice([0, 0, 0, 1, 3])
        if self.away:
            raise NotAcknowledged("the broker is away")
        self.done |= dict(self._on_the_way)
        self._on_the_way.clear()

    def die(self) -> None:
        self._on_the_way.clear()


class Away:
    """Codecs of a registry that does not answer now and then."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def decode(self, data: bytes | None) -> dict[str, Any]:
        if self._chance.random() < 0.1:
            raise DependencyUnreachable("the registry does not answer")
        return EVENTS[NAME].decode(data)

    def encode(self, value: dict[str, Any]) -> bytes:
        return BUNDLES[NAME].encode(value)


def at(offset: int) -> Coordinates:
    return Coordinates(NAME, TOPICS.sonar(NAME), 0, offset)


def a_partition(chance: random.Random) -> list[bytes | None]:
    """Events, some of them twice, and poison among them."""
    found: list[bytes | None] = []
    for sequence in range(1, LENGTH + 1):
        row = {"id": 7, "updated_at": 1_700_000_000_000, "name": f"Group {sequence}"}
        event = EVENTS[NAME].encode(envelope_of(an_event(after=row, sequence=sequence)))
        kind = chance.random()
        found.append(chance.choice([*POISON, event[:-3]]) if kind < 0.2 else event)
        if kind > 0.9:
            found.append(event)
    return found


def undisturbed(partition: list[bytes | None]) -> Results:
    """What each message becomes where nothing happens."""
    found: Results = {}
    for offset, value in enumerate(partition):
        result = transform(at(offset), value, CODECS, RULES)
        found[offset] = result.value if isinstance(result, Produced) else result.code
    return found


class Worker:
    """Goes through a partition as Faust does: an event at a time, a flush before each commit."""

    def __init__(self, chance: random.Random, *, deaths: float = 0.08, commits: float = 0.3, oldest: int = 0) -> None:
        self._chance, self._deaths, self._commits, self._oldest = chance, deaths, commits, oldest
        self.bus, self.committed, self._starts = Bus(chance), 0, Starts("process")

    def _guard(self) -> Guard:
        away = Away(self._chance)
        context = Context(RULES, cast(Any, None), {NAME: Codecs(away, away)}, cast(Any, None))
        spending = Spending(DeadLetterBudget(10_000, 1_000), ())
        output = Output(cast(AckedProducer, self.bus), TOPICS, spending, RULES.version)
        return Guard(context, output, Continuity(lambda *_: self._oldest), Waits())

    async def work(self, partition: list[bytes | None], offsets: list[int]) -> None:
        """See these messages through, to the last commit.

        Raises:
            HistoryLost: the topic does not have what it goes on from.
        """
        with self._starts.process():
            if self.committed:
                group = cast(Consumer, Group({0: (self._oldest, len(partition))}, {0: self.committed}))
                check_retained(group, [TOPICS.sonar(NAME)], 1)
            await self._see_through(partition, deque(offsets))

    async def _see_through(self, partition: list[bytes | None], waiting: deque[int]) -> None:
        guard = self._guard()
        ahead = Ahead(guard.make, waiting, lambda offset: (at(offset), partition[offset]))
        while waiting:
            offset = waiting.popleft()
            await guard.process(at(offset), b"k", partition[offset], ahead)
            self._die_perhaps()
            if self._chance.random() < self._commits:
                await guard.flush()
                self._die_perhaps()
                self.committed = offset + 1
                self._die_perhaps()
        await guard.flush()
        self.committed = len(partition)

    def _die_perhaps(self) -> None:
        if self._chance.random() < self._deaths:
            self.bus.die()
            raise Killed


@pytest.fixture(autouse=True)
def _ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(code: int) -> None:
        raise Ended(int(code))

    monkeypatch.setattr("os._exit", end)
    monkeypatch.setattr(guards, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(guards, "_LONGEST_PAUSE_SECONDS", 0.001)


@pytest.mark.fault(4)
@pytest.mark.fault(7)
@pytest.mark.fault(11)
@pytest.mark.fault(13)
@rings(RESTARTED, dead_letters("process"), paused(stage="process"))
@seeds(30, guards={"what was handed over is acknowledged before the commit": 1, "what cannot pass gets its letter": 1})
async def test_a_processor_that_dies_and_waits_gives_each_event_its_result(seed: int) -> None:
    chance = random.Random(seed)
    partition, worker = a_partition(chance), Worker(chance)
    while worker.committed < len(partition):
        try:
            await worker.work(partition, [*range(worker.committed, len(partition))])
        except Killed:
            assert worker.bus.done.keys() >= set(range(worker.committed))  # at least once: commit after write
    assert worker.bus.done == undisturbed(partition)
    assert Undecodable.code in worker.bus.done.values()


@pytest.mark.fault(9)
@rings(ENDS)
@seeds(30, guards={"a gap on a topic is noticed": 1})
async def test_a_processor_whose_topic_lost_messages_makes_nothing_of_what_comes_behind_them(seed: int) -> None:
    """Retention removes what it has not reached: its client jumps to the oldest that is left, and says nothing."""
    chance = random.Random(seed)
    partition = a_partition(chance)
    last, oldest = chance.randrange(3, 10), chance.randrange(12, 20)
    worker = Worker(chance, deaths=0, commits=1, oldest=oldest)
    with pytest.raises(Ended) as ended:
        await worker.work(partition, [*range(last), *range(oldest, len(partition))])
    assert ended.value.args == (EXIT_HALTED,)
    for _ in range(ENDS.least):  # whoever starts it again
        with pytest.raises(HistoryLost) as refused:
            await worker.work(partition, [*range(oldest, len(partition))])
        assert refused.value.exit_code is not ExitCode.DONE
    assert worker.bus.done.keys() <= set(range(last))
