"""What the index knows, in memory: roots with the children that they show, and rows that stand with no root. Packed."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from typing import NamedTuple

from producers.packed import Packed
from producers.versions import NONE

_KIND_BITS = 6
"""Of a child's key, below its id: which of its scope's collections it is in."""
_KIND = (1 << _KIND_BITS) - 1
_PART_BITS = 14
"""Of an id, below what is sorted by itself."""
_NOBODY = -1
"""In place of the id of an owner or root, where there is none."""

Children = Mapping[str, Mapping[int, int]]
"""`{collection: {id: version}}`: what a root showed."""


class Root(NamedTuple):
    """The state of a root as it was last published. Version and digest as `producers.versions` makes them."""

    owner: int | None
    version: int
    sequence: int
    digest: int

    @property
    def deleted(self) -> bool:
        """Whether a delete was the last that was published."""
        return self.version == NONE

    @property
    def in_doubt(self) -> bool:
        """Whether nobody knows what of it was published last: its event was sent, or not, when a process ended."""
        return self.digest == NONE and not self.deleted


class Child(NamedTuple):
    """A child row: the root that shows it (None: it belongs to none that we read), and its version.

    Of a look-up: the row that it belongs to, where its declaration names one.
    """

    root: int | None
    version: int


class Family:
    """The roots of one collection, and all their children. A child belongs to one root, to that which was read last.

    The children of a root are chained, each to the next, so that those that it no longer shows are found.
    """

    def __init__(self) -> None:
        self._roots, self._children = Packed("iqqqI"), Packed("iqI")
        self._name_columns()
        self._kinds: dict[str, int] = {}
        self._live = 0
        self._names, self._counts = [""], [0]
        """Of each kind, from 1: its collection, and how many children in it a root shows."""
        self.robbed: dict[int, set[tuple[str, int]]] = {}
        """`{root: children}`: what a root was published with and another, read later, shows as its own.

        A root that is deleted is not among them: nothing could be read of it again.
        """

    def _name_columns(self) -> None:
        self._owners, self._versions, self._sequences, self._digests, self._firsts = self._roots.columns
        """`_firsts`: the place of a root's first child, 0 where it has none."""
        self._holders, self._child_versions, self._nexts = self._children.columns
        """`_holders`: the id of a child's root, 0 where none shows it any more. `_nexts`: the place of the next."""

    def __len__(self) -> int:
        """How many roots are not deleted."""
        return self._live

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever published of them, no delete either."""
        return not len(self._roots)

    def root(self, id: int) -> Root | None:
        """What was last published of a root; None: nothing."""
        place = self._roots.find(id)
        if not place:
            return None
        owner = self._owners[place]
        return Root(
            None if owner == _NOBODY else owner,
            self._versions[place],
            self._sequences[place],
            self._digests[place],
        )

    def live(self, since: int = 0) -> Sequence[int]:
        """Ids of the roots that are not deleted, ascending; of those that were read from the sequence `since` on."""
        keys, versions = self._roots.keys, self._versions
        if since:
            versions = array("q", (v * (at >= since) for v, at in zip(versions, self._sequences, strict=True)))
        return _ascending(compress(keys, versions))

    def in_doubt(self) -> Sequence[int]:
        """Ids of the roots that are in doubt, ascending."""
        each = zip(self._roots.keys, self._versions, self._digests, strict=True)
        return _ascending(id for id, version, digest in each if digest == NONE and version != NONE)

    def child(self, collection: str, id: int) -> Child | None:
        """The root that shows a child; None: none does."""
        place = self._children.find(id << _KIND_BITS | self._kinds.get(collection, 0))
        if not place or not self._holders[place]:
            return None
        return Child(self._holders[place], self._child_versions[place])

    def shown(self, collection: str) -> Sequence[int]:
        """Ids of the children that a root shows, ascending."""
        kind = self._kinds.get(collection, 0)
        keys = compress(self._children.keys, self._holders)
        return _ascending(key >> _KIND_BITS for key in keys if key & _KIND == kind)

    def count(self, collection: str) -> int:
        """How many children of a collection a root shows."""
        return self._counts[self._kinds.get(collection, 0)]

    def children(self, id: int) -> Children:
        """The children of a root."""
        found: dict[str, dict[int, int]] = {}
        for place in self._chain(self._roots.find(id)):
            key = self._children.keys[place]
            found.setdefault(self._names[key & _KIND], {})[key >> _KIND_BITS] = self._child_versions[place]
        return found

    def put(self, id: int, root: Root, children: Children | None) -> None:
        """Note a root; without `children` it keeps those that it had."""
        try:
            self._put(id, root, children)
        except OverflowError:
            self._roots.widen()
            self._children.widen()
            self._name_columns()
            self._put(id, root, children)

    def _put(self, id: int, root: Root, children: Children | None) -> None:
        # What overflows does so before anything is counted, so that it can be done again from the beginning.
        place = self._roots.place_of(id)
        self._owners[place] = _NOBODY if root.owner is None else root.owner
        self._live += (not root.deleted) - (self._versions[place] != NONE)
        self._versions[place], self._sequences[place], self._digests[place] = root.version, root.sequence, root.digest
        if children is not None or root.deleted:
            self.robbed.pop(id, None)
        if children or (children is not None and self._firsts[place]):
            self._show(place, id, children)

    def _show(self, place: int, id: int, children: Children) -> None:
        before, shown = list(self._chain(place)) if self._firsts[place] else [], list[int]()
        holders, versions, place_of = self._holders, self._child_versions, self._children.place_of
        for collection, ids in children.items():
            kind = self._kind(collection)
            for child, version in ids.items():
                at = place_of(child << _KIND_BITS | kind)
                holder = holders[at]
                if holder == 0:
                    self._counts[kind] += 1
                elif holder != id and not self._takes(place, id, holder, at, (collection, child)):
                    continue
                holders[at], versions[at] = id, version
                shown.append(at)
        if shown != before:
            for at in set(before).difference(shown):
                holders[at] = 0
                self._counts[self._children.keys[at] & _KIND] -= 1
            self._link(place, shown)

    def _takes(self, place: int, id: int, holder: int, at: int, child: tuple[str, int]) -> bool:
        """Of two roots that show a child it belongs to the one that was read later; the other has to be read again."""
        other = self._roots.find(holder)
        takes = self._sequences[other] <= self._sequences[place]
        if self._versions[other if takes else place] != NONE:
            self.robbed.setdefault(holder if takes else id, set()).add(child)
        if takes:
            self._link(other, [each for each in self._chain(other) if each != at])
        return takes

    def _chain(self, root: int) -> Iterator[int]:
        at = self._firsts[root]
        while at:
            yield at
            at = self._nexts[at]

    def _link(self, root: int, children: list[int]) -> None:
        nexts, following = self._nexts, 0
        for at in reversed(children):
            nexts[at] = following
            following = at
        self._firsts[root] = following

    def _kind(self, collection: str) -> int:
        kind = self._kinds.get(collection)
        if kind is None:
            kind = self._kinds[collection] = len(self._names)
            self._names.append(collection)
            self._counts.append(0)
            assert kind <= _KIND, "more collections of children than a key has room for"
        return kind


class Strays:
    """Rows of one collection that no root shows."""

    def __init__(self) -> None:
        self._rows = Packed("iq")
        self._name_columns()
        self._count = 0

    def _name_columns(self) -> None:
        self._roots, self._versions = self._rows.columns
        """`_roots`: the id of what a row belongs to, 0 where it is a stray no more."""

    def __len__(self) -> int:
        return self._count

    def get(self, id: int) -> Child | None:
        """What is known of a row; None: nothing."""
        place = self._rows.find(id)
        root = self._roots[place]
        return Child(None if root == _NOBODY else root, self._versions[place]) if root else None

    def put(self, id: int, child: Child | None) -> None:
        """Note a row; None: it is a stray no more."""
        try:
            self._put(id, child)
        except OverflowError:
            self._rows.widen()
            self._name_columns()
            self._put(id, child)

    def _put(self, id: int, child: Child | None) -> None:
        place = self._rows.place_of(id)
        known = self._roots[place] != 0
        if child is None:
            self._roots[place] = 0
        else:
            self._roots[place], self._versions[place] = _NOBODY if child.root is None else child.root, child.version
        self._count += (child is not None) - known

    def owned(self) -> Sequence[int]:
        """Ids of the rows that belong to something, ascending."""
        return _ascending(id for id, root in zip(self._rows.keys, self._roots, strict=True) if root > 0)


def _ascending(ids: Iterable[int]) -> Sequence[int]:
    """Sorted some thousands at a time: a list of Python's numbers takes forty bytes for each."""
    parts: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))
    for id in ids:
        parts[id >> _PART_BITS].append(id)
    found = array("q")
    for high in sorted(parts):
        found.extend(sorted(parts.pop(high)))
    return found
