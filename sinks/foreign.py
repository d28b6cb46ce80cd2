"""References in a row's lists that others put there: labels that the ISP's staff gave stay."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from clients.mysql import Database
from sinks.bodies import ids_in, with_foreign
from sinks.plan import Document, RefAt
from sinks.store import Ledger


class Foreign:
    """Tells ours from others'. What is ours is looked up once in a batch, by whoever needs it first.

    That is enough: what this process put on a row was entered in an earlier batch, or in this one before the rows that
    refer to it.
    """

    def __init__(self, db: Database, ledger: Ledger) -> None:
        self._db, self._ledger = db, ledger
        self._ours: dict[str, Collection[int]] = {}
        self._looking = asyncio.Lock()

    def forget(self) -> None:
        """A new batch begins."""
        self._ours.clear()

    async def keep(self, document: Document, refs: Sequence[RefAt], body: Document, current: Mapping[str, Any]) -> None:
        """Put others' references into the lists of `body`, the request that a record's `document` becomes."""
        entities = {ref.field: ref.entity for ref in refs}
        for name, value in document.items():
            if isinstance(value, list) and name in current and name in body:
                # An empty list names no entity: what is ours is then looked up among all labels.
                ours = await self._ours_of(entities.get(name, "label"))
                body[name] = with_foreign(body[name], current[name], ours)

    async def ours(self, refs: Sequence[RefAt], row: Mapping[str, Any], names: Collection[str]) -> dict[str, list[int]]:
        """`{list: its members that are ours}` of these lists of a row."""
        entities = {ref.field: ref.entity for ref in refs}
        return {
            name: sorted(set(ids_in(row[name])) & set(await self._ours_of(entities.get(name, "label"))))
            for name in names
            if name in row
        }

    async def _ours_of(self, entity: str) -> Collection[int]:
        async with self._looking:
            if entity not in self._ours:
                async with self._db.session() as tx:
                    self._ours[entity] = (await self._ledger.ids_of(tx, entity)).values()
        return self._ours[entity]
