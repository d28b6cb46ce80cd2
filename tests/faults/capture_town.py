"""A town in Sonar whose life a seed decides, and the capture of the unit tests' scene that reads it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

import orjson
from confluent_kafka import KafkaError

from clients import sonar_errors
from clients.sonar import SonarAnswer
from clients.sonar_answers import Into
from plumbing.errors import SyncError
from tests.faults.steps import Killed
from tests.unit.producers.scene import AGGREGATES, PARTITIONS, Broker, InMemoryClient, Scene
from tests.unit.sandbox_sonar.shop import Desk

PAGE = 3
SETTLED = 21
"""Polls after which all was asked for again that was not served, and nobody waits for what is not to be seen."""
Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class UnevenBroker(Broker):
    """A broker that a kill may leave with the cursors and without the events that were sent beside them."""

    def __init__(self) -> None:
        super().__init__()
        self._is_cut = False
        self._turn = RLock()
        """Commits and cursors are flushed by threads of their own, and each waits for what another acknowledges."""
        self._cursors: list[Callable[[], None]] = []
        """As `_waiting`, of what another leader acknowledges, in its order."""
        self._troubles, self._refusing = 0, False
        self.before_flush: Callable[[], None] = lambda: None

    def produce(self, topic: str, *, key: bytes, value: bytes | None, partition: int, **options: Any) -> None:
        """As Kafka: other topics are other leaders, acknowledged by themselves."""

        def report() -> None:
            if self._refusing and self._troubles and not self._waiting and not self._cursors:
                self._troubles -= 1
                options["on_delivery"](KafkaError(KafkaError.NOT_ENOUGH_REPLICAS), None)
            else:
                acknowledge()

        with self._turn:
            super().produce(topic, key=key, value=value, partition=partition, **options)
            acknowledge = self._waiting.pop()
            (self._cursors if topic.endswith(".cursors") else self._waiting).append(report)

    def flush(self, timeout: float) -> int:
        """Acknowledge everything; `before_flush` may end the process first."""
        self.before_flush()
        if self._is_cut:
            return 0
        with self._turn:
            waiting = len(self._cursors) + len(self._waiting)
            if self._troubles and not self._refusing and waiting:
                self._troubles -= 1
                return waiting
            self._acknowledge(self._cursors)
            self._acknowledge(self._waiting)
        return 0

    def _acknowledge(self, waiting: list[Callable[[], None]]) -> None:
        while waiting:
            waiting.pop(0)()

    def trouble(self, *, refusing: bool, times: int) -> None:
        """So many flushes end without an acknowledgement, or (`refusing`) the last message of each is not taken."""
        self._troubles, self._refusing = times, refusing

    def lose(self) -> None:
        """Forget what was not acknowledged; the next process finds the broker well."""
        super().lose()
        self._cursors.clear()
        self._is_cut = False

    @property
    def is_lost(self) -> bool:
        """Whether the process that produced has ended without an acknowledgement."""
        return self._is_cut

    def lost(self) -> None:
        """The process ends here: what waits is never sent."""
        self._is_cut = True

    def cut_short(self) -> None:
        """End while the broker acknowledges: cursors that wait have arrived, events beside them have not."""
        with self._turn:
            self._acknowledge(self._cursors)
        self._is_cut = True
        raise Killed


async def _at_once(_: str) -> None:
    """Nothing holds an answer up, and yet others have a turn."""
    await asyncio.sleep(0)


class MeddledClient(InMemoryClient):
    """A Sonar whose answers something on the way may change or hold up.

    `meddle` is given each answer and returns what arrives; `held_up` happens between its making and its arrival.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.meddle: Callable[[str, Answer], Answer] = lambda document, answer: answer
        self.held_up: Callable[[str], Awaitable[None]] = _at_once
        self.told_at = desk.clock.now
        """When the last good answer was made, by Sonar's clock."""

    async def query(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        attempts: int | None = None,
        again_after_timeout: bool = True,
        into: Into | None = None,
    ) -> SonarAnswer:
        """One request, its answer judged as `SonarClient` judges it."""
        if self.before is not None:
            self.before(document, variables or {})
        body = orjson.dumps(self.desk.engine.execute(document, dict(variables or {}), None, self.conditions))
        made = self.desk.clock.now
        status, headers, body = self.meddle(document, (200, {}, body))
        await self.held_up(document)
        data = sonar_errors.data_of(status, headers, body, into)
        if isinstance(data, SyncError):
            raise data
        self.told_at = made
        return SonarAnswer(data, self.server_time, self.server_time)


class LastTold(MeddledClient):
    """Knows Sonar's clock from its last answer only, as `SonarClient` does: it may have jumped since."""

    @property
    def server_time(self) -> datetime:
        """What the last good answer told."""
        return self.told_at


class Town(Scene):
    """The scene, peopled, with a broker and a line to Sonar that can be meddled with."""

    def __init__(
        self,
        seed: int,
        *,
        sweep_every: timedelta = timedelta(days=1),
        page_size: int = PAGE,
        line: type[MeddledClient] = MeddledClient,
    ) -> None:
        super().__init__(page_size=page_size, sweep_every=sweep_every)
        self.random = random.Random(seed)
        self.line = self.client = line(self.shop)
        self.uneven = self.broker = UnevenBroker()
        self.accounts = [self.shop.an_account(f"A{number}") for number in range(self.random.randint(12, 20))]
        self.contacts = [self.shop.a_contact(account, f"C{account}") for account in self.accounts]
        for contact in self.contacts[::2]:
            self.shop.a_phone(contact, f"01455501{contact:02}")
        self.payments = [self.shop.a_payment(self.random.choice(self.accounts), number) for number in range(15)]
        self.shop.clock.tick(3600)  # what following begins with lies behind all this
        self.restart()

    # life

    def live(self, events: int = 1) -> None:
        """So many things happen, a second apart."""
        for _ in range(events):
            self.shop.clock.tick()
            self.random.choice([self.rename, self.edit, self.pay, self.correct, self.delete, self.recreate])()

    def rename(self) -> None:
        """An account has another name."""
        self.shop.store.update("Account", self.random.choice(self.accounts), name=f"N{self.random.random()}")

    def edit(self) -> int:
        """A contact is another person, which no account's row shows; its id."""
        contact = self.random.choice(self.contacts)
        self.shop.store.update("Contact", contact, name=f"P{self.random.random()}")
        return contact

    def pay(self) -> None:
        """Somebody pays."""
        self.payments.append(self.shop.a_payment(self.random.choice(self.accounts), self.random.randrange(1000)))

    def correct(self) -> None:
        """A payment was of another amount."""
        self.shop.store.update("Payment", self.random.choice(self.payments), amount=self.random.randrange(1000))

    def delete(self) -> None:
        """A payment is deleted."""
        if len(self.payments) > 5:
            self.shop.store.delete("Payment", self.payments.pop(self.random.randrange(len(self.payments))))

    def recreate(self) -> None:
        """A payment is deleted and comes again under its number."""
        number = self.random.choice(self.payments)
        self.shop.store.delete("Payment", number)
        self.shop.a_payment(self.random.choice(self.accounts), self.random.randrange(1000), id=number)

    # capture

    def restart_line(self) -> None:
        """Nothing is meddled with any more."""
        self.line.before, self.line.meddle, self.line.held_up = None, lambda document, answer: answer, _at_once

    async def read(self, force: str | None = None) -> None:
        """Snapshot what is not complete yet."""
        await self.begin()
        await self.snapshot.run(AGGREGATES, asyncio.Event(), started=self.shop.clock.now, force=force)

    async def follow(self, polls: int = 4) -> None:
        """Poll, with time enough between for everything to be past the safety lag."""
        await self.begin()
        for _ in range(polls):
            self.shop.clock.tick(20)
            await self.following.poll()

    async def settle(self) -> None:
        """Poll until nothing is waited for any more."""
        await self.follow(SETTLED)

    async def supervised(self, work: Callable[[], Any], most: int = 200) -> list[BaseException]:
        """Do `work`, and after each end of the process again with what the broker has; the errors on the way."""
        errors: list[BaseException] = []
        while True:
            try:
                await work()
            except (SyncError, BaseExceptionGroup, Killed) as error:
                errors.append(error)
                if len(errors) == most:
                    raise
                self.broker.lose()
                self.restart()
            else:
                return errors

    # proof

    async def assert_topics_tell_sonar(self) -> None:
        """What is on the topics is what an undisturbed snapshot of the same Sonar would put there.

        Raises:
            AssertionError: a row is missing, old, or deleted by mistake; or a key's events fall in their partition.
        """
        fresh = Scene(page_size=PAGE, desk=self.shop)
        await fresh.begin()
        await fresh.snapshot.run(AGGREGATES, asyncio.Event(), started=self.shop.clock.now, force=None)
        for name in ("account", "payment"):
            assert self.folded(name) == fresh.folded(name)
            for partition in range(PARTITIONS):
                highest: dict[int, int] = {}
                for event in self.events(name, {partition}):
                    id, sequence = event["source"]["sonar_id"], int(event["source"]["sequence"])
                    assert sequence >= highest.get(id, 0), f"{name} {id} falls to {sequence}"
                    highest[id] = sequence

    @property
    def ranges(self) -> int:
        """How many ranges a snapshot is cut into."""
        known = [self.snapshot.progress(one) for one in AGGREGATES]
        return sum(len(one.ranges) for one in known if one is not None)
