"""From a row that was read to an event on its topic: never below the sequence already published for that key."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

import orjson
import structlog
from confluent_kafka import Message
from msgspec import UNSET
from pydantic import ValidationError

from plumbing import metrics
from plumbing.avro_binary import whole
from plumbing.clock import epoch_ms, utc_now
from plumbing.finishing import finished
from plumbing.kafka import AckedProducer, partition_of
from producers.cursors import Cursors
from producers.families import Children, Root
from producers.index import Index, Pending
from producers.owners import owner_of
from producers.reader import Page
from producers.reasons import ill_formed, largest
from producers.unsure import Sent, about_to_send, doubt
from producers.versions import NONE, number_of, number_of_bytes
from schemas.aggregate import ACCOUNTS, Aggregate
from schemas.avro import EventWriter, RowWriter, key_bytes
from schemas.avro.forms import FORMS, UNUSUAL
from schemas.shapes import Kind
from schemas.topics import MAX_MESSAGE_BYTES, Topics

log = structlog.get_logger()

_instant = FORMS[Kind.INSTANT, False]

_HEADROOM = 64 * 1024


class Registered(Protocol):
    """A schema that the registry knows (`plumbing.avro.Codec`)."""

    header: bytes
    """In front of each message of it."""


class Published(Enum):
    """What became of a row."""

    EVENT = "event"
    UNCHANGED = "unchanged"
    STALE = "stale"  # the same content was published under a higher sequence
    OVERLAPPED = "overlapped"  # other content was published under a higher sequence: a third read decides
    HALTED = "halted"  # set aside with a dead letter


class _Outlet(NamedTuple):
    """Where the events of one aggregate go, and what writes them."""

    topic: str
    key_header: bytes
    rows: RowWriter
    events: EventWriter


_Messages = defaultdict[tuple[str, int], list[tuple[bytes, bytes]]]
"""`{(topic, partition): (key, value) of each event}` that wait for the next commit."""


class Publisher:
    """Publishes rows and deletes; `commit` makes them, and then the index, durable."""

    def __init__(
        self,
        topics: Topics,
        partitions: int,
        producer: AckedProducer,
        codecs: Mapping[str, tuple[Registered, Registered]],
        index: Index,
        cursors: Cursors,
        *,
        run_id: str,
        fingerprint: str,
        offsets: dict[str, dict[int, int]],
    ) -> None:
        """`codecs`: `{aggregate: (key, value)}`. `offsets`: `{topic: {partition: end}}` when capture started."""
        self._topics, self._partitions, self._producer, self._codecs = topics, partitions, producer, codecs
        self._index, self._cursors, self._run_id, self._fingerprint = index, cursors, run_id, fingerprint
        doubt(cursors, index)
        self.offsets = offsets
        self.counts: Counter[tuple[str, str]] = Counter()
        self._outlets: dict[str, _Outlet] = {}
        self._messages: _Messages = defaultdict(list)
        self._handed_in: Counter[tuple[str, str]] = Counter()
        """`{(aggregate, op): events}` that wait for the next commit, in `_messages`."""
        self._sent: Sent = {}
        self._account_of = partial(index.root_of, ACCOUNTS)
        self._lock = asyncio.Lock()
        self._asked, self._covered = 0, 0
        """Commits that were asked for, and how many of them the last finished one covers."""
        self._failed: Exception | None = None
        """Why a commit failed, whoever asked for it. What it had taken out is lost to this process: it is the last."""
        self._set_aside: dict[tuple[str, int], tuple[str, ...]] = {}
        """Why each root that stands aside does: the overlap shows it again and again, and one letter says it."""

    def row(self, aggregate: Aggregate, row: Any, children: Children, page: Page, *, snapshot: bool) -> Published:
        """Publish one root as it was read; a following read that changes nothing publishes nothing."""
        id, collection = row.id, aggregate.root.name
        try:
            outlet = self._outlet(aggregate)
            after = outlet.rows.write(row)
        except (ValidationError, OverflowError) as exc:
            self._dead_letter(aggregate, row, page, "capture.invalid_row", f"not as declared: {ill_formed(exc)}")
            return Published.HALTED
        digest = number_of_bytes(after)
        known = self._index.root(collection, id)
        if known is not None and not known.deleted and page.sequence < known.sequence:
            return Published.STALE if digest == known.digest else Published.OVERLAPPED
        if known is not None and known.deleted and page.sequence < known.sequence:
            return Published.OVERLAPPED
        version = digest if row._version is UNSET else number_of(row._version)
        changed = known is None or known.deleted or known.digest != digest
        owner = owner_of(aggregate.owned_by, row, self._account_of)
        if changed or snapshot:
            op: Literal["r", "c", "u"] = "r" if snapshot else "u"
            if not snapshot and (known is None or known.deleted):
                op = "c"
            if not self._hand_in(outlet, aggregate, op, id, owner, after, page, _updated_ms(row, page)):
                reason = f"too large for a message: {largest(row)}"
                self._dead_letter(aggregate, row, page, "capture.too_large", reason)
                return Published.HALTED
        if self._set_aside:
            self._set_aside.pop((aggregate.name, id), None)
        self._index.set_root(collection, id, Root(owner, version, page.sequence, digest), children)
        return Published.EVENT if changed or snapshot else Published.UNCHANGED

    def deleted(self, aggregate: Aggregate, id: int, page: Page) -> Published:
        """Publish that a root is gone, with its last owner. `page` is the read by id that did not find it."""
        known = self._index.root(aggregate.root.name, id)
        if known is None or known.deleted:
            # Noted all the same: a page that was read earlier and arrives later must not bring the root back.
            gone = known or Root(None, NONE, page.sequence, NONE)
            self._index.set_root(aggregate.root.name, id, gone._replace(sequence=max(gone.sequence, page.sequence)))
            return Published.UNCHANGED
        if page.sequence < known.sequence:
            return Published.OVERLAPPED
        self._hand_in(
            self._outlet(aggregate), aggregate, "d", id, known.owner, None, page, whole(epoch_ms(page.server_time))
        )
        gone = known._replace(sequence=page.sequence, version=NONE, digest=NONE)
        self._index.set_root(aggregate.root.name, id, gone)
        return Published.EVENT

    def fit(self, fingerprint: str) -> None:
        """Mark events with the fingerprint of another schema from now on."""
        self._fingerprint = fingerprint
        self._outlets.clear()

    async def commit(self) -> None:
        """Wait for the broker to have every event, then the index. What comes after this may move a cursor.

        Those who ask while one is under way share the next.

        Raises:
            DeliveryFailed: something was not taken.
        """
        self._asked += 1
        turn = self._asked
        async with self._lock:
            if self._covered >= turn:
                return
            if self._failed is not None:
                raise self._failed
            covers = self._asked
            # Not cut short by what ends the caller: what it takes out others have handed over, too, and another commit
            # would send newer events beside these.
            await finished(self._send())
            self._covered = covers

    async def _send(self) -> None:
        # All at once: of what another task publishes meanwhile neither event nor entry goes with these.
        messages, self._messages = self._messages, defaultdict(list)
        handed_in, self._handed_in = self._handed_in, Counter()
        sent, self._sent = self._sent, {}
        pending = self._index.take_pending()
        try:
            await about_to_send(self._cursors, sent)
            await asyncio.to_thread(self._deliver, messages, pending)
        except Exception as exc:
            self._failed = exc
            raise
        for (name, op), count in handed_in.items():
            self.counts[name, op] += count
            metrics.EVENTS_PUBLISHED.labels(name, op).inc(count)

    def _deliver(self, messages: _Messages, pending: Pending) -> None:
        # In one go: a producer that is fed now and then sends many small batches, which costs it and the broker more.
        for (topic, partition), (*before, (key, value)) in messages.items():
            self._hand_over(topic, partition, before)
            # Of a partition the newest offset is told last: only that message needs to report it.
            self._producer.produce(topic, partition=partition, key=key, value=value, on_ack=self._acknowledged)
        self._producer.flush()
        self._index.produce(pending)
        self._producer.flush()

    def _hand_over(self, topic: str, partition: int, messages: Sequence[tuple[bytes, bytes]]) -> None:
        if len({key for key, _ in messages}) == len(messages):
            self._producer.produce_all(topic, messages, partition=partition)
            return
        for key, value in messages:  # events of one key stay in order
            self._producer.produce(topic, partition=partition, key=key, value=value)

    def _acknowledged(self, message: Message) -> None:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is not None and partition is not None and offset is not None:
            ends = self.offsets.setdefault(topic, {})
            ends[partition] = max(ends.get(partition, 0), offset + 1)

    def _outlet(self, aggregate: Aggregate) -> _Outlet:
        found = self._outlets.get(aggregate.name)
        if found is None:
            key, value = self._codecs[aggregate.name]
            events = EventWriter(
                aggregate,
                value.header,
                instance=self._topics.instance,
                run_id=self._run_id,
                fingerprint=self._fingerprint,
            )
            found = _Outlet(self._topics.sonar(aggregate.name), key.header, RowWriter(aggregate), events)
            self._outlets[aggregate.name] = found
        return found

    def _hand_in(
        self,
        outlet: _Outlet,
        aggregate: Aggregate,
        op: Literal["r", "c", "u", "d"],
        id: int,
        owner: int | None,
        after: bytes | None,
        page: Page,
        source_ms: bytes,
    ) -> bool:
        """Keep an event for the next commit; False when it would be larger than the topic takes."""
        value = outlet.events.write(
            op,
            id,
            owner,
            after,
            sequence=page.sequence,
            source_ts_ms=source_ms,
            read_ts_ms=page.started_ms,
        )
        if len(value) > MAX_MESSAGE_BYTES - _HEADROOM:
            return False
        partition = partition_of(owner if owner is not None else id, self._partitions)
        key = key_bytes(outlet.key_header, id)
        self._messages[outlet.topic, partition].append((key, value))
        self._handed_in[aggregate.name, op] += 1
        self._sent.setdefault(aggregate.root.name, []).append((id, page.sequence, owner))
        return True

    def _dead_letter(self, aggregate: Aggregate, row: Any, page: Page, code: str, reason: str) -> None:
        id, why = row.id, (code, reason, str(row._version))
        if self._set_aside.get((aggregate.name, id)) == why:
            return
        self._set_aside[aggregate.name, id] = why
        known = self._index.root(aggregate.root.name, id)
        if known is not None:
            # The next good read is an event even where nothing differs: a higher sequence tells that it is mended.
            self._index.set_root(aggregate.root.name, id, known._replace(digest=NONE))
        log.error("capture.dead_letter", aggregate=aggregate.name, key=id, code=code, reason=reason)
        letter = {
            "stage": "capture",
            "aggregate": aggregate.name,
            "sonar_id": id,
            "sequence": page.sequence,
            "code": code,
            "reason": reason,
            "run_id": self._run_id,
            "at": utc_now().isoformat(),
        }
        self._producer.produce(
            self._topics.dead_letters("capture"),
            partition=0,
            key=f"{aggregate.name}:{id}".encode(),
            value=orjson.dumps(letter),
        )
        self.counts[aggregate.name, "dead_letter"] += 1
        metrics.DEAD_LETTERS.labels("capture", aggregate.name, code).inc()
        metrics.ERRORS.labels("capture", code).inc()


def _updated_ms(row: Any, page: Page) -> bytes:
    """As `_hand_in` wants it: in nearly every row these bytes were made a moment ago."""
    updated = row.updated_at
    if not updated:
        return whole(page.started_ms)
    try:
        return _instant(updated)
    except UNUSUAL:
        return whole(epoch_ms(datetime.fromisoformat(updated)))
