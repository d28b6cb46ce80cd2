"""References in a row's lists that others put there: labels that the ISP's staff gave stay."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from clients.mysql import Database
from sinks.bodies import ids_in, with_foreign
from sinks.plan import Document
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

    async def keep(self, lists: Mapping[str, str], body: Document, current: Mapping[str, Any]) -> None:
        """Put others' references into `body`. `lists`: its lists of references, and to what (`Shape.lists`)."""
        for name, entity in lists.items():
            if name in current and name in body:
                body[name] = with_foreign(body[name], current[name], await self._ours_of(entity))

    async def ours(
        self, lists: Mapping[str, str], row: Mapping[str, Any], *written: Mapping[str, Any]
    ) -> dict[str, list[int]]:
        """`{list: its members that are ours}` of a row: of rows that we made, or that are, or were, written into it."""
        found = {}
        for name, entity in lists.items():
            if name in row:
                made = {*await self._ours_of(entity), *(id for one in written for id in ids_in(one.get(name)))}
                found[name] = [id for id in ids_in(row[name]) if id in made]
        return found

    async def _ours_of(self, entity: str) -> Collection[int]:
        async with self._looking:
            if entity not in self._ours:
                async with self._db.session() as tx:
                    self._ours[entity] = (await self._ledger.ids_of(tx, entity)).values()
        return self._ours[entity]
