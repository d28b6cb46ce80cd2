"""Rows put back over REST: intent, call, read-back, and the ledger's entry, which the caller makes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from clients.mysql import Transaction
from sinks.bodies import Shape, differing
from sinks.calls import Call, Calls
from sinks.entries import Owner
from sinks.plan import Document, Step, Verb
from sinks.planned import Planned
from sinks.rest_rows import Item
from sinks.site import Site
from sinks.undo import action_of
from sinks.undo_rows import document_after, image_of


@dataclass(frozen=True)
class TakenBack:
    """What the ledger is to keep of a record: its row and document as they are now, and the image of before."""

    planned: Planned
    target_id: int
    revision: int
    document: Document
    before: Mapping[str, Any]


Enter = Callable[[Transaction, TakenBack], Awaitable[None]]
"""Keeps it, in the transaction that ends its call."""


class RowsBack:
    """Puts rows back."""

    def __init__(self, site: Site) -> None:
        self._client, self._db = site.client, site.db
        self._calls = Calls(site.db, site.ledger, site.client.settings.timeout_seconds)

    async def take_back(self, planned: Planned, owner: Owner, shape: Shape, enter: Enter) -> Planned:
        """Bring a record that was looked at to what it was.

        Raises:
            RecordRefused: Splynx does not take it.
            SplynxUnreachable, Fenced, CutOver, Overtaken: repeating goes on.
        """
        assert planned.owned is not None
        known = planned.owned.known
        document = document_after(planned.undo, shape, known.document, planned.body)
        before = image_of(planned.current, planned.sent, planned.ahead)
        return await self.put(
            planned, owner, TakenBack(planned, known.target_id, known.revision, document, before), enter
        )

    async def put(self, planned: Planned, owner: Owner, back: TakenBack, enter: Enter) -> Planned:
        """Change the row, where something of it is to change, and have `back` kept. Raises as `take_back`."""
        call: Call | None = None
        if planned.sent and planned.item is not None:
            call, planned = await self._call(planned, owner, planned.item)

        async def keep(tx: Transaction) -> None:
            await enter(tx, replace(back, planned=planned))
            if call is not None:
                await self._calls.done(tx, call)

        await self._db.retried(keep)
        return planned

    async def step_aside(self, planned: Planned, owner: Owner) -> None:
        """Free the values that Splynx takes once only, for a record of the part that returns to them.

        The ledger keeps what was written last: a record that stands aside is known by what it has meanwhile.
        """
        await self._exchange(planned, owner, planned.standing_aside())

    async def step_back(self, planned: Planned, owner: Owner) -> None:
        """Have a record that stands aside get again what was written last."""
        standing = planned.standing_aside()
        await self._exchange(planned, owner, {name: planned.ahead[name] for name in standing if name in planned.ahead})

    async def _exchange(self, planned: Planned, owner: Owner, values: Document) -> None:
        if not values or planned.item is None or all(str(planned.current.get(n)) == v for n, v in values.items()):
            return
        call, _ = await self._call(replace(planned, sent=values), owner, planned.item)
        async with self._db.transaction() as tx:
            await self._calls.done(tx, call)

    async def _call(self, planned: Planned, owner: Owner, item: Item) -> tuple[Call, Planned]:
        assert planned.owned is not None
        known = planned.owned.known
        step = Step(Verb.CHANGE, planned.target, planned.key, "", None, known)
        action = action_of(planned.undo, known, money=planned.target.money)
        async with self._calls.begun("PUT", step, owner, known.target_id, planned.sent, action) as call:
            await self._client.put(*item, planned.sent, deadline=call.latest, told=call.hear)
        read = await self._client.get(*item)
        if wrong := differing(planned.sent, read):
            planned = planned.because(f"Splynx keeps otherwise: {', '.join(wrong)}")
        return call, planned
