"""The consumer loop of the sink: assignment with its fence, batches, what it does about each kind of error."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from clients.mysql import Database
from clients.splynx_errors import SplynxModuleOff
from plumbing import metrics
from plumbing.errors import Action, SyncError
from plumbing.kafka import is_lost, watermarks
from sinks.errors import AskedBack, Fenced, GuardsViolated
from sinks.guards import Violation
from sinks.healing import Healing
from sinks.home import places_of
from sinks.lag import STAGE, Lag
from sinks.ledger_errors import HistoryLost
from sinks.membership import Membership
from sinks.pauses import Pauses
from sinks.store import Ledger
from sinks.stream import Stream, without_errors
from sinks.watch import Watch
from sinks.writer import Writer

log = structlog.get_logger("sink")

_GUARD_SECONDS = 3600.0
_VIOLATED_SECONDS = 30.0
"""Between two looks at the guards, and while one does not hold: it goes on by itself once it is put right."""
_SETTLE_SECONDS = 10.0
_REGRESSIONS_SECONDS = 300.0
"""Long enough for what is published twice to be followed by its newest, and short beside the days before compaction."""
_OUTAGE_SECONDS = 60.0
"""In so long somebody may have changed or restored what was away: it is looked at again before a write."""


class Loop:
    """Reads, writes, commits, until it is told to stop.

    `guard` raises when Splynx is another one than it was, and tells the guards that do not hold: what they concern
    waits until they do (`violations`: those of the start). `look` counts what is held. `publish_again` has the
    newest bundle last on its topic where it is not. `wrong` is kept `{what: why}` of
    what makes this process not ready.
    """

    def __init__(
        self,
        *,
        stream: Stream,
        db: Database,
        ledger: Ledger,
        writer: Writer,
        healing: Healing,
        guard: Callable[[], Awaitable[Sequence[Violation]]],
        look: Callable[[], Awaitable[object]],
        publish_again: Callable[[], Awaitable[int]],
        wrong: dict[str, str],
        violations: Sequence[Violation] = (),
        stuck_seconds: float = 120,
    ) -> None:
        self._stream, self._db, self._ledger, self._writer, self._healing = stream, db, ledger, writer, healing
        self._guard, self._look, self._publish_again, self._wrong = guard, look, publish_again, wrong
        self._guarded = self._settled = self._published_again = time.monotonic()
        self._lag = Lag(stream.aggregates)
        self._pauses = Pauses(stream.aggregates)
        self._violations = violations
        self._topics: set[str] = set()
        # A client of its own: asked from within its own rebalance, a consumer waits for itself.
        self._lookup = stream.bystander("lookup")
        self._watch = Watch(self._lookup, stuck_seconds)

    async def run(self, stop: asyncio.Event) -> int:
        """Work until `stop` is set; how many messages were consumed.

        Raises:
            Fenced, Stuck, and whatever else says HALT: ledger and Splynx are in step.
        """
        consumed = 0
        consumer = self._stream.consumer()
        member = Membership(consumer, stop, self._writer.leaving, gone=self._gone, read_on=self._pauses.put_on)
        await self._heed(self._violations)
        try:
            member.join(self._stream.aggregates)
            while not stop.is_set():
                polled = time.monotonic()
                messages = [*without_errors(member.early()), *await self._stream.poll(consumer)]
                waited = time.monotonic() - polled
                try:
                    if (places := member.incoming) is not None:
                        await member.during(self._take(stop, places))
                        self._watch.begin(places)
                        member.begin(places)
                    consumed += await member.during(self._round(stop, consumer, messages))
                    if self._pauses.why:
                        self._watch.forget()
                    elif not messages:
                        await asyncio.to_thread(self._watch.look, consumer, waited)
                except AskedBack as exc:
                    if not stop.is_set():
                        log.info("sink.asked_back", error=exc.code, messages=len(messages))
                self._lag.measure(consumer)
        finally:
            await asyncio.to_thread(consumer.close)
            await asyncio.to_thread(self._lookup.close)
        return consumed

    def _gone(self) -> None:
        self._writer.tokens.clear()
        self._wrong["assignment"] = "no partition is assigned"

    async def _round(self, stop: asyncio.Event, consumer: Consumer, messages: list[Message]) -> int:
        """Write what was read, and what was woken; how many messages were written."""
        # What was read just before a partition went away is its next owner's.
        messages = [message for message in messages if message.partition() in self._writer.tokens]
        # Read while a longer round was at work, at whose end a guard was found not to hold.
        if held_back := self._pauses.held_back(messages):
            self._pauses.put_on(consumer, consumer.assignment())
            self._pauses.rewind(consumer, held_back)
            messages = [message for message in messages if message not in held_back]
        if messages:
            self._lag.begin(messages)
            try:
                await self._insist(stop, partial(self._batch, consumer, messages), messages)
            except GuardsViolated:
                self._pauses.put_on(consumer, consumer.assignment())
                self._pauses.rewind(consumer, messages)
                self._guarded = time.monotonic()
                messages = []
        if self._writer.tokens and (messages or time.monotonic() - self._settled > _SETTLE_SECONDS):
            while await self._insist(stop, self._writer.settle):
                if stop.is_set() or self._writer.leaving.is_set():
                    break
            await self._insist(stop, self._count)
            self._settled = time.monotonic()
            # To have nothing to do is no standstill.
            metrics.LAST_SUCCESS.labels(STAGE).set_to_current_time()
        if time.monotonic() - self._published_again > _REGRESSIONS_SECONDS:
            await self._insist(stop, self._publish_again)
            self._published_again = time.monotonic()
        if time.monotonic() - self._guarded > (_VIOLATED_SECONDS if self._pauses.why else _GUARD_SECONDS):
            await self._insist(stop, self._look_at_guards)
            self._pauses.put_on(consumer, consumer.assignment())
            if self._writer.tokens:
                await self._insist(stop, self._look_at_conflicts)
            self._guarded = time.monotonic()
        return len(messages)

    async def _take(self, stop: asyncio.Event, places: list[TopicPartition]) -> None:
        """Become the writer of these partitions: fence, old intents, and where to go on from.

        Raises:
            HistoryLost: the ledger goes on from an offset that the topic does not have, or of one that was deleted.
            AskedBack: they went away meanwhile, or the sink is to end.
        """
        partitions = sorted({place.partition for place in places})
        await self._insist(stop, partial(self._fence, partitions))
        await self._insist(stop, self._heal)
        if not await self._insist(stop, partial(self._find, places)):
            raise AskedBack("the sink ends before it knows where to go on from")
        self._wrong.pop("start", None)
        self._wrong.pop("assignment", None)

    async def _find(self, places: list[TopicPartition]) -> int:
        """Give each place the offset that the ledger goes on from; how many there are.

        Raises:
            HistoryLost: the topic does not have it, or is another one.
        """
        self._topics = {place.topic for place in places}
        checkpoints = await self._checkpoints()
        for place in places:
            done = checkpoints[place.topic].get(place.partition)
            low, high = await asyncio.to_thread(watermarks, self._lookup, place.topic, place.partition)
            if done is not None and not low <= done <= high:
                raise HistoryLost(f"{place.topic}[{place.partition}] goes on from {done}, but holds {low} to {high}")
            place.offset = OFFSET_BEGINNING if done is None else done
        return len(places)

    async def _checkpoints(self) -> dict[str, dict[int, int]]:
        """`{topic: {partition: offset to go on from}}` of the topics that are read.

        Raises:
            HistoryLost: one was made anew.
        """
        checkpoints = {}
        for topic, topic_id in (await self._stream.topic_ids(self._topics)).items():
            name = self._stream.aggregates[topic].name
            async with self._db.session() as tx:
                checkpoints[topic] = await places_of(tx, self._ledger, name, topic, topic_id)
        return checkpoints

    async def _count(self) -> int:
        await self._look()
        return 0

    async def _look_at_guards(self) -> int:
        """Raises what says HALT when Splynx or a topic is another one; how many guards do not hold."""
        # The client reads on in a topic that was made anew, from the old offset, if it has that one when it is asked.
        await self._checkpoints()
        violations = await self._guard()
        shut = self._pauses.shut
        await self._heed(violations)
        if shut - self._pauses.shut:
            await self._heal()  # of what was sent before nothing could be found out
        return len(violations)

    async def _look_at_conflicts(self) -> int:
        # A module may have been switched off since the guards were looked at.
        return 0 if self._pauses.why else await self._writer.look_at_conflicts()

    async def _heed(self, violations: Sequence[Violation]) -> None:
        self._pauses.heed(violations)
        await self._writer.pause(self._pauses.aggregates, self._pauses.why)
        if self._pauses.why:
            self._wrong["guards"] = self._pauses.why
        else:
            self._wrong.pop("guards", None)

    async def _fence(self, partitions: list[int]) -> int:
        tokens = await self._healing.take(partitions)
        self._writer.tokens.update(tokens)
        return len(tokens)

    async def _heal(self) -> int:
        """Find out what became of calls whose answer was lost, by whoever made them; how many."""
        return await self._healing.heal_all(self._writer.tokens, but=self._pauses.shut)

    async def _batch(self, consumer: Consumer, messages: list[Message]) -> int:
        deliveries = self._stream.intake.take(messages)
        await self._writer.write(deliveries)
        # At least once: the ledger has the batch, so an offset that is not committed costs a look at it, no more.
        newest: dict[tuple[str, int], int] = {}
        for one in deliveries:
            newest[(one.topic, one.partition)] = max(newest.get((one.topic, one.partition), 0), one.offset + 1)
        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in newest.items()]
        try:
            await asyncio.to_thread(lambda: consumer.commit(offsets=places, asynchronous=False))
        except KafkaException as exc:
            log.warning("sink.commit_refused", error=exc.args[0].name())
        for one in deliveries:
            metrics.MESSAGES.labels(STAGE, one.aggregate.name, "consumed").inc()
        return len(deliveries)

    async def _insist(
        self, stop: asyncio.Event, work: Callable[[], Awaitable[int]], messages: Collection[Message] = ()
    ) -> int:
        """Do it again while the error says so; the consumer stands still meanwhile.

        Before it is done again, it is looked whether this is the Splynx of before (after an outage), or what has to
        wait for a module that is off; and it is found out what became of open calls.

        Raises:
            GuardsViolated: after such a look, one of the `messages` has to wait.
            SplynxModuleOff: no guard is about what met it.
            Fenced, AskedBack, DeliveryFailed: at once. Whatever else says HALT: at once.
        """
        pause, begun = 0.5, time.monotonic()
        reasons: set[str] = set()
        try:
            while True:
                try:
                    if reasons:
                        if SplynxModuleOff.code in reasons or time.monotonic() - begun > _OUTAGE_SECONDS:
                            await self._look_at_guards()
                        await self._heal()
                        self._pauses.check(messages)
                    return await work()
                except AskedBack:
                    raise
                except SyncError as exc:
                    metrics.ERRORS.labels(STAGE, exc.code).inc()
                    if isinstance(exc, Fenced) and self._writer.leaving.is_set():
                        raise AskedBack("another sink has taken over") from exc
                    # Once the guards were asked, what it is about waits.
                    is_off = isinstance(exc, SplynxModuleOff) and exc.code not in reasons
                    is_over = exc.action is not Action.RETRY or isinstance(exc, Fenced) or is_lost(exc)
                    if is_over and not is_off:
                        raise
                    log.warning("sink.waits", error=exc.code, seconds=pause)
                    metrics.STAGE_PAUSED.labels(STAGE, exc.code).set(1)
                    reasons.add(exc.code)
                    self._wrong["paused"] = exc.code
                if await _is_set_within(stop, self._writer.leaving, pause):
                    return 0
                if self._writer.leaving.is_set():
                    raise AskedBack("another sink takes over while this one waits")
                pause = min(pause * 2, 30)
        finally:
            for code in reasons:
                metrics.STAGE_PAUSED.labels(STAGE, code).set(0)
            self._wrong.pop("paused", None)


async def _is_set_within(stop: asyncio.Event, leaving: asyncio.Event, seconds: float) -> bool:
    """Whether `stop` is set before `seconds` are over, or `leaving` is."""
    waits = [asyncio.create_task(one.wait()) for one in (stop, leaving)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
    return stop.is_set()
