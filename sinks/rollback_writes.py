"""Taking back: rows return to their before-images over REST and SQL, with the ledger, as the writes themselves went.

An undoing is a run: it fences off other writers, journals what it changes, and can be undone. What it was interrupted
in is done when it is repeated.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clients.mysql import Transaction
from clients.splynx_errors import RecordRefused
from schemas.aggregate import WritePath
from schemas.catalogue import TARGETS
from sinks.bodies import differing
from sinks.calls import Call, Calls
from sinks.entries import Entries, Owner
from sinks.errors import Overtaken
from sinks.healing import Healing
from sinks.payments import Payments, Work
from sinks.plan import Document, Step, Verb
from sinks.rest import RestRecords
from sinks.rollback import Planned, Rollback
from sinks.site import Site
from sinks.store import JournalEntry, dumped
from sinks.tables.base import marks
from sinks.tables.crosswalk import Owned
from sinks.undo import Way, action_of, charged_by, document_after, payment_of, state_after


class RollbackWrites:
    """Applies a plan. `payments` is None where none may be written."""

    def __init__(self, site: Site, rollback: Rollback, rest: RestRecords, payments: Payments | None) -> None:
        self._site, self._rollback, self._rest, self._payments = site, rollback, rest, payments
        self._db, self._ledger, self._client = site.db, site.ledger, site.client
        self._calls = Calls(site.db, site.ledger, site.client.settings.timeout_seconds)
        self._entries = Entries(site.ledger)
        self._healing = Healing(site.client, site.db, site.ledger, rest, TARGETS)
        self._tokens: dict[int, int] = {}

    async def apply(self, planned: Sequence[Planned]) -> list[Planned]:
        """Do one part of a plan; what became of each. A sink that runs is fenced off, and ends.

        Raises:
            Fenced, CutOver: another writer took over, or nobody writes any more. Repeating goes on.
            SyncError: Splynx or the ledger does not answer. Repeating goes on.
        """
        await self._take(planned)
        sql = planned[0].target.path is WritePath.SQL
        written = await (self._payments_of(planned) if sql else self._one_by_one(planned))
        return [replace(one.told(), undo=replace(one.undo, before={})) for one in written]

    async def _take(self, planned: Sequence[Planned]) -> None:
        """Become the writer of their partitions, and find out what became of calls that others had begun."""
        wanted = {
            one.owned.partition
            for one in planned
            if one.owned is not None and one.owned.partition is not None and one.undo.way is not Way.LEFT
        }
        if not (new := wanted - self._tokens.keys()):
            return
        taken = await self._healing.take(new, "rollback")
        await self._healing.heal_all(taken)
        self._tokens |= taken

    def _owner(self, owned: Owned) -> Owner:
        assert owned.partition is not None
        assert owned.applied is not None
        return Owner(*owned.owner, owned.applied, owned.partition, self._tokens[owned.partition])

    # REST

    async def _one_by_one(self, planned: Sequence[Planned]) -> list[Planned]:
        return [await self._one(one) for one in planned]

    async def _one(self, planned: Planned) -> Planned:
        one = await self._rollback.look(planned)
        if one.undo.way is Way.LEFT or one.owned is None or one.item is None:
            return one
        known, owner = one.owned.known, self._owner(one.owned)
        step = Step(Verb.CHANGE, one.target, one.key, "", None, known)
        call: Call | None = None
        if one.sent:
            try:
                async with self._calls.begun("PUT", step, owner, known.target_id, one.sent) as call:
                    await self._client.put(*one.item, one.sent, deadline=call.latest)
            except RecordRefused as exc:
                return one.leave(str(exc))
            read = await self._client.get(*one.item)
            if wrong := differing(one.sent, read):
                one = replace(one, undo=replace(one.undo, why=f"Splynx keeps otherwise: {', '.join(wrong)}"))
        document = document_after(one.undo, self._rollback.shapes[one.target.entity], known.document, one.body)
        before = {name: one.current.get(name) for name in one.sent}

        async def keep(tx: Transaction) -> None:
            await self._entries.may_write(tx, owner)
            await self._enter(tx, [(one, known.target_id, known.revision, document, before)])
            if call is not None:
                await self._calls.done(tx, call)

        await self._db.retried(keep)
        return one

    # SQL

    async def _payments_of(self, planned: Sequence[Planned]) -> list[Planned]:
        async def commit(tx: Transaction) -> list[Planned]:
            looked = await self._rollback.look_at_payments(planned)
            mine = [one for one in looked if one.undo.way is not Way.LEFT]
            if not mine or self._payments is None:
                return looked
            owners = {one.key: self._owner(one.owned) for one in mine if one.owned is not None}
            await self._ledger.hold(tx, {one.partition: one.token for one in owners.values()})
            await self._not_overtaken(tx, owners.values())
            customers = await self._customers(tx, mine)
            work = {one.key: self._work(one, owners[one.key], customers) for one in mine}
            done = await self._payments.write(tx, list(work.values()))
            if edited := [key for key, names in done.edited.items() if names]:
                # Between our look and its lock: the next look leaves it as it is.
                raise Overtaken(f"payment {edited[0]} was edited in Splynx meanwhile")
            written = []
            for one in mine:
                if one.key not in done.refused:
                    document = work[one.key].step.document or _known_document(one)
                    before = done.before[one.key] or {}
                    at = done.target_ids[one.key], done.revisions[one.key]
                    written.append((one, *at, document, before))
            await self._enter(tx, written)
            return [one.leave(str(done.refused[one.key])) if one.key in done.refused else one for one in looked]

        return await self._db.retried(commit)

    async def _not_overtaken(self, tx: Transaction, owners: Collection[Owner]) -> None:
        """Raises Overtaken when the ledger has a newer bundle than when it was planned; the rows stay locked."""
        keys = {(owner.aggregate, owner.sonar_id): owner.sequence for owner in owners}
        for key, state in (await self._ledger.states(tx, keys, lock=True)).items():
            if state.sequence > keys[key]:
                raise Overtaken(f"{key[0]} {key[1]} was applied in a newer state meanwhile")

    async def _customers(self, tx: Transaction, planned: Sequence[Planned]) -> dict[int, str]:
        """`{id in Splynx: key}` of the customers that payments were moved from."""
        ids = {charged_by(one.undo.before) for one in planned if one.undo.before}
        if not ids:
            return {}
        rows = await tx.fetch(
            f"SELECT target_id, record_key FROM {self._ledger.table('crosswalk')}"  # noqa: S608
            f" WHERE entity = 'customer' AND target_id IN ({marks(ids)})",
            sorted(ids),
        )
        return {int(row["target_id"]): str(row["record_key"]) for row in rows}

    def _work(self, one: Planned, owner: Owner, customers: Mapping[int, str]) -> Work:
        assert one.owned is not None
        known, charged = one.owned.known, int(one.current["charged"])
        if one.undo.way is Way.WITHDRAW:
            return Work(Step(Verb.GONE, one.target, one.key, "", None, known), charged, owner.sequence)
        document = payment_of(one.undo, known)
        customer = charged_by(one.undo.before) if one.undo.before else charged
        if customer != charged and customer in customers:
            document = {**document, "customer_id": {"entity": "customer", "key": customers[customer]}}
        return Work(Step(Verb.CHANGE, one.target, one.key, "", document, known), customer, owner.sequence)

    # both

    async def _enter(
        self, tx: Transaction, written: Sequence[tuple[Planned, int, int, Document, Mapping[str, Any]]]
    ) -> None:
        """Crosswalk, journal and outcomes of `(record, id of its row, revision, document, before-image)`."""
        crosswalk: list[tuple[Any, ...]] = []
        journal: list[JournalEntry] = []
        for one, target_id, revision, document, before in written:
            assert one.owned is not None
            entity, known, owner = one.target.entity, one.owned.known, self._owner(one.owned)
            crosswalk.append(
                (
                    entity, one.key, owner.aggregate, owner.sonar_id, target_id, "", owner.sequence,
                    state_after(one.undo, one.target), revision, dumped(document),
                )
            )  # fmt: skip
            action = action_of(one.undo, known, money=one.target.money)
            entry = JournalEntry(entity, one.key, target_id, action, dict(before), owner.sequence, one.undo.undoes)
            journal.append(entry)
        await self._ledger.put_crosswalk(tx, crosswalk)
        await self._ledger.journal(tx, journal)
        await self._ledger.mark_rolled_back(tx, {one.owned.owner for one, *_ in written if one.owned is not None})


def _known_document(one: Planned) -> Document:
    return one.owned.known.document if one.owned is not None else {}
