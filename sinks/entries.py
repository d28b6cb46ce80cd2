"""The crosswalk's entry of a record that goes over REST: who may make it, and that no two records share a row."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clients.mysql import Transaction
from schemas.bundle import StampedBundle
from schemas.ledger import LIVE
from sinks.errors import KeyTaken, NameShared, Overtaken
from sinks.handles import has_natural_key
from sinks.plan import Document, Known, Step
from sinks.store import JournalEntry, Key, Ledger, dumped
from sinks.tables.journal import Run
from sinks.threeway import Told


@dataclass(frozen=True)
class Owner:
    """Whose record is written, and by which right."""

    aggregate: str
    sonar_id: int
    sequence: int
    partition: int
    token: int

    @staticmethod
    def of(bundle: StampedBundle, partition: int, token: int) -> "Owner":
        """The owner of a bundle's records."""
        return Owner(bundle.aggregate, bundle.sonar_id, bundle.sequence, partition, token)


class Entries:
    """Makes entries, each within the caller's transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def may_write(self, tx: Transaction, owner: Owner) -> None:
        """See that the partition still is ours, that the phase lets us write, and that nothing newer was applied.

        Raises:
            Fenced, CutOver, Overtaken.
        """
        await self._ledger.hold(tx, {owner.partition: owner.token})
        await self._ledger.not_overtaken(tx, owner.aggregate, owner.sonar_id, owner.sequence)

    async def tell(self, tx: Transaction, key: Key, owner: Owner, target_id: int, told: Sequence[Told]) -> None:
        """Keep what somebody edited in the row of a record."""
        await self._ledger.tell_conflicts(tx, [(key, target_id, owner.sequence, one) for one in told])

    async def nobody_else(
        self, tx: Transaction, owner: Owner, key: Key, known: Known | None, *, begun: bool = False
    ) -> None:
        """See that no sink of another partition is at a record, nor wrote it since `known` was read.

        `begun`: a call of ours is about to be sent, whose intent is committed: of two that begin at the same time one
        must see the other. Once it is sent nobody else sends one, so that what it did can be entered.

        Raises:
            Overtaken: nothing may be sent, nor entered.
        """
        at_work = await self._ledger.at_work(tx, key)
        # After its calls were looked for: what ends one enters what it did.
        written = await self._ledger.written_at(tx, key, (owner.aggregate, owner.sonar_id))
        in_between = written not in {None, owner.sequence, known.sequence if known is not None else None}
        if in_between or (at_work - {owner.partition} and (begun or owner.partition not in at_work)):
            raise Overtaken(f"{key[0]} {key[1]} is written by a sink of another partition")

    async def nobody_elses(self, tx: Transaction, step: Step, owner: Owner) -> None:
        """See that a row that has a new record's mark was not written for another aggregate, which is to end it.

        Raises:
            KeyTaken: it was.
        """
        key = (step.target.entity, step.key)
        found = (await self._ledger.owned(tx, [key])).get(key)
        if found is not None and found.owner != (owner.aggregate, owner.sonar_id):
            aggregate, sonar_id = found.owner
            raise KeyTaken(f"the row in Splynx that carries this Sonar id is that of {aggregate} {sonar_id}")

    async def as_compared(
        self, tx: Transaction, work: Iterable[tuple[Owner, Iterable[Known], Collection[Key]]]
    ) -> None:
        """See that nobody wrote a record of these aggregates since they were compared, nor is about to.

        What needs no call has not looked for that, and once an aggregate is applied nobody enters what an older bundle
        has done. A newer one enters it all the same, and is not waited for: else two might wait for each other. The
        rows of the aggregates are locked by now: whoever begins later meets those. `work`: the owner of each, what was
        known of it, and which records the batch has written.

        Raises:
            Overtaken: nothing may be committed.
        """
        found = {(owner.aggregate, owner.sonar_id): (owner, known, ours) for owner, known, ours in work}
        called, written = await self._ledger.called_for(tx, found), await self._ledger.written_of(tx, found)
        for key, (owner, known, ours) in found.items():
            expected = {((one.entity, one.key), one.sequence) for one in known}
            expected |= {(one, owner.sequence) for one in ours}
            waits = key in called and called[key] <= owner.sequence
            if waits or not written.get(key, {}).items() <= expected:
                raise Overtaken(f"{key[0]} {key[1]} is written by a sink of another partition")

    async def not_shared(self, tx: Transaction, step: Step, target_id: int, *, lock: bool = False) -> None:
        """See that the row is no other record's.

        Raises:
            NameShared: it is.
        """
        if not has_natural_key(step.target):
            return
        key = (step.target.entity, step.key)
        other = await self._ledger.other_of(tx, key, target_id, lock=lock)
        if other is not None:
            raise NameShared(f"{step.target.entity} {target_id} of Splynx has this name, and is that of {other}")

    async def keep(
        self,
        tx: Transaction,
        step: Step,
        owner: Owner,
        target_id: int,
        kept: Document,
        *,
        before: Any,
        action: str,
        revision: int | None = None,
        state: str = LIVE,
        run: Run | None = None,
    ) -> None:
        """Enter a record as written, with its before-image if the row was changed.

        `revision`: which of its documents the row is, where that is not the one of before. `run`: who changed it, where
        that is found out only now.

        Raises:
            Fenced, CutOver, Overtaken, NameShared: nothing may be committed.
        """
        key = (step.target.entity, step.key)
        await self.may_write(tx, owner)
        await self.nobody_else(tx, owner, key, step.known)
        if revision is None:
            revision = step.known.revision if step.known else 0
        await self._put(tx, key, owner, target_id, step.hash, state, revision, kept)
        # Locked, and after our own row is there: of two that enter one row at the same time one must see the other.
        await self.not_shared(tx, step, target_id, lock=True)
        if action:
            entry = JournalEntry(step.target.entity, step.key, target_id, action, before, owner.sequence, by=run)
            await self._ledger.journal(tx, [entry])

    async def release(self, tx: Transaction, known: Known, owner: Owner, state: str, *, before: Any) -> None:
        """Enter a record as no longer live, with its before-image if the row was changed.

        Raises:
            Fenced, CutOver, Overtaken: nothing may be committed.
        """
        await self.may_write(tx, owner)
        key = (known.entity, known.key)
        await self._put(tx, key, owner, known.target_id, "", state, known.revision, known.document)
        await self._ledger.leave_conflicts(tx, [key], state)
        if before is not None:
            entry = JournalEntry(known.entity, known.key, known.target_id, "gone", before, owner.sequence)
            await self._ledger.journal(tx, [entry])

    async def _put(
        self,
        tx: Transaction,
        key: tuple[str, str],
        owner: Owner,
        target_id: int,
        digest: str,
        state: str,
        revision: int,
        document: Document,
    ) -> None:
        row = (*key, owner.aggregate, owner.sonar_id, target_id, digest, owner.sequence, state, revision)
        await self._ledger.put_crosswalk(tx, [(*row, dumped(document))])
