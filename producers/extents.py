"""How many rows Sonar has, by its own counts: nothing is read for it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from clients.sonar import SonarClient, entities_of
from clients.sonar_errors import SonarGraphqlError
from producers.documents import extent_document


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
    client: SonarClient, collection: str, search: Sequence[Mapping[str, Any]] = (), *, archived: bool = False
) -> Extent:
    """Ask a collection how many rows `search` finds, all when it is empty.

    Raises:
        SyncError: from the client.
    """
    variables = {"search": search} if search else {}

    async def ask(*, counted: bool) -> Extent:
        document = extent_document(collection, archived=archived, counted=counted, searched=bool(search))
        found = (await client.query(document, variables)).data[collection]
        newest = entities_of(found, asked=1, counted=counted)
        total = int(found["page_info"]["total_count"]) if counted else None
        return Extent(total, int(newest[0]["id"]) if newest else 0)

    try:
        return await ask(counted=True)
    except SonarGraphqlError as exc:
        if not exc.about_counting:
            raise
    return await ask(counted=False)
