"""One history against capture: what the topics show at every watermark, and at rest."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import orjson

from clients.sonar_ending import SonarEnded
from clients.sonar_errors import SonarQuiet
from plumbing.errors import SyncError
from producers import glimpses
from producers.followed import followed
from producers.ids import Ids
from producers.orders import Order
from tests.faults.capture_town import Answer
from tests.faults.steps import Killed, at_turn
from tests.faults.test_capture_answers import ANSWERS
from tests.model.source import NAMES, NEVER, OPERATIONS, UNTOLD, Key, Source
from tests.model.strategies import OURS, Strategy
from tests.model.town import ModelTown
from tests.unit.producers.scene import AGGREGATES

STEPS = 30
REMEMBERED = (50_000, 4)
"""Rows of which is kept that re-read roots showed them: all that a history has, or few of them."""
CURSORS: Key = ("cursors", 0)
"""Stands in `Missed` for cursors that were moved by a process that had lost its lease."""
_SELDOM = 14
"""Polls after which what was denied has surely been asked for again."""


@dataclass(frozen=True)
class Step:
    """An operation, what goes wrong while it happens, and its chances (a seed)."""

    operation: str
    fault: str
    seed: int


@dataclass(frozen=True)
class Missed:
    """A root that the topics do not show as they promise; `at`: at this watermark, None: at rest."""

    key: Key
    at: datetime | None
    step: int


def history(seed: int, strategy: Strategy = OURS) -> list[Step]:
    """A random history, for a strategy that is `told` of what a poller is told of."""
    chance = random.Random(seed)
    operations = [one for one in OPERATIONS if not (strategy.told and one in UNTOLD)]
    faults = [one for one in FAULTED if one != "none" and not (strategy.told and one == "emptied")]
    return [
        Step(
            chance.choice(operations).__name__,
            chance.choice(faults) if chance.random() < 0.5 else "none",
            chance.randrange(2**32),
        )
        for _ in range(STEPS)
    ]


def check(seed: int, steps: list[Step], strategy: Strategy = OURS) -> Missed | None:
    """Run a history; the first thing that is missed, or None."""
    remembered = REMEMBERED[seed % len(REMEMBERED)]
    with strategy.patched(), mock.patch.multiple(glimpses, _MOST=remembered, _UNKNOWN=remembered):
        return asyncio.run(_Run(seed, strategy).through(steps))


def shortest(seed: int, steps: list[Step], strategy: Strategy = OURS) -> list[Step]:
    """The steps of a history that misses something without those that it does so without, too."""
    place = 0
    while place < len(steps):
        fewer = steps[:place] + steps[place + 1 :]
        if check(seed, fewer, strategy) is not None:
            steps = fewer
        else:
            place += 1
    return steps


class _Run:
    def __init__(self, seed: int, strategy: Strategy) -> None:
        self.town, self._strategy = ModelTown(seed, timedelta(minutes=10)), strategy
        self.source = Source(self.town)
        self.chance = random.Random(seed)
        self._denied_for = 0
        self._undone = contextlib.ExitStack()
        """What ends beside what is denied."""
        self._trespassed = False
        """Whether a process has moved cursors after it lost its lease."""

    async def through(self, steps: list[Step]) -> Missed | None:
        with self._undone:
            return await self._through(steps)

    async def _through(self, steps: list[Step]) -> Missed | None:
        await self.town.read()
        for number, step in enumerate(steps):
            self.chance.seed(step.seed)
            self.town.random.seed(step.seed)
            missed = await self._step(step, number)
            if missed is not None:
                return missed
        return await self._at_rest(len(steps))

    async def _step(self, step: Step, number: int) -> Missed | None:
        self.source.tick(self.chance.randint(0, 4))
        operation = next(one for one in OPERATIONS if one.__name__ == step.operation)

        def happen() -> None:
            operation(self.source)
            self.source.note()

        asked, turn = 0, self.chance.choice([0, 0, 1, 2, 3])
        seconds = self.chance.choice([0, 0, 1, 3])  # that a request takes at most

        def before(document: str, variables: Any) -> None:
            nonlocal asked
            if seconds:
                self.source.tick(self.chance.randint(0, seconds))
            self.source.asked(document)
            asked += 1
            if asked == turn:
                happen()

        if turn == 0:
            happen()
        self.town.line.before = before
        self.town.line.meddle = lambda document, answer: answer
        covered = None
        with FAULTED[step.fault](self):
            covered = await self._poll()
        if turn and asked < turn:
            happen()
        self.town.line.before = None
        self._let_again()
        self.source.tick(1)
        if self._trespassed:
            return Missed(CURSORS, covered, number)
        return None if covered is None else self._missed(covered, number)

    async def _poll(self) -> datetime | None:
        """Up to when changes and deletes are covered now; None: this poll moved nothing."""
        try:
            await self.town.begin()
            covered = await self.town.following.poll(sweeping=None if self._strategy.sweeps else ())
        except (SyncError, Killed):
            if self.town.uneven.is_lost:
                self._start_again()
            return None
        deletes = self.town.following.deletes_low
        assert deletes is not None
        return min(covered, deletes)

    def _start_again(self) -> None:
        self.town.broker.lose()
        self.town.restart()

    def _missed(self, covered: datetime, number: int) -> Missed | None:
        known = [key for key, since in self.source.since.items() if since <= covered]
        return self._compare(known, covered, number)

    def _compare(self, keys: list[Key], covered: datetime | None, number: int) -> Missed | None:
        folded = {one.name: self.town.folded(one.name) for one in AGGREGATES}
        for name, id in keys:
            if folded[name].get(id) != self.source.state.get((name, id)):
                return Missed((name, id), covered, number)
        return None

    async def _at_rest(self, number: int) -> Missed | None:
        self.source.settle()
        self._let_again(at_once=True)
        self.town.restart_line()
        ended = self.source.latest
        # A listing that is under way may have passed what has gone since.
        self.town.following.sweep.follow(followed(AGGREGATES, self.town.schema))
        for polls in range(400):
            self.source.tick(20)
            covered = await self._poll()
            missed = None if covered is None else self._missed(covered, number)
            if missed is not None:
                return missed
            swept = self.town.following.sweep.oldest
            is_swept = swept is not None and swept > ended
            if polls > _SELDOM and (is_swept or not self._strategy.sweeps):
                break
        for _ in range(3):
            self.source.tick(20)
            await self._poll()
        return self._compare(list(self.source.since), None, number)

    # what goes wrong

    def _let_again(self, *, at_once: bool = False) -> None:
        """What was denied may be read again after a while."""
        self._denied_for -= 1
        if at_once or self._denied_for <= 0:
            self.town.damage()
            self._undone.close()

    @contextlib.contextmanager
    def none(self) -> Iterator[None]:
        """Nothing."""
        yield

    @contextlib.contextmanager
    def restart(self) -> Iterator[None]:
        """The process ended in order, and begins again."""
        self._start_again()
        yield

    @contextlib.contextmanager
    def restart_in_mid_poll(self) -> Iterator[None]:
        """The process is told to end while it asks: Sonar is asked nothing more, and it begins again."""

        def end() -> None:
            raise SonarEnded("this process is to end")

        with self._asking(end, for_good=True):
            yield
        self._start_again()

    @contextlib.contextmanager
    def killed_while_it_asks(self) -> Iterator[None]:
        """SIGKILL before an answer is there: what earlier ones showed is read, and perhaps not committed."""

        def die() -> None:
            self.town.uneven.lost()
            raise Killed

        with self._asking(die):
            yield

    @contextlib.contextmanager
    def killed_before_the_broker_has_it(self) -> Iterator[None]:
        """SIGKILL before a flush."""
        turn = self.chance.randint(1, 4)

        def before() -> None:
            nonlocal turn
            turn -= 1
            if turn == 0:
                self.town.uneven.lost()
                raise Killed

        with self._flushing(before):
            yield

    @contextlib.contextmanager
    def killed_between_two_leaders(self) -> Iterator[None]:
        """SIGKILL when the broker has a cursor and not yet the events beside it."""
        turn = self.chance.randint(1, 4)

        def before() -> None:
            nonlocal turn
            turn -= 1
            if turn == 0:
                self.town.uneven.cut_short()

        with self._flushing(before):
            yield

    @contextlib.contextmanager
    def _flushing(self, before: Callable[[], None]) -> Iterator[None]:
        self.town.uneven.before_flush = before
        try:
            yield
        finally:
            self.town.uneven.before_flush = lambda: None

    @contextlib.contextmanager
    def _asking(self, act: Callable[[], None], *, for_good: bool = False) -> Iterator[None]:
        """`act` happens when a request has been answered, of the first dozen; `for_good`: at each later one, too."""
        left = self.chance.randint(1, 12)

        def answered(_: str, answer: Answer) -> Answer:
            nonlocal left
            left -= 1
            if left == 0 or (left < 0 and for_good):
                act()
            return answer

        self.town.line.meddle = answered
        try:
            yield
        finally:
            self.town.line.meddle = lambda document, answer: answer

    @contextlib.contextmanager
    def denied(self) -> Iterator[None]:
        """The token may not read something, for some polls."""
        what = self.chance.choice(["contacts", "payments", "Account.contacts", "radius_accounts", "logs"])
        self.town.damage(denied=frozenset({what}))
        self._denied_for = self.chance.randint(1, 3)
        yield

    @contextlib.contextmanager
    def emptied(self) -> Iterator[None]:
        """A collection pretends to have no rows, for some polls: a lost permission that says nothing.

        What changes meanwhile, or has not been covered yet, only a sweep can find.
        """
        self.source.doubt(self.town.following.low or self.source.now)
        self.town.damage(emptied=frozenset({self.chance.choice(["payments", "notes", "contacts"])}))
        self._denied_for = self.chance.randint(1, 3)
        yield

    @contextlib.contextmanager
    def unfit(self) -> Iterator[None]:
        """Sonar's schema lacks what an aggregate needs, for some polls: it stands still, the others go on."""
        town, out = self.town, self.chance.choice(AGGREGATES)
        others = followed([one for one in AGGREGATES if one is not out], town.schema)
        town.following.fit(others, town.schema, {out.name: ["Type.field"]})
        # Whatever process there is by then.
        self._undone.callback(lambda: town.following.fit(followed(AGGREGATES, town.schema), town.schema, {}))
        self._denied_for = self.chance.randint(1, 3)
        yield

    @contextlib.contextmanager
    def braked(self) -> Iterator[None]:
        """Any delete is more than usual, for some polls: it is held."""
        self._undone.enter_context(mock.patch("producers.brake.LEAST", 0))
        self.town.following.brake._share = 0
        self._undone.callback(lambda: setattr(self.town.following.brake, "_share", 0.05))
        self._denied_for = self.chance.randint(1, 3)
        yield

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Hours begin in which Sonar is to be left alone, and end after a while."""

        def refuse() -> None:
            raise SonarQuiet("these are quiet hours")

        with self._asking(refuse, for_good=True):
            yield
        self.source.tick(self.chance.choice([60, 3600]))

    @contextlib.contextmanager
    def bad_answers(self) -> Iterator[None]:
        """Some answers are none of Sonar's, damaged or refused."""
        bad = ANSWERS[self.chance.choice(list(ANSWERS))]
        self.town.line.meddle = lambda _, answer: bad(answer) if self.chance.random() < 0.3 else answer
        yield

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything is read anew at the same time."""
        town = self.town
        with self._beside(
            lambda: town.snapshot.run(AGGREGATES, asyncio.Event(), started=town.shop.clock.now, force=f"{self.chance}")
        ):
            yield

    @contextlib.contextmanager
    def ordered(self) -> Iterator[None]:
        """Some roots, or one account's world, are read again at the same time."""
        town, chance = self.town, self.chance
        names = tuple(one.name for one in AGGREGATES)
        low = chance.randint(1, 20)
        ids, account = Ids(((low, low + 4),)), chance.choice(sorted(town.shop.store.table("Account")))
        order = Order(names, ids) if chance.random() < 0.5 else Order(names, customer=account)

        async def carry_out() -> None:
            await town.parts.run(await town.orders.take(order), asyncio.Event())

        with self._beside(carry_out):
            yield

    @contextlib.contextmanager
    def hinted(self) -> Iterator[None]:
        """Webhooks tell of rows, whether anything has become of them or not."""
        for _ in range(self.chance.randint(1, 6)):
            type_name, id = self.chance.choice(list(NAMES)), self.chance.randint(1, 30)
            event = f"{type_name}.{self.chance.choice(['created', 'updated', 'deleted'])}"
            self.town.following.hints.take(orjson.dumps({"event": event, "object_id": id}))
        yield

    @contextlib.contextmanager
    def _beside(self, work: Callable[[], Awaitable[object]]) -> Iterator[None]:
        poll = self.town.following.poll

        async def both(*, sweeping: Collection[str] | None = None) -> datetime:
            return await _together(work(), poll(sweeping=sweeping))

        self.town.following.poll = both  # type: ignore[method-assign]
        try:
            yield
        finally:
            del self.town.following.poll

    @contextlib.contextmanager
    def taken_over(self) -> Iterator[None]:
        """The lease goes to a second process while the first is at work, which learns of it by its next check.

        Both go on at the same time, each for a poll. Whatever the first one had begun to hand over arrives.
        """
        town, lease, cursors, first = self.town, self.town.lease, self.town.cursors, self.town.following
        poll, taken, handed = first.poll, asyncio.Event(), 0

        def lose(under_way: int = 0) -> None:
            nonlocal handed
            if not taken.is_set():
                handed = cursors._handed + under_way
                lease.held = False
                taken.set()

        async def old(sweeping: Collection[str] | None) -> None:
            try:
                await poll(sweeping=sweeping)
            except SyncError:
                pass
            finally:
                lose()

        async def new(sweeping: Collection[str] | None) -> datetime:
            await taken.wait()
            town.restart()
            await town.begin()
            return await town.following.poll(sweeping=sweeping)

        async def both(*, sweeping: Collection[str] | None = None) -> datetime:
            with contextlib.ExitStack() as stack:
                if self.chance.random() < 0.5:
                    stack.enter_context(self._asking(lose))
                else:
                    lease.passed = at_turn(self.chance.randint(1, 6), lambda: lose(under_way=1))
                return await _together(old(sweeping), new(sweeping))

        first.poll = both  # type: ignore[method-assign]
        yield
        self._trespassed = cursors._handed > handed

    @contextlib.contextmanager
    def skew(self) -> Iterator[None]:
        """Our clock is an hour off, in either direction."""
        with self._strategy.skewed(self.chance.choice([-3600, 3600])):
            yield

    @contextlib.contextmanager
    def jump(self) -> Iterator[None]:
        """Sonar's clock stands for some requests, and then goes on far ahead, or some seconds back as NTP sets it.

        Capture goes by Sonar's clock as the last answer told it. Its promise is that of any late row: what becomes
        visible with a time that is less than the overlap behind the latest look is found by looks, whatever has made it
        late. So a stand or a jump ahead hides nothing, and the clock may go back by less than the overlap.
        """
        self.source.stand()
        seconds, is_over = self.chance.choice([-9, -2, -1, 5, 60, 300, 7200]), False

        def go_on() -> None:
            nonlocal is_over
            is_over = True
            self.source.jump(seconds)

        with self._asking(go_on):
            yield
        if not is_over:
            self.source.jump(seconds)


async def _together(work: Awaitable[object], poll: Awaitable[datetime]) -> datetime:
    """What `poll` comes to. Neither outlives the other: a poll that went on alone would meet the next one."""
    done, covered = await asyncio.gather(work, poll, return_exceptions=True)
    for one in (done, covered):
        if isinstance(one, BaseException):
            raise one
    assert isinstance(covered, datetime)
    return covered


FAULTED: dict[str, Callable[[_Run], contextlib.AbstractContextManager[None]]] = {
    one.__name__: one
    for one in (
        _Run.none, _Run.restart, _Run.restart_in_mid_poll, _Run.killed_while_it_asks,
        _Run.killed_before_the_broker_has_it, _Run.killed_between_two_leaders, _Run.taken_over, _Run.denied,
        _Run.emptied, _Run.bad_answers, _Run.snapshot, _Run.ordered, _Run.hinted, _Run.skew, _Run.jump, _Run.unfit,
        _Run.braked, _Run.quiet,
    )
}  # fmt: skip


def pairs(steps: list[Step]) -> Counter[tuple[str, str]]:
    """How often each operation met each fault."""
    return Counter((one.operation, one.fault) for one in steps)


__all__ = ["NEVER", "STEPS", "Missed", "Step", "check", "history", "pairs", "shortest"]
