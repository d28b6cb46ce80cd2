"""What capture has published: root → owner, version, digest and the children that it showed. Kept on a compacted topic.

It finds the root of a child that has gone, tells a changed row from a published one, and gives a delete its owner.
A root and its children are one message: a snapshot writes one for each event, not one for each row.
"""

from collections.abc import Mapping
from typing import NamedTuple

import orjson

from plumbing.kafka import AckedProducer
from plumbing.reading import read_whole
from plumbing.settings import KafkaSettings
from producers.cursors import CursorUnusable
from schemas.topics import Topics

Pending = dict[bytes, tuple[int, bytes | None]]
"""`{message key: (id, value)}`, not yet handed over."""

Children = Mapping[str, Mapping[str, str]]
"""`{collection: {id: version}}`: what a root showed, ids as JSON has them."""


class Root(NamedTuple):
    """The state of a root as it was last published."""

    owner: int | None
    version: str
    sequence: int
    digest: str
    deleted: bool = False


class Child(NamedTuple):
    """A child row: the root that shows it (None: it belongs to none that we read), and its version.

    Of a look-up: the row that it belongs to, where its declaration names one.
    """

    root: int | None
    version: str


class Index:
    """In memory, and on the topic. Changes wait in `pending` until the events that they speak of are acknowledged.

    A collection of roots is the scope of its children: the same row may be a child of an account and of a company.
    Roots are kept as the topic has them: an ISP has hundreds of thousands, and as objects they take twice the room.
    """

    def __init__(self, topic: str, partitions: int, producer: AckedProducer) -> None:
        self._topic, self._partitions, self._producer = topic, partitions, producer
        self._roots: dict[str, dict[int, bytes]] = {}
        self._shown_by: dict[tuple[str, str], dict[int, int]] = {}
        """`{(scope, collection): {child: root}}`, of all children that stand with their root."""
        self._alone: dict[tuple[str, str], dict[int, Child]] = {}
        """Those that no root shows: they belong to nothing that we read, or are not part of what we select."""
        self._robbed: dict[str, dict[int, set[tuple[str, int]]]] = {}
        """`{scope: {root: children}}`: what a root was published with and another, read later, shows as its own."""
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
            except (ValueError, TypeError, LookupError) as exc:
                raise CursorUnusable("an entry of the child index is not one of ours") from exc
        index.settle()
        return index

    def root(self, collection: str, id: int) -> Root | None:
        """What was last published of a root; None: nothing."""
        found = self._roots.get(collection, {}).get(id)
        return None if found is None else _root(found)

    def child(self, scope: str, collection: str, id: int) -> Child | None:
        """Where a child was last seen among the roots of `scope`; None: never."""
        alone = self._alone.get((scope, collection), {}).get(id)
        if alone is not None:
            return alone
        root = self._shown_by.get((scope, collection), {}).get(id)
        return None if root is None else Child(root, _children(self._roots[scope][root])[collection][str(id)])

    def live(self, collection: str) -> list[int]:
        """Ids of the roots that were published and not deleted, ascending."""
        return sorted(id for id, entry in self._roots.get(collection, {}).items() if not _root(entry).deleted)

    def shown(self, scope: str, collection: str) -> list[int]:
        """Ids of the children that a root shows, ascending."""
        return sorted(self._shown_by.get((scope, collection), {}))

    def alone(self, scope: str, collection: str) -> list[int]:
        """Ids of the rows that belong to something, and stand with no root, ascending."""
        known = self._alone.get((scope, collection), {})
        return sorted(id for id, child in known.items() if child.root is not None)

    def size(self, scope: str, collection: str) -> int:
        """How many rows of a collection are known, roots of `scope` or children of them."""
        if scope == collection:
            return len(self._roots.get(scope, {}))
        return len(self._shown_by.get((scope, collection), {})) + len(self._alone.get((scope, collection), {}))

    def root_of(self, scope: str, collection: str, id: int) -> int | None:
        """The root in `scope` that a child belongs to; None: it is unknown, or belongs to none."""
        found = self.child(scope, collection, id)
        return None if found is None else found.root

    def set_root(self, collection: str, id: int, root: Root, children: Children | None = None) -> None:
        """Note what is being published; without `children` the root keeps those that it had."""
        entries = self._roots.setdefault(collection, {})
        before = _children(entries[id]) if id in entries else {}
        if children is not None:
            self._take_from(collection, id, before, children)
        entry = _entry([*root, before if children is None else children])
        entries[id] = entry
        if children is not None:
            self._robbed.get(collection, {}).pop(id, None)
            self._give_to(collection, id, root.sequence, children)
            self._alone_no_more(collection, children)
        self._pending[f"{collection}:{id}".encode()] = (id, entry)

    def set_alone(self, scope: str, collection: str, id: int, child: Child | None) -> None:
        """Note a row that no root shows; None: it is gone, or shown from now on."""
        known = self._alone.setdefault((scope, collection), {})
        if known.get(id) == child:
            return
        if child is None:
            del known[id]
        else:
            known[id] = child
        entry = None if child is None else _entry([*child])
        self._pending[f"{scope}/{collection}:{id}".encode()] = (id, entry)

    def _take_from(self, scope: str, root: int, before: Children, after: Children) -> None:
        for name, ids in before.items():
            shown_by, still = self._shown_by[scope, name], after.get(name, {})
            for child in ids:
                if child not in still and shown_by.get(int(child)) == root:
                    del shown_by[int(child)]

    def _give_to(self, scope: str, root: int, sequence: int, children: Children) -> None:
        """Of two roots that show a child it belongs to the one that was read later; the other has to be read again."""
        for name, ids in children.items():
            shown_by = self._shown_by.setdefault((scope, name), {})
            for child in map(int, ids):
                other = shown_by.setdefault(child, root)
                if other != root:
                    later = _root(self._roots[scope][other]).sequence > sequence
                    loser, shown_by[child] = (root, other) if later else (other, root)
                    self._robbed.setdefault(scope, {}).setdefault(loser, set()).add((name, child))

    def _alone_no_more(self, scope: str, children: Children) -> None:
        for name, ids in children.items():
            alone = self._alone.get((scope, name))
            for child in map(int, ids) if alone else ():
                self.set_alone(scope, name, child, None)

    def robbed(self, scope: str) -> list[tuple[int, str, int]]:
        """`(root, collection, child)`: what a root still shows on the topics, and another, read later, shows, too.

        Following would not notice: to it the child is where it belongs. It stays until the root is read again.
        """
        roots = self._robbed.get(scope, {})
        return [(root, name, child) for root, children in roots.items() for name, child in sorted(children)]

    def take_pending(self) -> Pending:
        """The changes so far; every event that they speak of has been handed over by now."""
        pending, self._pending = self._pending, {}
        return pending

    def produce(self, pending: Pending) -> None:
        """Hand changes over. Only after their events' acknowledgement: the index never knows more than the topics."""
        for key, (id, value) in pending.items():
            self._producer.produce(self._topic, partition=id % self._partitions, key=key, value=value)

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take in one message of the index's topic; `settle` follows the last.

        Raises:
            ValueError, TypeError, LookupError: it is not one of ours.
        """
        place, _, text = key.decode().rpartition(":")
        collection, _, alone = place.partition("/")
        if not alone:
            if value is None:
                raise ValueError("a root is never taken back")
            _root(value), _children(value)  # looked at now: later nobody expects one that is none of ours
            self._roots.setdefault(collection, {})[int(text)] = value
        elif value is None:
            self._alone.get((collection, alone), {}).pop(int(text), None)
        else:
            self._alone.setdefault((collection, alone), {})[int(text)] = Child(*orjson.loads(value))

    def settle(self) -> None:
        """Work out which root shows each child."""
        self._shown_by.clear()
        self._robbed.clear()
        for scope, entries in self._roots.items():
            for id, entry in entries.items():
                self._give_to(scope, id, _root(entry).sequence, _children(entry))


def _root(entry: bytes) -> Root:
    *parts, _ = orjson.loads(entry)
    return Root(*parts)


def _children(entry: bytes) -> Children:
    children = orjson.loads(entry)[-1]
    if not isinstance(children, dict):
        raise TypeError("no children")
    return children


def _entry(parts: list[object]) -> bytes:
    # A copy: what orjson hands out keeps hold of the kilobyte and more that it was written into.
    return bytes(memoryview(orjson.dumps(parts)))
