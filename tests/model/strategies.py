"""Capture as it is, and as it is done elsewhere: naive strategies, of which each must miss something."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock
from weakref import WeakKeyDictionary

from plumbing.clock import utc_now
from producers import documents, following, thin_pages
from producers.changes import Changes
from producers.documents import Thin
from producers.glimpses import Glimpses
from producers.index import Index
from producers.lateness import Lateness
from producers.publisher import Published, Publisher
from producers.reader import Page
from tests.model.town import Losable

PATCHES = list[contextlib.AbstractContextManager[Any]]


async def _in_turn(work: Callable[..., Any], *arguments: Any) -> Any:
    """As a thread that is done in a moment: others have their turns before and after. One history takes one course."""
    await asyncio.sleep(0)
    done = work(*arguments)
    await asyncio.sleep(0)
    return done


@dataclass(frozen=True)
class Strategy:
    """A way to capture. `patches` makes what replaces parts of the real code."""

    name: str
    patches: Callable[[], PATCHES] = field(default=list)
    sweeps: bool = True
    told: bool = False
    """Checked with histories of what a poller is told of: it has to fail for its own fault, not for want of sweeps."""

    @contextlib.contextmanager
    def patched(self) -> Iterator[None]:
        """With thin pages of few rows, so that paging takes part."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.object(thin_pages, "PAGE", 4))
            stack.enter_context(mock.patch("producers.sweep.PAGE", 4))
            # A history is too short for a hundred looks.
            stack.enter_context(mock.patch("producers.lateness._ENOUGH", 2))
            stack.enter_context(mock.patch("asyncio.to_thread", _in_turn))
            for patch in self.patches():
                stack.enter_context(patch)
            yield

    @contextlib.contextmanager
    def skewed(self, seconds: int) -> Iterator[None]:
        """While our own clock is off."""
        with mock.patch("producers.publisher.utc_now", side_effect=lambda: utc_now() + timedelta(seconds=seconds)):
            yield


def _no_overlap() -> PATCHES:
    return [mock.patch.object(Lateness, "wide_for", return_value=timedelta(0))]


def _greater_than() -> PATCHES:
    real = documents.changed_since

    def after(low: datetime, after: tuple[str, int] | None, column: str = "updated_at") -> list[dict[str, Any]]:
        if after is not None or column != "updated_at":
            return real(low, after, column)
        return [{"datetime_fields": [{"attribute": column, "operator": "GT", "search_value": low.isoformat()}]}]

    return [*_no_overlap(), mock.patch.object(documents, "changed_since", after)]


def _page_numbers() -> PATCHES:
    async def read(self: Changes, thins: list[Thin], lows: Sequence[datetime], _: Any) -> AsyncIterator[Any]:
        for place, (thin, low) in enumerate(zip(thins, lows, strict=True)):
            search = documents.changed_since(low, None)
            number = 1
            while True:
                document = documents.thin_document([thin]).replace("page: 1", f"page: {number}")
                answer = await self._client.query(document, {"s0": search, "n": thin_pages.PAGE})
                page = answer.data["c0"]["entities"]
                yield place, [row for row in page if row is not None]
                if len(page) < thin_pages.PAGE:
                    break
                number += 1

    return [*_no_overlap(), mock.patch.object(Changes, "_read", read)]


def _client_clock() -> PATCHES:
    real = following.Following.__init__

    def begun(self: following.Following, *arguments: Any, **options: Any) -> None:
        told = options["server_time"]
        real(self, *arguments, **{**options, "server_time": lambda: told() + timedelta(seconds=30)})

    return [mock.patch.object(following.Following, "__init__", begun)]


def _by_version() -> PATCHES:
    real, read = Publisher.row, WeakKeyDictionary[Index, dict[tuple[str, int], str]]()

    def row(self: Publisher, aggregate: Any, row: Any, shown: Any, page: Page, *, snapshot: bool) -> Any:
        id, version, versions = int(row.id), str(row._version), read.setdefault(self._index, {})
        known = self._index.root(aggregate.root.name, id)
        if known is not None and not known.deleted and version < versions.get((aggregate.name, id), ""):
            return Published.STALE
        versions[aggregate.name, id] = version
        return real(self, aggregate, row, shown, page, snapshot=snapshot)

    return [mock.patch.object(Publisher, "row", row)]


def _no_child_index() -> PATCHES:
    return [
        mock.patch.object(Index, "child", return_value=None),
        mock.patch.object(Index, "robbed", return_value=[]),
    ]


def _no_glimpses() -> PATCHES:
    return [mock.patch.object(Glimpses, "note")]


def _no_fence() -> PATCHES:
    return [mock.patch.object(Losable, "check", lambda self: self.passed())]


OURS = Strategy("ours")
TOLD = Strategy("ours without sweeps", sweeps=False, told=True)
"""What the naive ones are measured against: it misses nothing that a poller is told of."""
NAIVE = (
    Strategy("a cursor that asks for what is greater", _greater_than, sweeps=False, told=True),
    Strategy("page numbers", _page_numbers, sweeps=False, told=True),
    Strategy("the client's clock", _client_clock, sweeps=False, told=True),
    Strategy("no overlap", _no_overlap, sweeps=False, told=True),
    Strategy("no sweep", sweeps=False),
    Strategy("ordering by _version", _by_version, told=True),
    Strategy("no child index", _no_child_index, sweeps=False, told=True),
    Strategy("a lease that nobody checks", _no_fence, told=True),
    Strategy("no memory of what re-read roots showed of look-ups", _no_glimpses, told=True),
)
"""Each with what it must fail for; where sweeps would mend it in the end, without them."""
