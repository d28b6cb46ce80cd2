"""Taking back: rows return to their before-images over REST and SQL, with the ledger, as the writes themselves went.

An undoing is a run: it fences off other writers, journals what it changes, and can be undone. What it was interrupted
in is done when it is repeated.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clients.mysql import Transaction
from clients.splynx_errors import RecordRefused
from plumbing.lanes import in_lanes
from schemas.catalogue import TARGETS
from schemas.ledger import LIVE
from sinks.entries import Entries, Owner
from sinks.errors import KeyTaken, Overtaken
from sinks.healing import Healing
from sinks.payment_work import Work
from sinks.payments import Payments
from sinks.plan import Document, Step, Verb
from sinks.planned import HandedOn, Planned, lane_of
from sinks.rest import RestRecords
from sinks.rest_documents import RestDocuments
from sinks.rollback import Rollback
from sinks.rollback_documents import DocumentsBack
from sinks.rollback_rest import RowsBack, TakenBack
from sinks.site import Site
from sinks.store import Intent, JournalEntry, dumped
from sinks.tables.crosswalk import Owned
from sinks.undo import Way, action_of, charged_by, payment_of, state_after


class RollbackWrites:
    """Applies a plan. `payments` is None where none may be written."""

    def __init__(self, site: Site, rollback: Rollback, rest: RestRecords, payments: Payments | None) -> None:
        self._rollback, self._payments = rollback, payments
        self._db, self._ledger, self._client = site.db, site.ledger, site.client
        self._rows = RowsBack(site)
        made = RestDocuments(site.client, site.db, site.ledger, rest, TARGETS)
        self._documents = DocumentsBack(rollback.documents, self._rows, made)
        self._entries = Entries(site.ledger)
        self._healing = Healing(site.client, site.db, site.ledger, rest, TARGETS)
        self._tokens: dict[int, int] = {}
        self._handed_on = HandedOn([])

    async def apply(self, planned: Sequence[Planned]) -> list[Planned]:
        """Do one part of a plan; what became of each. A sink that runs is fenced off, and ends.

        Raises:
            Fenced, CutOver: another writer took over, or nobody writes any more. Repeating goes on.
            SyncError: Splynx or the ledger does not answer. Repeating goes on.
        """
        await self._take(planned)
        sql = self._rollback.by_sql(planned[0].target)
        written = await (self._payments_of(planned) if sql else self._over_rest(planned))
        return [replace(one.told(), undo=replace(one.undo, before={})) for one in written]

    async def find_out(self, begun: Sequence[Intent]) -> None:
        """Learn what became of calls. Raises as `apply`."""
        await self._take_partitions({one.partition for one in begun})

    async def _take(self, planned: Sequence[Planned]) -> None:
        """Become the writer of their partitions."""
        await self._take_partitions(
            {
                one.owned.partition
                for one in planned
                if one.owned is not None and one.owned.partition is not None and one.undo.way is not Way.LEFT
            }
        )

    async def _take_partitions(self, wanted: Collection[int]) -> None:
        """Become their writer, and find out what became of calls that others had begun there."""
        if not (new := set(wanted) - self._tokens.keys()):
            return
        taken = await self._healing.take(new, "rollback")
        await self._healing.heal_all(taken)
        self._tokens |= taken

    def _owner(self, owned: Owned) -> Owner:
        assert owned.partition is not None
        assert owned.applied is not None
        return Owner(*owned.owner, owned.applied, owned.partition, self._tokens[owned.partition])

    # REST

    async def _over_rest(self, planned: Sequence[Planned]) -> list[Planned]:
        """As many at once as the sink has, of which each waits for those that it depends on.

        Of two that swap their log-ins one steps aside, and is undone when the other is.
        """
        self._handed_on = HandedOn(planned)
        done = await in_lanes(planned, lane_of, self._one, self._client.settings.concurrency)
        while waiting := [place for place, one in enumerate(done) if one.waits]:
            for place in waiting:
                done[place] = await self._one(planned[place])
            if all(done[place].waits for place in waiting):
                for place in waiting:
                    done[place] = await self._stays(done[place])
        return done

    async def _stays(self, planned: Planned) -> Planned:
        """Whom it waits for does not give up what it returns to."""
        if planned.owned is not None:
            await self._rows.step_back(planned, self._owner(planned.owned))
        return replace(planned.leave("another record has what it returns to"), waits=False)

    async def _one(self, planned: Planned) -> Planned:
        one = await self._rollback.look(planned)
        if one.undo.way is Way.LEFT or one.owned is None or one.item is None:
            return one
        owner = self._owner(one.owned)

        async def enter(tx: Transaction, back: TakenBack) -> None:
            await self._entries.may_write(tx, owner)
            await self._enter(tx, [back])

        try:
            if one.target.money:
                return await self._documents.take_back(one, owner, enter)
            return await self._rows.take_back(one, owner, self._rollback.shapes[one.target.entity], enter)
        except (RecordRefused, KeyTaken) as exc:
            if self._handed_on.comes_free_for(one):
                await self._rows.step_aside(one, owner)
                return replace(one, waits=True)
            return one.leave(str(exc))

    # SQL

    async def _payments_of(self, planned: Sequence[Planned]) -> list[Planned]:
        async def commit(tx: Transaction) -> list[Planned]:
            going = [one.owned for one in planned if one.undo.way is not Way.LEFT and one.owned is not None]
            if not going or self._payments is None:
                return await self._rollback.look_at_payments(planned)
            await self._ledger.hold(tx, {owner.partition: owner.token for owner in map(self._owner, going)})
            await self._not_overtaken(tx, map(self._owner, going))
            looked = await self._rollback.look_at_payments(planned, tx)
            mine = [one for one in looked if one.undo.way is not Way.LEFT]
            if not mine:
                return looked
            owners = {one.key: self._owner(one.owned) for one in mine if one.owned is not None}
            customers = await self._customers(tx, mine)
            work = {one.key: self._work(one, owners[one.key], customers) for one in mine}
            live = {
                one.key: dict(one.current) for one in mine if one.owned is not None and one.owned.known.state == LIVE
            }
            done = await self._payments.write(tx, list(work.values()), live)
            written = []
            for one in mine:
                if one.key not in done.refused:
                    document = work[one.key].step.document or _known_document(one)
                    before = done.before[one.key] or {}
                    written.append(TakenBack(one, done.target_ids[one.key], done.revisions[one.key], document, before))
            await self._enter(tx, written)
            return [one.leave(str(done.refused[one.key])) if one.key in done.refused else one for one in looked]

        return await self._db.retried(commit)

    async def _not_overtaken(self, tx: Transaction, owners: Iterable[Owner]) -> None:
        """Raises Overtaken when the ledger has a newer bundle than when it was planned; the rows stay locked."""
        keys = {(owner.aggregate, owner.sonar_id): owner.sequence for owner in owners}
        for key, state in (await self._ledger.states(tx, keys, lock=True)).items():
            if state.sequence > keys[key]:
                raise Overtaken(f"{key[0]} {key[1]} was applied in a newer state meanwhile")

    async def _customers(self, tx: Transaction, planned: Sequence[Planned]) -> dict[int, str]:
        """`{id in Splynx: key}` of the customers that payments were moved from."""
        ids = {charged_by(one.undo.before) for one in planned if one.undo.before}
        return await self._ledger.keys_at(tx, "customer", ids)

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

    async def _enter(self, tx: Transaction, written: Sequence[TakenBack]) -> None:
        """Crosswalk, journal and outcomes."""
        crosswalk: list[tuple[Any, ...]] = []
        journal: list[JournalEntry] = []
        for back in written:
            one = back.planned
            assert one.owned is not None
            entity, known, owner = one.target.entity, one.owned.known, self._owner(one.owned)
            crosswalk.append(
                (
                    entity, one.key, owner.aggregate, owner.sonar_id, back.target_id, "", owner.sequence,
                    state_after(one.undo, one.target), back.revision, dumped(back.document),
                )
            )  # fmt: skip
            action = action_of(one.undo, known, money=one.target.money)
            entry = JournalEntry(
                entity, one.key, back.target_id, action, dict(back.before), owner.sequence, one.undo.undoes
            )
            journal.append(entry)
        await self._ledger.put_crosswalk(tx, crosswalk)
        await self._ledger.journal(tx, journal)
        owned = (back.planned.owned for back in written)
        await self._ledger.mark_rolled_back(tx, {one.owner for one in owned if one is not None})


def _known_document(one: Planned) -> Document:
    return one.owned.known.document if one.owned is not None else {}
