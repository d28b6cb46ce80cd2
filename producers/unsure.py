"""Roots whose events may be on the topics though the index does not tell: what a kill between the two leaves behind.

Were the source to look again as the index remembers it, the newer event would stand for ever. Nor is anybody led to
such a root by what the event showed and the index does not know of: following reads each of them again.
"""

from collections.abc import Iterable, Mapping

from producers.cursors import Cursors, CursorUnusable
from producers.families import Root
from producers.index import Index
from producers.versions import NONE

_CURSOR = "unsure"
_ANY = 1
"""A version that no row has: whoever looks finds that it differs."""


Sent = dict[str, list[tuple[int, int, int | None]]]
"""`{collection: [(id, sequence, owner)]}` of events that are about to be handed over."""


async def about_to_send(cursors: Cursors, events: Sent) -> None:
    """Note what is about to be sent. One commit follows the other: of earlier ones the index has every entry."""
    if events:
        await cursors.save(_CURSOR, {"roots": events})


def require(index: Index, read: Iterable[int]) -> None:
    """See that the index is not lost. `read`: how many rows a snapshot has read, of each aggregate.

    Raises:
        CursorUnusable: it is empty, and rows have been read. Of what was published no delete would be noticed.
    """
    if index.is_empty and any(read):
        raise CursorUnusable(
            "the child index holds no row, and yet rows have been read: its topic was lost",
            remedy="Restore the topic of children from a copy. Without one begin a new instance (another `instance` in"
            " the settings, `crossfade topics --apply`): it reads everything anew.",
        )


def doubt(cursors: Cursors, index: Index) -> None:
    """Let the index take what was sent last, and what it has no entry of, for changed: it is published again."""
    document: Mapping[str, Sent] = cursors.get(_CURSOR) or {}
    for collection, events in document.get("roots", {}).items():
        for id, sequence, owner in events:
            known = index.root(collection, id)
            if known is None or known.sequence < sequence:
                index.set_root(collection, id, Root(owner, _ANY, sequence, NONE))
