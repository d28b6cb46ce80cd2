"""The two ways of a record into Splynx: REST, outside of any transaction, and SQL, inside the batch's own."""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from clients.mysql import Transaction
from plumbing.errors import Action, SyncError
from schemas import ledger as tables
from schemas.aggregate import Target, WritePath
from schemas.values.errors import set_aside
from sinks.bodies import Shape
from sinks.errors import (
    AskedBack,
    Deferred,
    IdReused,
    MovedAway,
    ParentMissing,
    PredecessorMissing,
    SqlNotAvailable,
    predecessor_removed,
)
from sinks.jobs import Job, Result, held_outcome
from sinks.payment_rows import live_rows
from sinks.payment_work import Work
from sinks.payments import Payments
from sinks.plan import Document, Outcome, Step, Verb, is_of_another, refs_of
from sinks.rest import RestRecords
from sinks.rest_documents import RestDocuments
from sinks.store import AggregateKey, JournalEntry, Key, Ledger, dumped
from sinks.swaps import in_the_way, stands_aside
from sinks.threeway import Told

_NO_MONEY = "this Splynx is not called disposable: money waits for invoices"


class Paths:
    """Writes jobs. `payments` is None where Splynx's database is not reachable beside the ledger."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        rest: RestRecords,
        payments: Payments | None,
        targets: Mapping[str, Target],
        rank: Mapping[str, int],
        disposable: bool,
        concurrency: int,
        leaving: asyncio.Event,
        documents: RestDocuments | None = None,
    ) -> None:
        """`documents` writes money that goes over REST; None where none does."""
        self._ledger, self._rest, self._payments = ledger, rest, payments
        self._shapes = {name: Shape(target) for name, target in targets.items()}
        self._rank, self._disposable, self._concurrency = rank, disposable, concurrency
        self._leaving, self._documents = leaving, documents

    async def rest_results(self, groups: Sequence[list[Job]]) -> dict[Key, Result]:
        """Write the REST records: bundles beside each other, aggregates in load order, a bundle's records in turn.

        Raises:
            AskedBack: the partitions go away, or the sink ends, and no further call is begun.
        """
        self._rest.begin()
        slots = asyncio.Semaphore(self._concurrency)
        results: dict[Key, Result] = {}

        async def one_bundle(jobs: list[Job]) -> None:
            async with slots:
                reused = _reused(jobs)
                for job in jobs:
                    if self._leaving.is_set():
                        raise AskedBack("another sink takes over, or this one ends: no further call is begun")
                    if job.step.target.path is WritePath.REST:
                        results[job.key] = _refused(job) if reused else await self._rest_one(job)

        ranked: dict[int, list[list[Job]]] = {}
        for jobs in groups:
            if any(job.step.target.path is WritePath.REST for job in jobs):
                ranked.setdefault(self._rank[jobs[0].owner.aggregate], []).append(jobs)
        for rank in sorted(ranked):
            ranked[rank] = await self._unhindered(ranked[rank])
            # All are waited for: a call that is cancelled half-way leaves open what Splynx did.
            ended = await asyncio.gather(*(one_bundle(jobs) for jobs in ranked[rank]), return_exceptions=True)
            for error in ended:
                if isinstance(error, BaseException):
                    raise error
        return results

    async def _unhindered(self, groups: list[list[Job]]) -> list[list[Job]]:
        """The same jobs, after those that stand in the way of others have stepped aside."""
        later: dict[Key, Job] = {}
        ways = in_the_way([job for jobs in groups if not _reused(jobs) for job in jobs])
        if not ways:
            return groups
        able = await self._rest.able_to_move([job.step for job in ways])
        for job in ways:
            if job.key not in able:
                continue  # Splynx refuses who wants its value: that one is set aside
            try:
                later[job.key] = replace(job, step=await self._rest.step_aside(job.step, job.owner))
            except SyncError as exc:
                if exc.action in (Action.RETRY, Action.HALT):
                    raise
                # It stays where it is, and Splynx refuses who wants its value: that one is set aside.
        return [[later.get(job.key, job) for job in jobs] for jobs in groups]

    async def _rest_one(self, job: Job) -> Result:
        """Write one record. Who stepped aside for it, and cannot be written, does not stay there."""
        result = await self._written_over_rest(job)
        if result.error is None or not stands_aside(job.step):
            return result
        try:
            await self._rest.come_back(job.step, job.owner)
        except SyncError as exc:
            if exc.action in (Action.RETRY, Action.HALT):
                raise
            return Result(job, held_outcome(exc), exc)  # who cannot log in is told first
        return result

    async def _written_over_rest(self, job: Job) -> Result:
        if (known := _without_a_write(job)) is not None:
            return known
        target = job.step.target
        if target.money and not self._disposable:
            return Result(job, Outcome.DEFERRED, Deferred(_NO_MONEY))
        records = self._documents if target.money and self._documents is not None else self._rest
        try:
            wrote = await records.write(job.step, job.owner)
        except SyncError as exc:
            if exc.action in (Action.RETRY, Action.HALT):
                raise
            return Result(job, held_outcome(exc), exc)
        return Result(job, Outcome.APPLIED if wrote else Outcome.UNCHANGED)

    async def sql_results(self, tx: Transaction, jobs: Sequence[Job]) -> dict[Key, Result]:
        """Write the SQL records in this transaction, with their crosswalk rows and before-images."""
        results: dict[Key, Result] = {}
        wanted: list[Job] = []
        reused = _reused(jobs)
        for job in jobs:
            if (known := _without_a_write(job)) is not None:
                results[job.key] = known
            elif (job.owner.aggregate, job.owner.sonar_id) in reused:
                results[job.key] = _refused(job)
            elif self._payments is None:
                error: SyncError = SqlNotAvailable("Splynx's database is not reachable beside the ledger")
                results[job.key] = Result(job, Outcome.DEFERRED, error)
            elif job.step.target.money and not self._disposable:
                error = Deferred(_NO_MONEY)
                results[job.key] = Result(job, Outcome.DEFERRED, error)
            else:
                wanted.append(job)
        first = {job.key: one for job in wanted if (one := self._predecessor(job.step)) is not None}
        if self._payments is not None and (made := _made_with_others(wanted, first)):
            try:
                async with tx.attempt("together", PredecessorMissing):
                    return results | await self._together(tx, self._payments, wanted, first, made)
            except PredecessorMissing:
                pass  # one was refused, and another that was written needs it: they are written in turn
        while wanted and self._payments is not None:
            waiting = {job.key for job in wanted}
            turn = [job for job in wanted if first.get(job.key) not in waiting]
            results |= await self._in_turn(tx, self._payments, turn or wanted, first)
            wanted = [job for job in wanted if job.key not in results]
        return results

    async def _together(
        self, tx: Transaction, payments: Payments, wanted: Sequence[Job], first: Mapping[Key, Key], made: Set[Key]
    ) -> dict[Key, Result]:
        """Write records with others that they need: on a first load a reversal comes with its payment.

        Raises:
            PredecessorMissing: one of `made` was refused, and one that needs it was written.
        """
        results = await self._in_turn(tx, payments, wanted, first, made)
        for key, needed in first.items():
            if needed in made and results[needed].error is not None and results[key].error is None:
                raise PredecessorMissing(*needed)
        return results

    async def _in_turn(
        self,
        tx: Transaction,
        payments: Payments,
        wanted: Sequence[Job],
        first: Mapping[Key, Key],
        made: Set[Key] = frozenset(),
    ) -> dict[Key, Result]:
        """Write those that no other of the batch must come before, but for `made`, which are written with them.

        `first`: `{record: the one that must be live before it}`.
        """
        results: dict[Key, Result] = {}
        needed = {first[job.key] for job in wanted if job.key in first}
        live = made | await self._ledger.live(tx, needed - made)
        removed = await self._removed(tx, live - made)
        refs = {
            job.key: self._customer_of(job.step.target.entity, job.step.document or _written(job.step))
            for job in wanted
        }
        changed = [job for job in wanted if job.step.known is not None]
        were = {
            job.key: self._customer_of(job.step.target.entity, _written(job.step))
            for job in changed
            if _written(job.step)
        }
        ids = await self._ledger.ids(tx, [*refs.values(), *were.values()])
        standing = await self._ledger.standing(tx, [job.key for job in changed])
        work: list[Work] = []
        by_key: dict[str, Job] = {}
        for job in wanted:
            customer = ids.get(refs[job.key])
            if customer is None:
                results[job.key] = Result(job, Outcome.PARKED, ParentMissing(*refs[job.key]))
            elif job.key in first and first[job.key] not in live:
                results[job.key] = Result(job, Outcome.PARKED, PredecessorMissing(*first[job.key]))
            elif job.key in first and first[job.key] in removed:
                results[job.key] = Result(job, Outcome.DEAD_LETTERED, predecessor_removed(*first[job.key]))
            else:
                was = ids.get(were[job.key]) if job.key in were else None
                work.append(Work(job.step, customer, job.owner.sequence, was, standing.get(job.key, {})))
                by_key[job.step.key] = job
        done = await payments.write(tx, work)
        crosswalk: list[tuple[Any, ...]] = []
        journal: list[JournalEntry] = []
        told: list[tuple[Key, int, int, Told]] = []
        for key, job in by_key.items():
            refused = done.refused.get(key)
            if refused is not None:
                results[job.key] = Result(job, Outcome.DEAD_LETTERED, refused)
                continue
            step, owner, target_id = job.step, job.owner, done.target_ids[key]
            document = step.document if step.document is not None else _written(step)
            gone = step.verb is Verb.GONE
            crosswalk.append(
                (
                    step.target.entity, key, owner.aggregate, owner.sonar_id, target_id, step.hash, owner.sequence,
                    tables.GONE if gone else tables.LIVE, done.revisions[key], dumped(document),
                )
            )  # fmt: skip
            if key in done.same:
                results[job.key] = Result(job, Outcome.UNCHANGED)
            else:
                journal.append(
                    JournalEntry(
                        step.target.entity, key, target_id, "compensate" if gone else step.verb.value, done.before[key],
                        owner.sequence,
                    )
                )  # fmt: skip
                results[job.key] = Result(job, Outcome.APPLIED)
            told += [((step.target.entity, key), target_id, owner.sequence, one) for one in done.told.get(key, ())]
        await self._ledger.put_crosswalk(tx, crosswalk)
        await self._ledger.journal(tx, journal)
        await self._ledger.tell_conflicts(tx, told)
        return results

    async def _removed(self, tx: Transaction, payments: Set[Key]) -> set[Key]:
        """Those that somebody deleted in Splynx: the ledger has them as live. They stay as they are until we commit."""
        ids = await self._ledger.ids(tx, payments)
        rows = await live_rows(tx, ids.values(), lock=True)
        return {key for key, id in ids.items() if id not in rows}

    def _predecessor(self, step: Step) -> Key | None:
        return self._shapes[step.target.entity].predecessor(step)

    def _customer_of(self, entity: str, document: Document) -> Key:
        required = self._shapes[entity].required
        owned = {name: document[name] for name, needed in required.items() if needed and name in document}
        refs = refs_of(owned, required)
        return (refs[0].entity, refs[0].key)


def _made_with_others(wanted: Sequence[Job], first: Mapping[Key, Key]) -> set[Key]:
    """The records that others of the batch need, if it makes all of them anew, and they need none themselves."""
    needed = set(first.values())
    there = [job for job in wanted if job.key in needed]
    plain = all(job.step.verb is Verb.CREATE and job.key not in first for job in there)
    return {job.key for job in there} if plain else set()


def _without_a_write(job: Job) -> Result | None:
    """What becomes of a record that Splynx has so, or that could not be mapped."""
    if job.step.refused is not None:
        code, reason = job.step.refused.code, job.step.refused.reason
        error = MovedAway(reason) if code == MovedAway.code else set_aside(code, reason)
        return Result(job, Outcome.DEAD_LETTERED, error)
    return Result(job, Outcome.UNCHANGED) if job.step.verb is Verb.UNCHANGED else None


def _written(step: Step) -> Document:
    """The document that a record was written by last; an empty one where nobody knows."""
    return step.known.document if step.known is not None else {}


def _reused(jobs: Sequence[Job]) -> set[AggregateKey]:
    """Aggregates of which a record was written for another object: none of their records may be changed."""
    return {(job.owner.aggregate, job.owner.sonar_id) for job in jobs if is_of_another(job.step)}


def _refused(job: Job) -> Result:
    return Result(job, Outcome.DEAD_LETTERED, IdReused("its row in Splynx is of an object that had this id before"))
