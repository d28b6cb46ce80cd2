"""What capture has published: root → owner, version, digest and the children that it showed. Kept on a compacted topic.

It finds the root of a child that has gone, tells a changed row from a published one, and gives a delete its owner.
A root and its children are one message: a snapshot writes one for each event, not one for each row.
"""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
import orjson

from plumbing.kafka import AckedProducer
from plumbing.reading import read_whole
from plumbing.settings import KafkaSettings
from producers.cursors import CursorUnusable
from producers.families import Child, Children, Family, Root, Strays
from schemas.topics import Topics

_encoded = msgspec.json.Encoder().encode
"""Its bytes take what they need, where each of orjson's takes four kB, and thousands wait for a commit."""
Pending = dict[bytes, tuple[int, bytes | None]]
"""`{message key: (id, value)}`, not yet handed over."""


class Index:
    """In memory, and on the topic. Changes wait in `pending` until the events that they speak of are acknowledged.

    A collection of roots is the scope of its children: the same row may be a child of an account and of a company.
    """

    def __init__(self, topic: str, partitions: int, producer: AckedProducer) -> None:
        self._topic, self._partitions, self._producer = topic, partitions, producer
        self._families: defaultdict[str, Family] = defaultdict(Family)
        """Roots and their children, by scope."""
        self._strays: defaultdict[tuple[str, str], Strays] = defaultdict(Strays)
        """By scope and collection, rows that no root shows: look-ups, and what is not part of what we select."""
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
                index.apply(message.key() or b"", message.value())
            except (ValueError, TypeError, LookupError, OverflowError) as exc:
                raise CursorUnusable("an entry of the child index is not one of ours") from exc
        return index

    @property
    def is_empty(self) -> bool:
        """Whether it holds no root at all."""
        return all(one.is_empty for one in self._families.values())

    def root(self, collection: str, id: int) -> Root | None:
        """What was last published of a root; None: nothing."""
        return self._families[collection].root(id)

    def is_live(self, collection: str, id: int) -> bool:
        """Whether a root was published and not deleted."""
        known = self.root(collection, id)
        return known is not None and not known.deleted

    def child(self, scope: str, collection: str, id: int) -> Child | None:
        """Where a child was last seen among the roots of `scope`; None: never."""
        return self._strays[scope, collection].get(id) or self._families[scope].child(collection, id)

    def is_stray(self, scope: str, collection: str, id: int) -> bool:
        """Whether a row is known that no root of `scope` shows."""
        return self._strays[scope, collection].get(id) is not None

    def live(self, collection: str) -> Sequence[int]:
        """Ids of the roots that were published and not deleted, ascending."""
        return self._families[collection].live()

    def published_since(self, collection: str, sequence: int) -> Sequence[int]:
        """Ids of the roots that were published from a sequence on and not deleted, ascending."""
        return self._families[collection].live(sequence)

    def in_doubt(self, collection: str) -> Sequence[int]:
        """Ids of the roots of which nobody knows what was published last, ascending."""
        return self._families[collection].in_doubt()

    def shown(self, scope: str, collection: str) -> Sequence[int]:
        """Ids of the children that a root shows, ascending."""
        return self._families[scope].shown(collection)

    def alone(self, scope: str, collection: str) -> Sequence[int]:
        """Ids of the rows that belong to something, and stand with no root, ascending."""
        return self._strays[scope, collection].owned()

    def size(self, scope: str, collection: str) -> int:
        """How many rows of a collection are known, roots of `scope` or children of them."""
        family = self._families[scope]
        if scope == collection:
            return len(family)
        return family.count(collection) + len(self._strays[scope, collection])

    def root_of(self, scope: str, collection: str, id: int) -> int | None:
        """The root in `scope` that a child belongs to; None: it is unknown, or belongs to none."""
        found = self.child(scope, collection, id)
        return None if found is None else found.root

    def set_root(self, collection: str, id: int, root: Root, children: Children | None = None) -> None:
        """Note what is being published; without `children` the root keeps those that it had."""
        family = self._families[collection]
        family.put(id, root, children)
        if children is not None:
            self._alone_no_more(collection, children)
        entry = _encoded([*root, _flat(family.children(id) if children is None else children)])
        self._pending[f"{collection}:{id}".encode()] = (id, entry)

    def set_alone(self, scope: str, collection: str, id: int, child: Child | None) -> None:
        """Note a row that no root shows; None: it is gone, or shown from now on."""
        strays = self._strays[scope, collection]
        if strays.get(id) == child:
            return
        strays.put(id, child)
        entry = None if child is None else _encoded([*child])
        self._pending[f"{scope}/{collection}:{id}".encode()] = (id, entry)

    def _alone_no_more(self, scope: str, children: Children) -> None:
        for name, ids in children.items():
            for child in ids if self._strays[scope, name] else ():
                self.set_alone(scope, name, child, None)

    def robbed(self, scope: str) -> list[tuple[int, str, int]]:
        """`(root, collection, child)`: what a root still shows on the topics, and another, read later, shows, too.

        Following would not notice: to it the child is where it belongs. It stays until the root is read again.
        """
        roots = self._families[scope].robbed
        return [(root, name, child) for root, children in roots.items() for name, child in sorted(children)]

    def take_pending(self) -> Pending:
        """The changes so far; every event that they speak of has been handed over by now."""
        pending, self._pending = self._pending, {}
        return pending

    def produce(self, pending: Pending) -> None:
        """Hand changes over. Only after their events' acknowledgement: the index never knows more than the topics."""
        by_partition: defaultdict[int, list[tuple[bytes, bytes | None]]] = defaultdict(list)
        for key, (id, value) in pending.items():
            by_partition[id % self._partitions].append((key, value))
        for partition, entries in by_partition.items():
            self._producer.produce_all(self._topic, entries, partition=partition)

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take in one message of the index's topic.

        Raises:
            ValueError, TypeError, LookupError, OverflowError: it is not one of ours.
        """
        place, _, text = key.decode().rpartition(":")
        scope, _, collection = place.partition("/")
        if collection:
            child = None if value is None else Child(*orjson.loads(value))
            self._strays[scope, collection].put(int(text), child)
        elif value is None:
            raise ValueError("a root is never taken back")
        else:
            owner, version, sequence, digest, children = orjson.loads(value)
            self._families[scope].put(int(text), Root(owner, version, sequence, digest), _nested(children))


def _flat(children: Children) -> dict[str, list[int]]:
    """As they lie on the topic: ids and versions by turns."""
    return {name: [number for pair in ids.items() for number in pair] for name, ids in children.items() if ids}


def _nested(flat: object) -> Children:
    if not isinstance(flat, dict):
        raise TypeError("no children")
    return {name: dict(zip(numbers[::2], numbers[1::2], strict=True)) for name, numbers in flat.items()}
