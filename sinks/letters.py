"""Dead letters of the sink: acknowledged by the broker before anything is committed, and not without end."""

import asyncio
import secrets
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self, cast

from clients.mysql import Database
from plumbing import metrics
from plumbing.dead_letters import CODE, OFFSET, PARTITION, TOPIC, DeadLetterBudget, Spending, connect_headers
from plumbing.errors import SyncError
from plumbing.kafka import AckedProducer
from plumbing.reading import Place, read_whole
from plumbing.settings import Settings
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics
from sinks.store import LETTERS, Ledger

_WINDOW = 1000
_ACK_SECONDS = 5.0
"""Rows of Splynx are locked meanwhile. Later the batch is tried again, and what is on its way is not sent twice."""
STAGE = "sink"
_ENTITY, _RECORD, _LEDGER = "crossfade.entity", "crossfade.record", "crossfade.ledger"


class Told(NamedTuple):
    """What a letter is about: where the message lies, which record of it (none: all of the aggregate), and the code.

    Records of one message may have one key: a customer and its info.
    """

    at: Place
    entity: str
    record: str
    code: str


def known_letters(settings: Settings, mark: str) -> Iterator[Told]:
    """What the letters are about that were written for the ledger with this mark.

    Raises:
        TopicMissing: the topic does not exist.
        DependencyUnreachable: the broker does not answer.
    """
    topics = Topics(settings.instance)
    for message in read_whole(settings.kafka, topics.dead_letters(STAGE), f"{topics.sink_group}.letters"):
        headers = {name: value.decode() for name, value in cast("list[tuple[str, bytes]]", message.headers() or [])}
        if headers.get(_LEDGER) == mark:
            at = Place(headers[TOPIC], int(headers[PARTITION]), int(headers[OFFSET]))
            yield Told(at, headers[_ENTITY], headers[_RECORD], headers[CODE])


class DeadLetters:
    """Writes to the sink's dead letter topic, with Kafka Connect's headers.

    `budget`: messages with a letter among any `window` of one partition; one more stops the partition. `mark`: the
    ledger's. `known`: what earlier processes wrote.
    """

    def __init__(
        self,
        producer: AckedProducer,
        topics: Topics,
        budget: int,
        window: int = _WINDOW,
        *,
        mark: str = "",
        known: Iterable[Told] = (),
    ) -> None:
        self._producer, self._mark = producer, mark
        self._topic = topics.dead_letters(STAGE)
        self._known = frozenset(known)
        places = sorted((one.at.topic, one.at.partition, one.at.offset) for one in self._known)
        self._spending = Spending(DeadLetterBudget(window, budget), places)
        self._told: set[Told] = set()
        """Handed over, and what they are about is not committed yet, so that it may come again."""
        self._at_hand: set[Told] = set()

    @classmethod
    async def open(cls, settings: Settings, producer: AckedProducer, db: Database, ledger: Ledger) -> Self:
        """With what earlier processes have spent of the budget, of letters that may come again or still count.

        A ledger that begins anew has none: what was set aside then is told again.

        Raises:
            TopicMissing: the topic does not exist.
            DependencyUnreachable: the broker does not answer.
        """
        budget, window = settings.sink.dead_letter_budget, settings.sink.dead_letter_window
        topics = Topics(settings.instance)
        async with db.session() as tx:
            mark = await ledger.first_meta(tx, LETTERS, secrets.token_hex(8))
            names = [topics.splynx(one.name) for one in AGGREGATES if one.targets]
            done = {name: await ledger.checkpoints(tx, name) for name in names}
            waiting = await ledger.waiting_places(tx)

        def counts(one: Told) -> bool:
            in_window = one.at.offset >= done.get(one.at.topic, {}).get(one.at.partition, 0) - window
            # What waits is set aside long after its message was consumed.
            return in_window or (one.at, (one.entity, one.record)) in waiting

        known = await asyncio.to_thread(lambda: set(filter(counts, known_letters(settings, mark))))
        return cls(producer, topics, budget, window, mark=mark, known=known)

    def begin(self) -> None:
        """Another piece of work begins: a batch, or what was woken. What the one before left uncommitted stays told."""
        self._at_hand.clear()

    def add(
        self,
        *,
        topic: str,
        partition: int,
        offset: int,
        entity: str,
        error: SyncError,
        key: bytes = b"",
        value: bytes = b"",
        record: str = "",
    ) -> None:
        """Hand one over, unless it was already: a batch may be tried again, after a rebalance or a restart too.

        `value` is left empty where the bytes may hold a secret.

        Raises:
            TooManyDeadLetters: the budget of this partition is spent.
        """
        at = Place(topic, partition, offset)
        self._spending.spend(at)
        one = Told(at, entity, record, error.code)
        self._at_hand.add(one)
        if one in self._told or one in self._known:
            return
        self._producer.produce(
            self._topic,
            partition=0,
            key=key,
            value=value,
            headers=connect_headers(
                at,
                stage="TASK_PUT",
                code=error.code,
                reason=str(error),
                more={_ENTITY: entity, _RECORD: record, _LEDGER: self._mark},
            ),
        )
        self._told.add(one)
        metrics.DEAD_LETTERS.labels(STAGE, entity, error.code).inc()

    def passed(self, topic: str, partition: int, offset: int) -> None:
        """A message of which nothing is dead: if it had a letter before, that counts no more."""
        self._spending.passed(Place(topic, partition, offset))

    async def flush(self) -> None:
        """Wait for the broker's acknowledgement of all of them.

        Raises:
            NotAcknowledged: not within a few seconds; a later call waits for the same letters.
            DeliveryFailed.
        """
        if self._at_hand:
            await asyncio.to_thread(self._producer.flush, _ACK_SECONDS)

    def forget(self) -> None:
        """The work at hand is committed: none of its letters comes again.

        Others do: a batch whose partitions were asked back as its letters were on their way is read again, behind what
        was woken or came of another partition.
        """
        self._told -= self._at_hand
