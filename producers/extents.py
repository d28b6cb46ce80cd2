"""How many rows Sonar has, by its own counts: nothing is read for it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from clients.sonar import SonarClient, entities_of
from clients.sonar_errors import (
    UNSERVED,
    IncompletePage,
    SonarFailed,
    SonarForbidden,
    SonarGraphqlError,
    SonarQueryInvalid,
    SonarTimeout,
)
from plumbing.errors import SyncError
from producers import patience
from producers.documents import extent_document, extents_document
from producers.patience import FEW_ATTEMPTS
from producers.sizes import PageSize

log = structlog.get_logger()

_IN_VAIN = 5
"""After so many collections that cannot be counted, none between them that can, it is Sonar that fails."""
_TOGETHER = 150
"""Collections in one request: Sonar counts requests, and clients are known to send up to 200 fields in one."""


class Extent(NamedTuple):
    """How large a collection is."""

    rows: int | None
    """None where the collection cannot count."""
    newest: int
    """The highest id; 0 where there is nothing."""

    @property
    def most(self) -> int:
        """At most so many rows: where it cannot count, the newest id."""
        return self.newest if self.rows is None else self.rows


async def read_extent(
    client: SonarClient,
    collection: str,
    search: Sequence[Mapping[str, Any]] = (),
    *,
    archived: bool = False,
    attempts: int | None = None,
) -> Extent:
    """Ask a collection how many rows `search` finds, all when it is empty. `attempts`: as in `patience.ask`.

    Raises:
        SyncError: from the client.
    """
    variables = {"search": search} if search else {}

    async def ask(*, counted: bool) -> Extent:
        document = extent_document(collection, archived=archived, counted=counted, searched=bool(search))
        answer = await patience.ask(client, document, variables, attempts)
        return _extent(answer.data[collection], counted=counted)

    try:
        return await ask(counted=True)
    except SonarGraphqlError as exc:
        if not exc.about_counting:
            raise
    return await ask(counted=False)


async def read_extents(client: SonarClient, collections: Sequence[tuple[str, bool]]) -> list[Extent | SyncError]:
    """Of each collection (and whether archived rows count) how large it is, or why that cannot be known.

    All in one request, as far as no collection spoils it for the others and Sonar can bear it. After some that fail one
    after the other the rest is not asked for: it has the last one's error.

    Raises:
        SyncError: from the client, of what concerns no collection alone.
    """
    return await _together(client, collections, PageSize(_TOGETHER), [], None)


async def _together(
    client: SonarClient,
    collections: Sequence[tuple[str, bool]],
    size: PageSize,
    in_vain: list[SyncError],
    attempts: int | None,
) -> list[Extent | SyncError]:
    """As `read_extents`. `size`: of collections in one request, as Sonar bears them. `in_vain`: why the last ones could
    not be had. `attempts`: at those of which some have failed together already."""
    if len(in_vain) == _IN_VAIN:
        return [in_vain[-1]] * len(collections)
    if len(collections) == 1:
        name, archived = collections[0]
        try:
            extent = await read_extent(client, name, archived=archived, attempts=FEW_ATTEMPTS)
        except SonarQueryInvalid:
            raise
        except UNSERVED as exc:
            if not isinstance(exc, SonarForbidden):
                in_vain.append(exc)
            return [exc]
        in_vain.clear()
        return [extent]
    if len(collections) <= size.rows:
        try:
            data = (await patience.ask(client, extents_document(collections), {}, attempts)).data
            extents = [_extent(data[f"c{place}"], counted=True) for place in range(len(collections))]
        except (SonarTimeout, SonarFailed) as exc:
            log.warning("capture.fewer_counted", collections=size.halve(len(collections)), error=exc.code)
        except (SonarGraphqlError, IncompletePage):
            pass  # the half without the one that spoils it is whole
        else:
            in_vain.clear()
            return [*extents]
    middle = len(collections) // 2
    first = await _together(client, collections[:middle], size, in_vain, FEW_ATTEMPTS)
    return first + await _together(client, collections[middle:], size, in_vain, FEW_ATTEMPTS)


def _extent(connection: Any, *, counted: bool) -> Extent:
    newest = entities_of(connection, asked=1, counted=counted)
    total = int(connection["page_info"]["total_count"]) if counted else None
    return Extent(total, int(newest[0]["id"]) if newest else 0)
