"""Nested lists to their end: what fills its page is read on, for many owners in one request."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import structlog
from msgspec import UNSET, UnsetType

from clients.sonar import SonarClient, entities_of
from clients.sonar_answers import Connection, Into, into
from clients.sonar_errors import IncompletePage, SonarFailed, SonarGraphqlError, SonarTimeout
from clients.sonar_schema import SonarSchema
from producers import documents
from producers.layout import Branch, Full, flatten
from producers.sizes import PageSize

log = structlog.get_logger()

NESTED_PAGE = 10
"""Nested rows asked for in the page of the roots (or `Few`); a list that is full is read on by itself."""
_ROWS_OF_ONE = 100
"""Rows asked for, at least, of each list that is read on together with others; few are longer."""


class Nested:
    """Completes the nested lists of rows that were read."""

    def __init__(self, client: SonarClient, schema: SonarSchema, *, page_size: int, node_limit: int) -> None:
        self._client, self._schema = client, schema
        self._page_size, self._node_limit = page_size, node_limit
        self._uncounted: set[tuple[str, str]] = set()
        self._sizes: dict[tuple[str, str], PageSize] = {}
        """Of each list, by the type of its owners and its field: its rows in one request, as Sonar bears them."""
        self._intos: dict[type[msgspec.Struct], Into] = {}
        """By the layout of the rows, of which each branch has its own."""

    async def complete(self, rows: Sequence[Any], branches: Sequence[Branch], full: int) -> None:
        """Make the connections of `rows` lists, in place, each of them whole. A page was asked for with `full` rows.

        `branches`: those that are folded (`producers.layout`).

        Raises:
            IncompletePage: a list cannot be read to its end, or its owner went away meanwhile.
            SonarTimeout, SonarFailed: even for one row of one list.
            SyncError: from the client.
        """
        waiting = flatten(rows, branches, full)
        while waiting:
            read: list[tuple[Branch, list[Any]]] = []
            for branch, owners in _by_branch(waiting):
                await self._read(branch, owners)
                read += [(branch, getattr(same[0], branch.name)) for same in owners.values()]
            waiting = [deeper for branch, found in read for deeper in flatten(found, branch.folded, full)]

    async def _read(self, branch: Branch, owners: Mapping[int, Sequence[Any]]) -> None:
        """`{id: rows that show this owner}`: it is read once, and all of them have its list in common."""
        # As many rows of each as there is room for, and no more owners at once than leave room for a good many.
        room = self._node_limit // weight(branch.branches)
        rest = iter(owners)
        while part := list(islice(rest, max(1, min(self._page_size, room // _ROWS_OF_ONE)))):
            most = max(1, min(self._page_size, room // len(part)))
            found = await self._together(branch, part, most)
            for id in part:
                rows, total = found.get(id, ([], None))
                whole = await self._rest(branch, id, rows, total, most)
                for one in owners[id]:
                    setattr(one, branch.name, whole)

    async def _together(self, branch: Branch, ids: Sequence[int], most: int) -> dict[int, tuple[list[Any], int]]:
        """`{id: (its first rows, how many there are)}`, as far as Sonar counts them and shows the owners at once.

        Of each at most `most` rows are asked for.
        """
        if (branch.owner_type, branch.field) in self._uncounted:
            return {}
        size = self._size(branch)
        each = min(most, size.rows)
        collection, archived = self._owners(branch)
        document = documents.lists_document(
            collection, branch.field, documents.inner_text(branch.selection), archived=archived
        )
        try:
            answer = await self._client.query(
                document,
                {"owners": documents.any_of(ids), "m": len(ids), "n": each},
                again_after_timeout=False,
                into=self._into(branch),
            )
        except (SonarTimeout, SonarFailed) as exc:
            if len(ids) == 1:
                self._fewer(branch, each, exc)
            return {}  # one by one, and uncounted, it may bear them
        except SonarGraphqlError as exc:
            if not exc.about_counting:
                raise
            self._uncounted.add((branch.owner_type, branch.field))
            return {}
        found = {}
        for owner in entities_of(answer.data.get(collection), asked=len(ids), counted=False):
            rows = entities_of(owner.rows, asked=each, counted=True)
            found[owner.id] = rows, owner.rows.page_info["total_count"]
        # Short lists say nothing of how many rows Sonar bears: only what was found counts.
        size.bore(max((len(rows) for rows, _ in found.values()), default=0))
        return found

    async def _rest(self, branch: Branch, id: int, rows: list[Any], total: int | None, most: int) -> list[Any]:
        """All rows of one list that begins with `rows`, by keyset; where nobody counted them until a page is empty.

        At most `most` rows are asked for at once, fewer where they are too many for Sonar.
        """
        size = self._size(branch)
        collection, archived = self._owners(branch)
        document = documents.nested_document(
            collection, branch.field, documents.inner_text(branch.selection), archived=archived
        )
        while total is None or len(rows) < total:
            each, last = min(most, size.rows), rows[-1].id if rows else 0
            try:
                answer = await self._client.query(
                    document,
                    {"id": id, "search": documents.after_id(last), "n": each},
                    again_after_timeout=each == 1,
                    into=self._into(branch),
                )
            except (SonarTimeout, SonarFailed) as exc:
                if each == 1:
                    raise
                self._fewer(branch, each, exc)
                continue
            owners = entities_of(answer.data.get(collection), asked=1, counted=False)
            if not owners:
                raise IncompletePage(f"the {branch.owner_type} went away while its {branch.field} was read")
            more = entities_of(owners[0].rows, asked=each, counted=False)
            if not more:
                break
            rows += more
            size.bore(len(more))
        return rows

    def _size(self, branch: Branch) -> PageSize:
        return self._sizes.setdefault((branch.owner_type, branch.field), PageSize(self._page_size))

    def _fewer(self, branch: Branch, asked: int, error: SonarTimeout | SonarFailed) -> None:
        """`asked` rows of one list were too many for Sonar."""
        rows = self._size(branch).halve(asked)
        log.warning(
            "capture.list_halved", owner_type=branch.owner_type, field=branch.field, rows=rows, error=error.code
        )

    def _into(self, branch: Branch) -> Into:
        """What reads answers of owners that show the branch."""
        found = self._intos.get(branch.row)
        if found is None:
            rows = Connection[branch.row] | None  # type: ignore[name-defined]  # made at run time
            fields = [("id", int | UnsetType, UNSET), ("rows", rows, None)]
            found = into(msgspec.defstruct("Owner", fields, rename={"rows": branch.field}, gc=False))
            self._intos[branch.row] = found
        return found

    def _owners(self, branch: Branch) -> tuple[str, bool]:
        """The collection that the owners can be asked from by id, and whether it hides archived ones unless asked."""
        collection = self._schema.collection_of(branch.owner_type)
        if collection is None:
            raise IncompletePage(f"{branch.owner_type}.{branch.field} is full and its owners cannot be asked by id")
        argument = self._schema.field_type("Query", collection)
        return collection, argument is not None and "include_archived" in argument.arguments


def weight(branches: Sequence[Branch]) -> int:
    """Nodes that one row may bring at most: itself, to-one relations, nested pages times theirs."""
    return 1 + sum(((one.few or NESTED_PAGE) if one.many else 1) * weight(one.branches) for one in branches)


def _by_branch(lists: Sequence[Full]) -> Iterator[tuple[Branch, dict[int, list[Any]]]]:
    """Each branch with `{id of an owner: its rows}`: what many rows of a page belong to is shown by each of them."""
    branches = {id(one.branch): one.branch for one in lists}
    owners: dict[int, dict[int, list[Any]]] = {place: {} for place in branches}
    for one in lists:
        owners[id(one.branch)].setdefault(one.row.id, []).append(one.row)
    for place, branch in branches.items():
        yield branch, owners[place]
