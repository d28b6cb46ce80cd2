"""What a rollback would take back: the journal's entries, the crosswalk, and each row as Splynx has it now."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from clients.mysql import Row
from clients.splynx_errors import RecordMissing
from plumbing.errors import ConfigurationError
from schemas.aggregate import Target, WritePath
from schemas.catalogue import TARGETS
from schemas.ledger import LIVE
from sinks.bodies import Shape, changed
from sinks.handles import endpoint_of
from sinks.payment_rows import PaymentRows, has
from sinks.plan import Document, refs_of, resolved
from sinks.receipts import receipt_of
from sinks.site import Site
from sinks.store import Key
from sinks.tables.base import chunks, marks
from sinks.tables.crosswalk import Owned
from sinks.undo import EXTRA, Entry, Undo, Way, body_of, edited, left, undo_of, written_of

_AT_ONCE = 500
Tell = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Writes:
    """Which writes: of a run, since an instant, of what an account owns. What is given must all hold."""

    run_id: str | None = None
    since: datetime | None = None
    account: int | None = None


@dataclass(frozen=True)
class Planned:
    """One record, what is done with it, and what that changes in its row."""

    target: Target
    key: str
    owned: Owned | None
    undo: Undo
    runs: tuple[str, ...]
    order: int
    """Of its last entry that is undone; the newest is undone first."""
    current: Mapping[str, Any] = field(default_factory=dict)
    body: Document = field(default_factory=dict)
    """What the row is to have."""
    sent: Document = field(default_factory=dict)
    """The columns of it that would change, with their values."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns that would change."""
        return sorted([*(name for name in self.sent if name != EXTRA), *self.sent.get(EXTRA, {})])

    def leave(self, why: str) -> "Planned":
        """The same, left as it is."""
        return replace(self, undo=left(why), sent={})

    def told(self) -> "Planned":
        """The same with only so much of its row as tells what changes: a day has many rows."""
        return replace(self, body={}, current={name: self.current.get(name) for name in self.sent})


class Rollback:
    """Plans a rollback. Reads only."""

    def __init__(self, site: Site, short: Mapping[str, Collection[str]], *, money: bool, sql: bool) -> None:
        """`short`: as `startup.short_fields`. `sql`: Splynx's database is beside the ledger; `money`: payments may be
        written into it.
        """
        self._site, self._money, self._sql = site, money, sql
        self.shapes = {name: Shape(target, short.get(name, ())) for name, target in TARGETS.items()}

    async def plan(self, writes: Writes, tell: Tell = lambda *_: None, *, look: bool = True) -> list[Planned]:
        """Every record that the writes are about, in the order in which they are undone: dependants first.

        `look`: with what each row is now, and so with those that are left because of it.

        Raises:
            ConfigurationError: there are no such writes, or all of them were undone already.
            SyncError: Splynx or the ledger does not answer.
        """
        planned = await self._chosen(writes)
        if not planned:
            raise ConfigurationError(
                "the journal holds no such writes",
                remedy="`crossfade trace` shows each write of a record with its run and time.",
            )
        if all(one.undo.why.startswith("undone already") for one in planned):
            raise ConfigurationError(
                f"all of it is {planned[0].undo.why}", remedy="That run can be undone, which writes it again."
            )
        rank = list(TARGETS)
        planned.sort(key=lambda one: (-rank.index(one.target.entity), -one.order))
        if not look:
            return planned
        looked: list[Planned] = []
        for start in range(0, len(planned), _AT_ONCE):
            part = planned[start : start + _AT_ONCE]
            money = [one for one in part if one.target.path is WritePath.SQL]
            rows = {(one.target.entity, one.key): one for one in await self.look_at_payments(money)}
            for one in part:
                seen = rows.get((one.target.entity, one.key)) or await self.look(one)
                looked.append(seen.told())
            tell("records", len(looked), len(planned))
        return looked

    async def _chosen(self, writes: Writes) -> list[Planned]:
        ledger = self._site.ledger
        async with self._site.db.session() as tx:
            if not await ledger.exists(tx):
                return []
            rows = await ledger.chosen_entries(tx, run_id=writes.run_id, since=writes.since, account=writes.account)
            chosen = {int(row["id"]) for row in rows}
            keys = {(row["entity"], row["record_key"]) for row in rows if row["entity"] in TARGETS}
            found: list[Planned] = []
            for part in _batched(sorted(keys)):
                owned = await ledger.owned(tx, part)
                found += _planned(await ledger.entries_of(tx, part), owned, chosen)
        return found

    # REST

    async def look(self, planned: Planned) -> Planned:
        """A record that goes over REST, with its row as it is now; left where somebody edited that."""
        if planned.undo.way is Way.LEFT or planned.owned is None:
            return planned
        known, shape = planned.owned.known, self.shapes[planned.target.entity]
        if not known.document:
            return planned.leave("nobody knows what was written last")
        try:
            current = await self._site.client.get(endpoint_of(planned.target), known.target_id)
        except RecordMissing:
            return planned.leave("its row is no longer in Splynx")
        async with self._site.db.session() as tx:
            refs = refs_of(known.document, shape.required)
            ids = await self._site.ledger.ids(tx, {(ref.entity, ref.key) for ref in refs})
            labels = (await self._site.ledger.ids_of(tx, "label")).values()
        written = written_of(shape, resolved(known.document, ids), known)
        if columns := edited(planned.undo, shape, written, current):
            return planned.leave(f"edited in Splynx since: {', '.join(columns)}")
        body = body_of(planned.undo, shape, known.document, current, set(labels))
        return replace(planned, current=current, body=body, sent=changed(body, current))

    # SQL

    async def look_at_payments(self, planned: Sequence[Planned]) -> list[Planned]:
        """Payments with their rows as they are now; left where somebody edited or removed them."""
        if not planned:
            return []
        if not (self._sql and self._money):
            why = "splynx.disposable is false" if self._sql else "Splynx's database is not reachable beside the ledger"
            return [one if one.undo.way is Way.LEFT else one.leave(why) for one in planned]
        ids = {one.owned.known.target_id for one in planned if one.owned is not None}
        async with self._site.db.session() as tx:
            made = await PaymentRows.of(tx)
            rows: dict[int, Row] = {}
            for _, part in chunks(("", id) for id in ids):
                for row in await tx.fetch(
                    "SELECT p.*, t.total, t.customer_id AS charged FROM payments p"
                    f" JOIN billing_transactions t ON t.id = p.transaction_id WHERE p.id IN ({marks(part)})"
                    " AND p.deleted = '0' AND t.deleted = '0'",
                    part,
                ):
                    rows[row["id"]] = row
        return [self._look_at_payment(one, rows, made) for one in planned]

    def _look_at_payment(self, planned: Planned, rows: Mapping[int, Row], made: PaymentRows) -> Planned:
        if planned.undo.way is Way.LEFT or planned.owned is None:
            return planned
        known = planned.owned.known
        row = rows.get(known.target_id)
        if row is None:
            return planned.leave("its row is no longer in Splynx")
        if "receipt_number" not in known.document:
            return planned.leave("nobody knows what was written last")
        if known.state == LIVE:
            own = made.own(known.document, receipt_of(known.document["receipt_number"], known.revision))
            if columns := sorted(name for name, value in own.items() if not has(row, {name: value})):
                return planned.leave(f"edited in Splynx since: {', '.join(columns)}")
        before = planned.undo.before
        sent = {name: value for name, value in before.items() if name in row and str(row[name]) != str(value)}
        if planned.undo.way is Way.WITHDRAW or not before:
            sent = {"amount": str(-row["total"])}  # of the opposite document
        return replace(planned, current=row, sent=sent)


def _batched(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """So many at a time that their images take no memory to speak of."""
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]


def _planned(
    entries: Mapping[Key, Sequence[Row]], owned: Mapping[Key, Owned], chosen: Collection[int]
) -> Iterator[Planned]:
    for key, rows in entries.items():
        mine = [_entry(row) for row in rows]
        one = owned.get(key)
        undo = undo_of(mine, chosen, None if one is None else one.known)
        if undo.way is not Way.LEFT and one is not None and one.partition is None:
            undo = left("the ledger has no bundle of it")
        of = [entry for entry in mine if entry.id in chosen]
        runs = tuple(dict.fromkeys(entry.run_id for entry in of))
        yield Planned(TARGETS[key[0]], key[1], one, undo, runs, of[-1].id)


def _entry(row: Row) -> Entry:
    image = None if row["before_image"] is None else json.loads(row["before_image"])
    return Entry(int(row["id"]), row["run_id"], row["action"], image, row["undoes"])


__all__ = ["Key", "Planned", "Rollback", "Tell", "Writes"]
