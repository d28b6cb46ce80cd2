"""Roots whose events may be on the topics though the index does not tell: what a kill between the two leaves behind.

Were the source to look again as the index remembers it, the newer event would stand for ever.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from producers.cursors import Cursors
from producers.families import Root
from producers.index import Index
from producers.versions import NONE

_CURSOR = "unsure"
_ANY = 1
"""A version that no row has: whoever looks finds that it differs."""


class Sent(NamedTuple):
    """An event that is about to be handed over."""

    collection: str
    id: int
    sequence: int
    owner: int | None


async def about_to_send(cursors: Cursors, events: Iterable[Sent]) -> None:
    """Note what is about to be sent. One commit follows the other: of earlier ones the index has every entry."""
    roots: dict[str, list[tuple[int, int, int | None]]] = {}
    for one in events:
        roots.setdefault(one.collection, []).append((one.id, one.sequence, one.owner))
    if roots:
        await cursors.save(_CURSOR, {"roots": roots})


def doubt(cursors: Cursors, index: Index) -> None:
    """Let the index take what was sent last, and what it has no entry of, for changed: it is published again."""
    document: Mapping[str, Mapping[str, list[tuple[int, int, int | None]]]] = cursors.get(_CURSOR) or {}
    for collection, events in document.get("roots", {}).items():
        for id, sequence, owner in events:
            known = index.root(collection, id)
            if known is None or known.sequence < sequence:
                index.set_root(collection, id, Root(owner, _ANY, sequence, NONE))
