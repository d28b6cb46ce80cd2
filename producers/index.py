"""What capture has published: root → owner, version, digest; child → root, version. Kept on a compacted topic.

It finds the root of a child that has gone, tells a changed row from a published one, and gives a delete its owner.
"""

from typing import NamedTuple

import orjson

from plumbing.kafka import AckedProducer
from plumbing.reading import read_whole
from plumbing.settings import KafkaSettings
from producers.cursors import CursorUnusable
from schemas.topics import Topics

Pending = dict[tuple[str, int], bytes | None]
"""`{(collection, id): message value}`, not yet handed over."""


class Root(NamedTuple):
    """The state of a root as it was last published."""

    owner: int | None
    version: str
    sequence: int
    digest: str
    deleted: bool = False


class Child(NamedTuple):
    """A child row: the root that showed it (None: it belongs to none that we read), and its version."""

    root: int | None
    version: str


class Index:
    """In memory, and on the topic. Changes wait in `pending` until the events that they speak of are acknowledged.

    Entries are kept as the topic has them: an ISP has hundreds of thousands, and as objects they take twice the room.
    """

    def __init__(self, topic: str, partitions: int, producer: AckedProducer) -> None:
        self._topic, self._partitions, self._producer = topic, partitions, producer
        self._roots: dict[str, dict[int, bytes]] = {}
        self._children: dict[str, dict[int, bytes]] = {}
        self._pending: Pending = {}

    @classmethod
    def load(cls, kafka: KafkaSettings, topics: Topics, partitions: int, producer: AckedProducer) -> "Index":
        """The index as it stands on its topic.

        Raises:
            CursorUnusable: an entry is not one of ours.
            TopicMissing, DependencyUnreachable: from Kafka.
        """
        index = cls(topics.children, partitions, producer)
        for message in read_whole(kafka, topics.children, topics.capture_group):
            try:
                collection, _, text = (message.key() or b"").decode().rpartition(":")
                index.apply(collection, int(text), message.value())
            except (ValueError, TypeError, LookupError) as exc:
                raise CursorUnusable("an entry of the child index is not one of ours") from exc
        return index

    def root(self, collection: str, id: int) -> Root | None:
        """What was last published of a root; None: nothing."""
        found = self._roots.get(collection, {}).get(id)
        return None if found is None else Root(*orjson.loads(found))

    def child(self, collection: str, id: int) -> Child | None:
        """Where a child was last seen; None: never."""
        found = self._children.get(collection, {}).get(id)
        return None if found is None else Child(*orjson.loads(found))

    def set_root(self, collection: str, id: int, root: Root) -> None:
        """Note what is being published."""
        entry = _entry(root)
        self._roots.setdefault(collection, {})[id] = self._pending[collection, id] = entry

    def set_child(self, collection: str, id: int, child: Child | None) -> None:
        """Note where a child is; None: it is gone."""
        known = self._children.setdefault(collection, {})
        entry = None if child is None else _entry(child)
        if known.get(id) == entry:
            return
        if entry is None:
            del known[id]
        else:
            known[id] = entry
        self._pending[collection, id] = entry

    def take_pending(self) -> Pending:
        """The changes so far; every event that they speak of has been handed over by now."""
        pending, self._pending = self._pending, {}
        return pending

    def produce(self, pending: Pending) -> None:
        """Hand changes over. Only after their events' acknowledgement: the index never knows more than the topics."""
        for (collection, id), value in pending.items():
            self._producer.produce(
                self._topic,
                partition=id % self._partitions,
                key=f"{collection}:{id}".encode(),
                value=value,
            )

    def apply(self, collection: str, id: int, value: bytes | None) -> None:
        """Take in one message of the index's topic.

        Raises:
            ValueError, TypeError: it is not one of ours.
        """
        if value is None:
            self._children.get(collection, {}).pop(id, None)
            return
        parts = orjson.loads(value)
        if len(parts) == len(Child._fields):
            self._children.setdefault(collection, {})[id] = value
        else:
            Root(*parts)  # looked at now, for later nobody expects an entry that is none of ours
            self._roots.setdefault(collection, {})[id] = value


def _entry(known: Root | Child) -> bytes:
    # A copy: what orjson hands out keeps hold of the kilobyte and more that it was written into.
    return bytes(memoryview(orjson.dumps(list(known))))
