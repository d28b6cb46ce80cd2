"""What a rollback would take back: the journal's entries, the crosswalk, and each row as Splynx has it now."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import replace

from clients.mysql import Row, Transaction
from clients.splynx_errors import RecordMissing
from plumbing.errors import ConfigurationError
from plumbing.lanes import in_lanes
from schemas.aggregate import Target, WritePath
from schemas.catalogue import TARGETS
from schemas.ledger import LIVE
from schemas.ownership import DECLARED
from schemas.write_paths import WritePaths
from sinks.bodies import Shape, changed, same
from sinks.errors import RowMissing
from sinks.handles import Handles
from sinks.payment_edits import PaymentEdits
from sinks.payment_rows import PaymentRows, alike, live_rows
from sinks.plan import CLOSED, can_be_closed, refs_of, resolved
from sinks.planned import Planned, lane_of
from sinks.rollback_documents import DocumentLooks
from sinks.site import Site
from sinks.store import Intent, Key
from sinks.tables.crosswalk import Owned
from sinks.tables.journal import Chosen, Writes
from sinks.threeway import came_through
from sinks.undo import Entry, Way, left, undo_of, written_for
from sinks.undo_rows import ahead_of, body_of, edited, names_in, written_of

_AT_ONCE = 500
Tell = Callable[[str, int, int | None], None]


class Rollback:
    """Plans a rollback. Reads only."""

    def __init__(self, site: Site, short: Mapping[str, Collection[str]], *, money: bool, ways: WritePaths) -> None:
        """`short`: as `startup.short_fields`; `money`: payments may be written."""
        self._site, self._money, self._sql, self._ways = site, money, ways.sql, ways
        self._edits: PaymentEdits | None = None
        self._closing = set[Key]()
        """What was looked at and would be closed; where it is closed the ledger tells."""
        self.shapes = {name: Shape(target, short.get(name, ())) for name, target in TARGETS.items()}
        self.documents = DocumentLooks(site, self.shapes)

    async def chosen(self, writes: Writes, *, may_be_none: bool = False) -> Chosen:
        """What the writes are about.

        Raises:
            ConfigurationError: there are no such writes.
            SyncError: the ledger does not answer.
        """
        ledger = self._site.ledger
        async with self._site.db.session() as tx:
            chosen = await ledger.chosen(tx, writes) if await ledger.exists(tx) else Chosen(writes, {}, 0, 0)
        if not (may_be_none or chosen.records.keys() & TARGETS.keys()):
            raise ConfigurationError(
                "the journal holds no such writes",
                remedy="`crossfade trace` shows each write of a record with its run and time.",
            )
        return chosen

    async def begun(self, writes: Writes) -> list[Intent]:
        """Calls of these writes of which nobody knows yet what became: the journal has them when that is found out.

        Raises:
            SyncError: the ledger does not answer.
        """
        async with self._site.db.session() as tx:
            there = await self._site.ledger.exists(tx)
            intents = await self._site.ledger.every_open_intent(tx) if there else []
        wanted = (writes.run_id, writes.batch)
        return [one for one in intents if all(w in (None, of) for w, of in zip(wanted, one.run, strict=True))]

    async def parts(self, chosen: Chosen) -> AsyncGenerator[list[Planned], None]:
        """Every record that the writes are about, in the order in which they are undone: dependants and newest first.

        What is opened again comes last, dependants behind what they depend on. So many at a time, each part of one
        kind; what each row is now, is not looked at yet. To be closed by who does not go through all of them.

        Raises:
            SyncError: the ledger does not answer.
        """
        passes = [(entity, False) for entity in reversed(list(TARGETS))]
        passes += [(entity, True) for entity, target in TARGETS.items() if can_be_closed(target)]
        for entity, opening in passes:
            if entity not in chosen.records:
                continue
            async with aclosing(self._pages(chosen, entity)) as pages:
                async for page in pages:
                    if part := [one for one in page if one.undo.opens is opening]:
                        yield part

    async def _pages(self, chosen: Chosen, entity: str) -> AsyncGenerator[list[Planned], None]:
        """All records of an entity. What goes by SQL is planned while the part before is written: nothing of that
        concerns it.

        Not while the first one is: until that has taken the partitions, others may write what would be planned. Nor
        what goes over REST, which takes so long that the plan would be of yesterday.
        """
        part, below = await self._part(chosen, entity, chosen.newest + 1)
        yield part
        is_ahead = self.by_sql(TARGETS[entity]) and self._site.db.settings.pool_size > 1
        ahead: asyncio.Task[tuple[list[Planned], int]] | None = None
        try:
            while below:
                part, below = await (ahead or self._part(chosen, entity, below))
                ahead = asyncio.create_task(self._part(chosen, entity, below)) if below and is_ahead else None
                yield part
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _part(self, chosen: Chosen, entity: str, below: int) -> tuple[list[Planned], int]:
        """Records whose newest chosen entry lies below an id, and the id to go on below; 0 at the end."""
        ledger = self._site.ledger
        async with self._site.db.session() as tx:
            page = await ledger.chosen_entries(tx, chosen, entity, below, _AT_ONCE)
            keys = {(entity, key) for _, key in page}
            entries, owned = await ledger.entries_of(tx, keys), await ledger.owned(tx, keys)
            customer = None
            if chosen.writes.account is not None:
                account = ("customer", str(chosen.writes.account))
                customer = (await ledger.ids(tx, [account])).get(account)
        newest = {id for id, _ in page}
        # One of which a newer entry was chosen, too, was in an earlier part.
        planned = [one for one in _planned(entries, owned, chosen, customer) if one.order in newest]
        planned.sort(key=lambda one: -one.order)
        return planned, page[-1][0] if len(page) == _AT_ONCE else 0

    async def look_at(self, planned: Sequence[Planned]) -> list[Planned]:
        """Records of one part with what each row is now, and so with those that are left because of it."""
        if self.by_sql(planned[0].target):
            return [one.told() for one in await self.look_at_payments(planned)]
        looked = await in_lanes(planned, lane_of, self.look, self._site.client.settings.concurrency)
        self._closing |= {(one.target.entity, one.key) for one in looked if one.sent.get("status") == CLOSED}
        return [one.told() for one in looked]

    def by_sql(self, target: Target) -> bool:
        """Whether its rows go back by SQL: all that may, where Splynx's database is at hand, whatever way they came."""
        return WritePath.SQL in target.ways and (self._sql or WritePath.REST not in target.ways)

    # REST

    async def look(self, planned: Planned) -> Planned:
        """A record that goes over REST, with its row as it is now; left where somebody edited that."""
        if planned.undo.way is Way.LEFT or planned.owned is None:
            return planned
        if planned.target.money:
            return await self.documents.look(planned) if self._money else _without_money(planned)
        known, shape = planned.owned.known, self.shapes[planned.target.entity]
        if not known.document:
            return planned.leave("nobody knows what was written last")
        async with self._site.db.session() as tx:
            refs = refs_of(known.document, shape.required)
            ids = await self._site.ledger.ids(tx, {(ref.entity, ref.key) for ref in refs})
            perhaps = await self._site.ledger.perhaps_sent(tx, (known.entity, known.key), known.sequence)
            ours = {
                entity: set((await self._site.ledger.ids_of(tx, entity)).values()) for entity in shape.lists.values()
            }
        document = resolved(known.document, ids)
        try:
            item = await Handles(self._site.client).item(planned.target, known.target_id, document)
            current = await self._site.client.get(*item)
        except (RecordMissing, RowMissing):
            return planned.leave("its row is no longer in Splynx")
        written = written_of(shape, document, known)
        body = body_of(planned.undo, shape, known.document, current, ours)
        ahead = ahead_of(body, written, current)
        for name, value in planned.standing_aside().items():
            if name in body and name in written and str(current.get(name)) == value:
                ahead[name] = written[name]
        nobodys = names_in(ahead) | came_through(perhaps, current, same)
        if columns := [name for name in edited(planned.undo, shape, written, current) if name not in nobodys]:
            return planned.leave(f"edited in Splynx since: {', '.join(columns)}")
        sent = changed(body, current)
        if sent.get("status") == CLOSED and (running := await self._running_on(planned)) is not None:
            return planned.leave(f"{running[0]} {running[1]} of it runs on, and Splynx would copy it: undo that first")
        return replace(planned, item=item, current=current, body=body, sent=sent, ahead=ahead)

    async def _running_on(self, planned: Planned) -> Key | None:
        """A record that is not closed with the one that it belongs to: a service of another run, or an edited one."""
        assert planned.owned is not None
        owner, me = planned.owned.owner, (planned.target.entity, planned.key)
        async with self._site.db.session() as tx:
            known = (await self._site.ledger.known(tx, [owner])).get(owner, [])
        for one in known:
            belongs = me in {(ref.entity, ref.key) for ref in refs_of(one.document, {})}
            runs = one.state == LIVE and one.document.get("status") != CLOSED and can_be_closed(TARGETS[one.entity])
            if belongs and runs and (one.entity, one.key) not in self._closing:
                return one.entity, one.key
        return None

    # SQL

    async def look_at_payments(self, planned: Sequence[Planned], tx: Transaction | None = None) -> list[Planned]:
        """Payments with their rows as they are now; left where somebody edited or removed them.

        `tx`: the transaction that writes them, in which the rows stay locked.
        """
        if not planned:
            return []
        if not self._sql:
            why = "Splynx's database is not reachable beside the ledger"
            return [one if one.undo.way is Way.LEFT else one.leave(why) for one in planned]
        if not self._money:
            return [_without_money(one) for one in planned]
        async with nullcontext(tx) if tx else self._site.db.session() as reading:
            # Asked once: what they depend on stays, and there are many parts.
            edits = self._edits = self._edits or PaymentEdits(
                await PaymentRows.of(reading), DECLARED, self._ways.not_ours(planned[0].target)
            )
            ids = {one.owned.known.target_id for one in planned if one.owned is not None}
            rows = await live_rows(reading, ids, lock=tx is not None)
            customers = await self._site.ledger.ids(reading, {key for one in planned if (key := _customer_of(one))})
        return [self._look_at_payment(one, rows, customers, edits) for one in planned]

    def _look_at_payment(
        self, planned: Planned, rows: Mapping[int, Row], customers: Mapping[Key, int], edits: PaymentEdits
    ) -> Planned:
        if planned.undo.way is Way.LEFT or planned.owned is None:
            return planned
        known = planned.owned.known
        row = rows.get(known.target_id)
        if row is None:
            return planned.leave("its row is no longer in Splynx")
        if "receipt_number" not in known.document:
            return planned.leave("nobody knows what was written last")
        before = planned.undo.before
        if known.state == LIVE:
            customer = _customer_of(planned)
            edited = edits.edited(known, row, None if customer is None else customers.get(customer))
            if planned.undo.way is Way.RESTORE:
                # What it returns to, and has: an edit of before those writes, which they have left.
                edited = {n: value for n, value in edited.items() if not (n in before and alike(before[n], value))}
            if edited:
                return planned.leave(f"edited in Splynx since: {', '.join(sorted(edited))}")
        sent = {name: value for name, value in before.items() if name in row and str(row[name]) != str(value)}
        if planned.undo.way is Way.WITHDRAW or not before:
            sent = {"amount": str(-row["total"])}  # of the opposite document
        return replace(planned, current=row, sent=sent)


def _planned(
    entries: Mapping[Key, Sequence[Row]], owned: Mapping[Key, Owned], chosen: Chosen, customer: int | None
) -> Iterator[Planned]:
    """`customer`: that of the account whose writes were chosen, in Splynx's numbers."""
    for key, rows in entries.items():
        one = owned.get(key)
        known, every = None if one is None else one.known, [_entry(row) for row in rows]
        of = [entry for entry, row in zip(every, rows, strict=True) if chosen.has(row)]
        if chosen.writes.account is not None:
            mine = written_for(every, known, chosen.writes.account, customer)
            of = [entry for entry in of if entry.id in mine]
        if not of:
            continue
        undo = undo_of(every, {entry.id for entry in of}, known)
        if undo.way is not Way.LEFT and one is not None and one.partition is None:
            undo = left("the ledger has no bundle of it")
        runs = tuple(dict.fromkeys(entry.run_id for entry in of))
        yield Planned(TARGETS[key[0]], key[1], one, undo, runs, of[-1].id)


def _customer_of(planned: Planned) -> Key | None:
    """Whom a payment was written for last, as far as the ledger tells."""
    customer = planned.owned.known.document.get("customer_id") if planned.owned is not None else None
    return (customer["entity"], customer["key"]) if isinstance(customer, Mapping) else None


def _without_money(planned: Planned) -> Planned:
    return planned if planned.undo.way is Way.LEFT else planned.leave("splynx.disposable is false")


def _entry(row: Row) -> Entry:
    image = None if row["before_image"] is None else json.loads(row["before_image"])
    return Entry(int(row["id"]), row["run_id"], row["action"], image, row["undoes"], int(row["batch"]))


__all__ = ["Chosen", "Rollback", "Tell", "Writes"]
