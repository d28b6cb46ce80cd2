"""From a row that was read to an event on its topic: never below the sequence already published for that key."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache, partial
from typing import Any, Literal, Protocol

import orjson
import structlog
from confluent_kafka import Message
from pydantic import ValidationError

from plumbing import metrics
from plumbing.clock import epoch_ms, utc_now
from plumbing.kafka import AckedProducer, partition_of
from producers.index import Children, Index, Root
from producers.layout import Shown
from producers.owners import owner_of
from producers.reader import Page
from schemas.aggregate import ACCOUNTS, Aggregate
from schemas.avro import value_of
from schemas.envelope import Event, envelope_of, key_of
from schemas.topics import MAX_MESSAGE_BYTES, Topics

log = structlog.get_logger()

_HEADROOM = 64 * 1024


class Encoder(Protocol):
    """Turns a value into a message's bytes (`plumbing.avro.Codec`)."""

    def encode(self, value: dict[str, Any]) -> bytes:
        """The bytes of `value`."""
        ...


class Published(Enum):
    """What became of a row."""

    EVENT = "event"
    UNCHANGED = "unchanged"
    STALE = "stale"  # the same content was published under a higher sequence
    OVERLAPPED = "overlapped"  # other content was published under a higher sequence: a third read decides
    HALTED = "halted"  # set aside with a dead letter


class Publisher:
    """Publishes rows and deletes; `commit` makes them, and then the index, durable."""

    def __init__(
        self,
        topics: Topics,
        partitions: int,
        producer: AckedProducer,
        codecs: Mapping[str, tuple[Encoder, Encoder]],
        index: Index,
        *,
        run_id: str,
        fingerprint: str,
        offsets: dict[str, dict[int, int]],
    ) -> None:
        """`codecs`: `{aggregate: (key, value)}`. `offsets`: `{topic: {partition: end}}` when capture started."""
        self._topics, self._partitions, self._producer, self._codecs = topics, partitions, producer, codecs
        self._index, self._run_id, self._fingerprint = index, run_id, fingerprint
        self.offsets = offsets
        self.counts: Counter[tuple[str, str]] = Counter()
        self._account_of = partial(index.root_of, ACCOUNTS)
        self._lock = asyncio.Lock()
        self._asked, self._covered = 0, 0
        """Commits that were asked for, and how many of them the last finished one covers."""
        self._set_aside: dict[tuple[str, int], tuple[str, ...]] = {}
        """Why each root that stands aside does: the overlap shows it again and again, and one letter says it."""

    def row(
        self, aggregate: Aggregate, row: Mapping[str, Any], shown: Sequence[Shown], page: Page, *, snapshot: bool
    ) -> Published:
        """Publish one root as it was read; a following read that changes nothing publishes nothing."""
        id, collection = int(row["id"]), aggregate.root.name
        try:
            record = aggregate.root.record.model_validate(row)
        except ValidationError as exc:
            fields = sorted({".".join(str(part) for part in one["loc"]) for one in exc.errors()})
            reason = f"not as declared: {', '.join(fields)[:500]}"
            self._dead_letter(aggregate, row, page, "capture.invalid_row", reason)
            return Published.HALTED
        value = value_of(record)
        digest = _digest(value)
        known = self._index.root(collection, id)
        if known is not None and not known.deleted and page.sequence < known.sequence:
            return Published.STALE if digest == known.digest else Published.OVERLAPPED
        if known is not None and known.deleted and page.sequence < known.sequence:
            return Published.OVERLAPPED
        version = str(row.get("_version", digest))
        changed = known is None or known.deleted or known.digest != digest
        owner = owner_of(aggregate.owned_by, row, self._account_of)
        if changed or snapshot:
            op: Literal["r", "c", "u"] = "r" if snapshot else "u"
            if not snapshot and (known is None or known.deleted):
                op = "c"
            event = self._event(aggregate, id, owner, op, value, page, _updated_ms(row, page))
            if not self._produce(aggregate, event):
                reason = f"too large for a message: {_largest(row)}"
                self._dead_letter(aggregate, row, page, "capture.too_large", reason)
                return Published.HALTED
        self._set_aside.pop((aggregate.name, id), None)
        self._index.set_root(collection, id, Root(owner, version, page.sequence, digest), _children(aggregate, shown))
        return Published.EVENT if changed or snapshot else Published.UNCHANGED

    def deleted(self, aggregate: Aggregate, id: int, page: Page) -> Published:
        """Publish that a root is gone, with its last owner. `page` is the read by id that did not find it."""
        known = self._index.root(aggregate.root.name, id)
        if known is None or known.deleted:
            # Noted all the same: a page that was read earlier and arrives later must not bring the root back.
            gone = known or Root(None, "", page.sequence, "", deleted=True)
            self._index.set_root(aggregate.root.name, id, gone._replace(sequence=max(gone.sequence, page.sequence)))
            return Published.UNCHANGED
        if page.sequence < known.sequence:
            return Published.OVERLAPPED
        event = self._event(aggregate, id, known.owner, "d", None, page, epoch_ms(page.server_time))
        self._produce(aggregate, event)
        self._index.set_root(
            aggregate.root.name, id, known._replace(sequence=page.sequence, deleted=True, version="", digest="")
        )
        return Published.EVENT

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
            covers = self._asked
            # Taken before the flush: what another task publishes meanwhile is not acknowledged by it.
            pending = self._index.take_pending()
            await asyncio.to_thread(self._producer.flush)
            self._index.produce(pending)
            await asyncio.to_thread(self._producer.flush)
            self._covered = covers

    def _event(
        self,
        aggregate: Aggregate,
        id: int,
        owner: int | None,
        op: Literal["r", "c", "u", "d"],
        after: dict[str, Any] | None,
        page: Page,
        source_ms: int,
    ) -> Event:
        return Event(
            aggregate=aggregate.name,
            sonar_id=id,
            owner_id=owner,
            op=op,
            after=after,
            sequence=page.sequence,
            snapshot=op == "r",
            source_ts_ms=source_ms,
            read_ts_ms=epoch_ms(page.started),
            run_id=self._run_id,
            schema_fingerprint=self._fingerprint,
            instance=self._topics.instance,
        )

    def _produce(self, aggregate: Aggregate, event: Event) -> bool:
        """False when the message would be larger than the topic takes."""
        key_codec, value_codec = self._codecs[aggregate.name]
        value = value_codec.encode(envelope_of(event))
        if len(value) > MAX_MESSAGE_BYTES - _HEADROOM:
            return False
        owner = event.owner_id if event.owner_id is not None else event.sonar_id
        name, op = aggregate.name, event.op
        topic = self._topics.sonar(name)

        def acknowledged(message: Message) -> None:
            partition, offset = message.partition(), message.offset()
            if partition is not None and offset is not None:
                ends = self.offsets.setdefault(topic, {})
                ends[partition] = max(ends.get(partition, 0), offset + 1)
            self.counts[name, op] += 1
            _published(name, op).inc()

        self._producer.produce(
            topic,
            partition=partition_of(owner, self._partitions),
            key=key_codec.encode(key_of(name, event.sonar_id)),
            value=value,
            headers={"schema_fingerprint": self._fingerprint.encode()},
            on_ack=acknowledged,
        )
        return True

    def _dead_letter(self, aggregate: Aggregate, row: Mapping[str, Any], page: Page, code: str, reason: str) -> None:
        id, why = int(row["id"]), (code, reason, str(row.get("_version")))
        if self._set_aside.get((aggregate.name, id)) == why:
            return
        self._set_aside[aggregate.name, id] = why
        known = self._index.root(aggregate.root.name, id)
        if known is not None:
            # The next good read is an event even where nothing differs: a higher sequence tells that it is mended.
            self._index.set_root(aggregate.root.name, id, known._replace(digest=""))
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


def _largest(row: Mapping[str, Any]) -> str:
    """The child collection that takes most of an aggregate's room."""
    sizes = [(len(orjson.dumps(value)), name) for name, value in row.items() if isinstance(value, list)]
    return max(sizes, default=(0, "its own columns"))[1]


def _children(aggregate: Aggregate, shown: Sequence[Shown]) -> Children:
    """Those of the nested rows whose own changes are followed."""
    children: dict[str, dict[str, str]] = {touch.collection: {} for touch in aggregate.touched_by}
    of_type = {touch.type_name: children[touch.collection] for touch in aggregate.touched_by}
    for one in shown:
        if one.type_name in of_type:
            of_type[one.type_name][str(one.id)] = one.version
    return {name: ids for name, ids in children.items() if ids}


def _digest(value: dict[str, Any]) -> str:
    return hashlib.blake2b(orjson.dumps(value), digest_size=8).hexdigest()


_published = cache(metrics.EVENTS_PUBLISHED.labels)


def _updated_ms(row: Mapping[str, Any], page: Page) -> int:
    updated = row.get("updated_at")
    return epoch_ms(datetime.fromisoformat(updated)) if updated else epoch_ms(page.started)
