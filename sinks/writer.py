"""Batches of bundles into Splynx: what is stale falls away, records are written, outcomes and offsets committed."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from clients.mysql import Database, Row, Transaction
from plumbing import metrics
from plumbing.errors import Action, SyncError
from schemas import ledger as tables
from schemas.aggregate import Aggregate, Target, WritePath
from schemas.bundle import StampedBundle
from sinks.bodies import Shape
from sinks.brake import Brake
from sinks.errors import Deferred, Overtaken, ParentMissing, SqlNotAvailable, WaitedTooLong
from sinks.letters import DeadLetters
from sinks.payments import Payments, Work
from sinks.plan import AggregateState, Known, Outcome, Step, Verb, refs_of, steps_of, verdict, worst
from sinks.rest import Owner, RestRecords
from sinks.store import AggregateKey, JournalEntry, Key, Ledger, dumped


@dataclass(frozen=True)
class Delivery:
    """A consumed message: its bundle, or why it is none."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    aggregate: Aggregate
    bundle: StampedBundle | None
    error: SyncError | None = None

    @property
    def at(self) -> tuple[str, int, int]:
        """Topic, partition, offset."""
        return (self.topic, self.partition, self.offset)


@dataclass(frozen=True)
class Job:
    """One record to write, whose it is, and where its bundle lies."""

    step: Step
    owner: Owner
    topic: str
    offset: int

    @property
    def key(self) -> Key:
        """Entity and record key."""
        return (self.step.target.entity, self.step.key)


@dataclass(frozen=True)
class Result:
    """What became of a job; `error` says why it is held."""

    job: Job
    outcome: Outcome
    error: SyncError | None = None


@dataclass
class Counts:
    """`records[(entity, outcome)]` and `bundles[outcome]`, as they were counted by this process."""

    records: Counter[tuple[str, str]] = field(default_factory=Counter)
    bundles: Counter[str] = field(default_factory=Counter)


class Writer:
    """Writes batches. `payments` is None where Splynx's database is not reachable beside the ledger."""

    def __init__(
        self,
        *,
        db: Database,
        ledger: Ledger,
        rest: RestRecords,
        payments: Payments | None,
        letters: DeadLetters,
        aggregates: Sequence[Aggregate],
        targets: Mapping[str, Target],
        brake: Brake,
        disposable: bool,
        concurrency: int,
        parked_hours: float,
    ) -> None:
        self._db, self._ledger, self._rest, self._payments = db, ledger, rest, payments
        self._letters, self._brake, self._disposable = letters, brake, disposable
        self._rank = {aggregate.name: rank for rank, aggregate in enumerate(aggregates)}
        self._targets = targets
        self._shapes = {name: Shape(target) for name, target in targets.items()}
        self._concurrency, self._parked = concurrency, timedelta(hours=parked_hours)
        self.tokens: dict[int, int] = {}
        self.counts = Counts()

    async def write(self, deliveries: Sequence[Delivery]) -> None:
        """Write one batch and commit it in the ledger, offsets included. Repeating it changes no row.

        Raises:
            SyncError: with the actions RETRY or HALT; nothing of the batch's SQL is there then, and what REST wrote
                is in the crosswalk, so that the repetition finds it.
        """
        deliveries = await self._not_done(deliveries)
        if not deliveries:
            return
        outcomes: dict[tuple[str, int, int], tuple[Outcome, str]] = {}
        for one in deliveries:
            if one.error is not None:
                self._letter(one, one.error)
                outcomes[one.at] = (Outcome.DEAD_LETTERED, one.error.code)
        winners = self._winners(deliveries, outcomes)
        keys = {(d.aggregate.name, d.bundle.sonar_id) for d in winners if d.bundle}
        async with self._db.session() as tx:
            states = await self._ledger.states(tx, keys)
            known = await self._ledger.known(tx, keys)
        work: list[tuple[Delivery, StampedBundle, list[Job]]] = []
        for delivery in sorted(winners, key=lambda d: (self._rank[d.aggregate.name], d.at)):
            bundle = delivery.bundle
            if bundle is None:
                continue
            key = (delivery.aggregate.name, bundle.sonar_id)
            settled = verdict(bundle, states.get(key))
            if settled is not None:
                outcomes[delivery.at] = (settled, "")
                continue
            steps = steps_of(bundle, delivery.aggregate, known.get(key, []))
            owner = Owner.of(bundle, delivery.partition, self.tokens[delivery.partition])
            work.append((delivery, bundle, [Job(step, owner, delivery.topic, delivery.offset) for step in steps]))
        self._brake.check(
            [(known.get((d.aggregate.name, b.sonar_id), []), [job.step for job in jobs]) for d, b, jobs in work]
        )
        results = await self._rest_results([jobs for _, _, jobs in work])
        begun = time.monotonic()
        counted = await self._db.retried(lambda tx: self._commit(tx, deliveries, work, states, results, dict(outcomes)))
        metrics.SQL_BATCH_SECONDS.observe(time.monotonic() - begun)
        self._count(*counted)

    async def settle(self) -> int:
        """Write what was woken, give up on what waited too long; how many records were handled."""
        handled = 0
        async with self._db.session() as tx:
            await self._ledger.wake(tx)
            ready = await self._ledger.held(tx, tables.READY, self.tokens, 500)
            parked = await self._ledger.held(tx, tables.PARKED, self.tokens, 500)
        if ready:
            await self._write_held(ready)
            handled += len(ready)
        too_old = [row for row in parked if self._ledger.now() - row["since"] > self._parked]
        for row in too_old:
            error = WaitedTooLong(f"waited for {row['waits_entity']} {row['waits_key']}")
            self._letters.add(
                topic=row["topic"], partition=row["partition_no"], offset=row["topic_offset"], entity=row["entity"],
                error=error, record=row["record_key"],
            )  # fmt: skip
        if too_old:
            await self._letters.flush()
            async with self._db.transaction() as tx:
                await self._ledger.hold(tx, self.tokens)
                await self._ledger.put_held(tx, [_held_again(row, tables.DEAD, WaitedTooLong.code) for row in too_old])
        return handled + len(too_old)

    # before anything is written

    async def _not_done(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        async with self._db.session() as tx:
            done = {topic: await self._ledger.checkpoints(tx, topic) for topic in {d.topic for d in deliveries}}
        return [d for d in deliveries if d.offset >= done[d.topic].get(d.partition, 0)]

    def _winners(
        self, deliveries: Sequence[Delivery], outcomes: dict[tuple[str, int, int], tuple[Outcome, str]]
    ) -> list[Delivery]:
        """The newest bundle per aggregate; the others are superseded."""
        newest: dict[AggregateKey, Delivery] = {}
        for delivery in deliveries:
            if delivery.bundle is None:
                continue
            key = (delivery.aggregate.name, delivery.bundle.sonar_id)
            before = newest.get(key)
            if before is None or before.bundle is None:
                newest[key] = delivery
                continue
            rank = (delivery.bundle.rules_generation, delivery.bundle.sequence, delivery.offset)
            if rank > (before.bundle.rules_generation, before.bundle.sequence, before.offset):
                newest[key] = delivery
                outcomes[before.at] = (Outcome.SUPERSEDED, "")
            else:
                outcomes[delivery.at] = (Outcome.SUPERSEDED, "")
        return list(newest.values())

    # REST

    async def _rest_results(self, groups: Sequence[list[Job]]) -> dict[Key, Result]:
        """Write the REST records: bundles beside each other, aggregates in load order, a bundle's records in turn."""
        slots = asyncio.Semaphore(self._concurrency)
        results: dict[Key, Result] = {}

        async def one_bundle(jobs: list[Job]) -> None:
            async with slots:
                for job in jobs:
                    if job.step.target.path is WritePath.REST:
                        results[job.key] = await self._rest_one(job)

        ranked: dict[int, list[list[Job]]] = {}
        for jobs in groups:
            if jobs:
                ranked.setdefault(self._rank[jobs[0].owner.aggregate], []).append(jobs)
        for rank in sorted(ranked):
            # All are waited for: a call that is cancelled half-way leaves open what Splynx did.
            ended = await asyncio.gather(*(one_bundle(jobs) for jobs in ranked[rank]), return_exceptions=True)
            for error in ended:
                if isinstance(error, BaseException):
                    raise error
        return results

    async def _rest_one(self, job: Job) -> Result:
        if job.step.verb is Verb.UNCHANGED:
            return Result(job, Outcome.UNCHANGED)
        try:
            wrote = await self._rest.write(job.step, job.owner)
        except SyncError as exc:
            if exc.action in (Action.RETRY, Action.HALT):
                raise
            return Result(job, _held_outcome(exc), exc)
        return Result(job, Outcome.APPLIED if wrote else Outcome.UNCHANGED)

    # SQL

    async def _sql_results(self, tx: Transaction, jobs: Sequence[Job]) -> dict[Key, Result]:
        """Write the SQL records in this transaction, with their crosswalk rows and before-images."""
        results: dict[Key, Result] = {}
        wanted: list[Job] = []
        for job in jobs:
            if job.step.verb is Verb.UNCHANGED:
                results[job.key] = Result(job, Outcome.UNCHANGED)
            elif self._payments is None:
                error: SyncError = SqlNotAvailable("Splynx's database is not reachable beside the ledger")
                results[job.key] = Result(job, Outcome.DEFERRED, error)
            elif job.step.target.money and not self._disposable:
                error = Deferred("this Splynx is not called disposable: money waits for invoices")
                results[job.key] = Result(job, Outcome.DEFERRED, error)
            else:
                wanted.append(job)
        if not wanted or self._payments is None:
            return results
        refs = {job.key: self._customer_of(job.step) for job in wanted}
        ids = await self._ledger.ids(tx, refs.values())
        work: list[Work] = []
        by_key: dict[str, Job] = {}
        for job in wanted:
            customer = ids.get(refs[job.key])
            if customer is None:
                results[job.key] = Result(job, Outcome.PARKED, ParentMissing(*refs[job.key]))
            else:
                work.append(Work(job.step, customer, job.owner.sequence))
                by_key[job.step.key] = job
        done = await self._payments.write(tx, work)
        crosswalk: list[tuple[Any, ...]] = []
        journal: list[JournalEntry] = []
        for key, job in by_key.items():
            refused = done.refused.get(key)
            if refused is not None:
                results[job.key] = Result(job, Outcome.DEAD_LETTERED, refused)
                continue
            step, owner, target_id = job.step, job.owner, done.target_ids[key]
            document = step.document if step.document is not None else (step.known.document if step.known else {})
            gone = step.verb is Verb.GONE
            crosswalk.append(
                (
                    step.target.entity, key, owner.aggregate, owner.sonar_id, target_id, step.hash, owner.sequence,
                    tables.GONE if gone else tables.LIVE, done.revisions[key], dumped(document),
                )
            )  # fmt: skip
            journal.append(
                JournalEntry(
                    step.target.entity, key, target_id, "compensate" if gone else step.verb.value, done.before[key],
                    owner.sequence,
                )
            )  # fmt: skip
            results[job.key] = Result(job, Outcome.APPLIED)
        await self._ledger.put_crosswalk(tx, crosswalk)
        await self._ledger.journal(tx, journal)
        return results

    def _customer_of(self, step: Step) -> Key:
        document = step.document if step.document is not None else (step.known.document if step.known else {})
        refs = [ref for ref in refs_of(document, self._shapes[step.target.entity].required) if ref.required]
        return (refs[0].entity, refs[0].key)

    # commit

    async def _commit(
        self,
        tx: Transaction,
        deliveries: Sequence[Delivery],
        work: Sequence[tuple[Delivery, StampedBundle, list[Job]]],
        seen: Mapping[AggregateKey, AggregateState],
        rest: Mapping[Key, Result],
        outcomes: dict[tuple[str, int, int], tuple[Outcome, str]],
    ) -> tuple[list[Result], list[str]]:
        await self._ledger.hold(tx, {d.partition: self.tokens[d.partition] for d in deliveries})
        keys = [(d.aggregate.name, b.sonar_id) for d, b, _ in work]
        for key, state in (await self._ledger.states(tx, keys, lock=True)).items():
            if key not in seen or seen[key] != state:
                raise Overtaken(f"{key[0]} {key[1]} was applied in another state meanwhile")
        waiting = await self._ledger.held_of(tx, keys)
        sql = await self._sql_results(
            tx, [j for _, _, jobs in work for j in jobs if j.step.target.path is WritePath.SQL]
        )
        results = {**rest, **sql}
        await self._hold_or_forget(tx, list(results.values()), waiting)
        rows: list[tuple[Any, ...]] = []
        for delivery, bundle, jobs in work:
            own = [results[job.key] for job in jobs]
            outcome = worst(result.outcome for result in own)
            code = next((r.error.code for r in own if r.outcome is outcome and r.error is not None), "")
            outcomes[delivery.at] = (outcome, code)
            rows.append(
                (
                    bundle.aggregate, bundle.sonar_id, bundle.owner_id, delivery.partition, delivery.offset,
                    bundle.sequence, bundle.hash, bundle.rules_generation, bundle.rules_version, outcome.value,
                    int(bundle.bundle.deleted),
                )
            )  # fmt: skip
        await self._ledger.put_aggregates(tx, rows)
        by_place: dict[tuple[str, int], list[tuple[int, str, str]]] = {}
        for topic, partition, offset in sorted(outcomes):
            outcome, code = outcomes[(topic, partition, offset)]
            by_place.setdefault((topic, partition), []).append((offset, outcome.value, code))
        for (topic, partition), rows_at in by_place.items():
            await self._ledger.put_outcomes(tx, topic, partition, rows_at)
            await self._ledger.put_checkpoint(tx, topic, partition, rows_at[-1][0] + 1)
        await self._letters.flush()  # acknowledged before the commit
        return list(results.values()), [outcome.value for outcome, _ in outcomes.values()]

    async def _hold_or_forget(
        self, tx: Transaction, results: Sequence[Result], waiting: Mapping[AggregateKey, set[Key]]
    ) -> None:
        """Keep the records that were not written; forget earlier ones of the same aggregates."""
        held: list[tuple[Any, ...]] = []
        for result in results:
            job, error = result.job, result.error
            if error is None:
                continue
            step, owner = job.step, job.owner
            state = {
                Outcome.PARKED: tables.PARKED,
                Outcome.DEFERRED: tables.DEFERRED,
                Outcome.DEAD_LETTERED: tables.DEAD,
            }[result.outcome]
            waits = (error.entity, error.key) if isinstance(error, ParentMissing) else (None, None)
            held.append(
                (
                    *job.key, owner.aggregate, owner.sonar_id, state, error.code, str(error)[:512], *waits,
                    owner.sequence, step.hash, dumped(step.document), job.topic, owner.partition, job.offset,
                )
            )  # fmt: skip
            if result.outcome is Outcome.DEAD_LETTERED:
                self._letters.add(
                    topic=job.topic, partition=owner.partition, offset=job.offset, entity=step.target.entity,
                    error=error, record=step.key,
                )  # fmt: skip
        kept = {(row[0], row[1]) for row in held}
        await self._ledger.drop_held(tx, {key for keys in waiting.values() for key in keys} - kept)
        await self._ledger.put_held(tx, held)

    # held records

    async def _write_held(self, rows: Sequence[Row]) -> None:
        keys = {(row["aggregate"], row["sonar_id"]) for row in rows}
        async with self._db.session() as tx:
            states = await self._ledger.states(tx, keys)
            known = {(k.entity, k.key): k for ks in (await self._ledger.known(tx, keys)).values() for k in ks}
        jobs: list[Job] = []
        outdated: set[Key] = set()
        for row in rows:
            state = states.get((row["aggregate"], row["sonar_id"]))
            if state is not None and state.sequence > row["sequence"]:
                outdated.add((row["entity"], row["record_key"]))  # superseded by a newer bundle
            else:
                jobs.append(self._job_of(row, known.get((row["entity"], row["record_key"]))))
        groups: dict[AggregateKey, list[Job]] = {}
        order = list(self._targets)
        for job in sorted(jobs, key=lambda j: order.index(j.step.target.entity)):
            groups.setdefault((job.owner.aggregate, job.owner.sonar_id), []).append(job)
        rest = await self._rest_results(list(groups.values()))

        async def commit(tx: Transaction) -> list[Result]:
            await self._ledger.hold(tx, self.tokens)
            now = await self._ledger.states(tx, keys, lock=True)
            if any(states.get(key) != state for key, state in now.items()):
                raise Overtaken("an aggregate was applied in another state meanwhile")
            sql = await self._sql_results(tx, [job for job in jobs if job.step.target.path is WritePath.SQL])
            results = [*rest.values(), *sql.values()]
            await self._ledger.drop_held(tx, outdated | {r.job.key for r in results if r.error is None})
            await self._hold_or_forget(tx, results, {})
            await self._ledger.settle_outcomes(tx, keys)
            await self._letters.flush()
            return results

        self._count(await self._db.retried(commit), [])

    def _job_of(self, row: Row, known: Known | None) -> Job:
        target = self._targets[row["entity"]]
        document = json.loads(row["document"])
        if document is None:
            verb = Verb.GONE if known is not None and known.state == tables.LIVE else Verb.UNCHANGED
        elif known is None:
            verb = Verb.CREATE
        else:
            same = known.state == tables.LIVE and known.hash == row["hash"]
            verb = Verb.UNCHANGED if same else Verb.CHANGE
        partition = row["partition_no"]
        owner = Owner(row["aggregate"], row["sonar_id"], row["sequence"], partition, self.tokens[partition])
        step = Step(verb, target, row["record_key"], row["hash"], document, known)
        return Job(step, owner, row["topic"], row["topic_offset"])

    # small things

    def _letter(self, delivery: Delivery, error: SyncError) -> None:
        secret = any(self._shapes[target.entity].on_create for target in delivery.aggregate.targets)
        self._letters.add(
            topic=delivery.topic,
            partition=delivery.partition,
            offset=delivery.offset,
            entity=delivery.aggregate.name,
            error=error,
            key=delivery.key,
            value=b"" if secret else delivery.value,
        )

    def _count(self, results: Iterable[Result], bundles: Iterable[str]) -> None:
        for result in results:
            entity = result.job.step.target.entity
            self.counts.records[(entity, result.outcome.value)] += 1
            metrics.RECORDS.labels(entity, result.outcome.value).inc()
        self.counts.bundles.update(bundles)


def _held_outcome(error: SyncError) -> Outcome:
    if isinstance(error, Deferred):
        return Outcome.DEFERRED
    return Outcome.PARKED if error.action is Action.PARK else Outcome.DEAD_LETTERED


def _held_again(row: Row, state: str, code: str) -> tuple[Any, ...]:
    return (
        row["entity"], row["record_key"], row["aggregate"], row["sonar_id"], state, code, row["reason"],
        row["waits_entity"], row["waits_key"], row["sequence"], row["hash"], row["document"], row["topic"],
        row["partition_no"], row["topic_offset"],
    )  # fmt: skip
