"""Batches of bundles into Splynx: what is stale falls away, records are written, outcomes and offsets committed."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from clients.mysql import Database, Transaction
from plumbing import metrics
from plumbing.errors import SyncError
from schemas.aggregate import Aggregate, Target, WritePath
from schemas.bundle import StampedBundle
from schemas.ledger import SHADOW
from schemas.write_paths import BY_SQL, WritePaths
from sinks.bodies import Shape
from sinks.brake import Brake
from sinks.entries import Entries, Owner
from sinks.errors import Overtaken, ReadBackDiffers
from sinks.jobs import Counts, Delivery, Job, Result
from sinks.letters import DeadLetters
from sinks.paths import Paths
from sinks.payments import Payments
from sinks.plan import AggregateState, Known, Outcome, newest_of, steps_of, verdict, worst
from sinks.regressions import Regressions
from sinks.resolving import Resolving
from sinks.rest import RestRecords
from sinks.rest_documents import RestDocuments
from sinks.store import AggregateKey, Key, Ledger
from sinks.waiting import Waiting

_LOOKED_AT = 500
"""Rows with conflicts that one look takes, each of which is a request."""


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
        documents: RestDocuments | None = None,
        ways: WritePaths = BY_SQL,
        oldest_generation: int = 0,
    ) -> None:
        """`ways`: how each target goes in each phase. `oldest_generation`: bundles of older rules are superseded."""
        self._db, self._ledger, self._letters, self._brake = db, ledger, letters, brake
        self._rank = {aggregate.name: rank for rank, aggregate in enumerate(aggregates)}
        self._secret = {
            aggregate.name: any(Shape(target).has_secrets for target in aggregate.targets) for aggregate in aggregates
        }
        self._oldest, self._ways, self._phase = oldest_generation, ways, SHADOW
        self.generation = 0
        """The newest rules generation among the bundles that this process has seen."""
        self.tokens: dict[int, int] = {}
        self.leaving = asyncio.Event()
        """Set while the partitions are asked back: no further call is begun."""
        self.counts = Counts()
        self._entries = Entries(ledger)
        self.regressions = Regressions()
        self._paths = Paths(
            ledger=ledger,
            rest=rest,
            payments=payments,
            targets=targets,
            rank=self._rank,
            disposable=disposable,
            concurrency=concurrency,
            leaving=self.leaving,
            documents=documents,
        )
        self._waiting = Waiting(
            db=db,
            ledger=ledger,
            paths=self._paths,
            letters=letters,
            targets=targets,
            ways=ways,
            tokens=self.tokens,
            patience=timedelta(hours=parked_hours),
        )

        self._kept_otherwise = set[Key]()
        """Records of which Splynx keeps something otherwise each time: an hourly try would journal the same."""
        self._resolving = Resolving(
            db=db, ledger=ledger, paths=self._paths, targets=targets, tokens=self.tokens, ways=ways
        )

    async def write(self, deliveries: Sequence[Delivery]) -> None:
        """Write one batch and commit it in the ledger, offsets included. Repeating it changes no row.

        Raises:
            SyncError: with the actions RETRY or HALT; nothing of the batch's SQL is there then, and what REST wrote
                is in the crosswalk, so that the repetition finds it.
        """
        deliveries = await self._not_done(deliveries)
        if not deliveries:
            return
        self._ledger.batch += 1
        self._letters.begin()
        outcomes: dict[tuple[str, int, int], tuple[Outcome, str]] = {}
        for one in deliveries:
            if one.error is not None:
                self._letter(one, one.error)
                outcomes[one.at] = (Outcome.DEAD_LETTERED, one.error.code)
        winners = self._winners(deliveries, outcomes)
        states, known, open_ones = await self._compare(winners, outcomes)
        work: list[tuple[Delivery, StampedBundle, list[Job]]] = []
        for delivery, bundle in sorted(open_ones, key=lambda one: (self._rank[one[0].aggregate.name], one[0].at)):
            found = steps_of(bundle, delivery.aggregate, known.get((delivery.aggregate.name, bundle.sonar_id), []))
            steps = [
                step if (target := self._ways.on(step.target, self._phase)) is step.target
                else replace(step, target=target)
                for step in found
            ]  # fmt: skip
            owner = Owner.of(bundle, delivery.partition, self.tokens[delivery.partition])
            work.append((delivery, bundle, [Job(step, owner, delivery.topic, delivery.offset) for step in steps]))
        self._brake.check(
            [(known.get((d.aggregate.name, b.sonar_id), []), [job.step for job in jobs]) for d, b, jobs in work]
        )
        results = await self._paths.rest_results([jobs for _, _, jobs in work])
        begun = time.monotonic()
        counted = await self._db.retried(
            lambda tx: self._commit(tx, deliveries, work, states, known, results, dict(outcomes))
        )
        metrics.SQL_BATCH_SECONDS.observe(time.monotonic() - begun)
        self._letters.forget()
        self._brake.written()
        self.regressions.note(deliveries, outcomes, states)
        self._count(*counted)

    async def pause(self, aggregates: frozenset[str], why: str) -> None:
        """Let what waits of these aggregates wait on, and tell `status` why; none: nothing is held up any more."""
        self._waiting.pause(aggregates)
        async with self._db.session() as tx:
            await self._ledger.tell(tx, "guards", why)

    async def settle(self) -> int:
        """Write what was woken, give up on what waited too long; how many records were handled."""
        self._ledger.batch += 1
        self._letters.begin()
        results, handled = await self._waiting.settle()
        self._letters.forget()
        self._count(results, [])
        return handled

    async def look_at_conflicts(self) -> int:
        """Look again at rows with undecided conflicts: both sides may agree by now, or the rules decide otherwise."""
        undecided = await self._resolving.undecided(_LOOKED_AT + len(self._kept_otherwise))
        keys = [key for key in undecided if key not in self._kept_otherwise][:_LOOKED_AT]
        errors = await self._resolving.write({key: {} for key in keys})
        self._kept_otherwise.update(key for key, error in errors.items() if isinstance(error, ReadBackDiffers))
        return len(keys)

    # before anything is written

    async def _not_done(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        async with self._db.session() as tx:
            done = {topic: await self._ledger.checkpoints(tx, topic) for topic in {d.topic for d in deliveries}}
        return [d for d in deliveries if d.offset >= done[d.topic].get(d.partition, 0)]

    def _winners(
        self, deliveries: Sequence[Delivery], outcomes: dict[tuple[str, int, int], tuple[Outcome, str]]
    ) -> list[Delivery]:
        """The bundle per aggregate that would stand if each had come alone; what it overtook is superseded."""
        newest: dict[AggregateKey, Delivery] = {}
        for delivery in sorted(deliveries, key=lambda d: d.at):
            if delivery.bundle is None:
                continue
            key = (delivery.aggregate.name, delivery.bundle.sonar_id)
            before = newest.get(key)
            state = None
            if before is not None and (one := before.bundle) is not None:
                state = AggregateState(one.sequence, one.hash, one.rules_generation, Outcome.APPLIED.value)
            settled = verdict(delivery.bundle, state, oldest=self._oldest)
            if settled in {Outcome.STALE, Outcome.SUPERSEDED}:
                outcomes[delivery.at] = (settled, "")
                continue
            if before is not None:
                outcomes[before.at] = (Outcome.SUPERSEDED, "")
            newest[key] = delivery
        return list(newest.values())

    async def _compare(
        self, winners: Sequence[Delivery], outcomes: dict[tuple[str, int, int], tuple[Outcome, str]]
    ) -> tuple[
        dict[AggregateKey, AggregateState], dict[AggregateKey, list[Known]], list[tuple[Delivery, StampedBundle]]
    ]:
        """What the ledger has of the winners: their states, and what those own that are to be compared."""
        bundles = [(one, one.bundle) for one in winners if one.bundle is not None]
        open_ones: list[tuple[Delivery, StampedBundle]] = []
        async with self._db.session() as tx:
            states = await self._ledger.states(tx, {(one.aggregate.name, bundle.sonar_id) for one, bundle in bundles})
            for one, bundle in bundles:
                self.generation = max(self.generation, bundle.rules_generation)
                settled = verdict(bundle, states.get((one.aggregate.name, bundle.sonar_id)), oldest=self._oldest)
                if settled is not None:
                    outcomes[one.at] = (settled, "")
                else:
                    open_ones.append((one, bundle))
            if self._ways.by_phase:
                self._phase = await self._ledger.phase(tx)
            # A replay changes nothing of most: their documents are not even read.
            known = await self._ledger.known(tx, {(one.aggregate.name, b.sonar_id) for one, b in open_ones})
        for one, bundle in open_ones:
            if newest_of(known.get((one.aggregate.name, bundle.sonar_id), ())) > bundle.sequence:
                # By a sink of another partition, which has not committed yet. To wait for it could be for ever: it may
                # wait for one of ours.
                outcomes[one.at] = (Outcome.STALE, "")
        return states, known, [(one, bundle) for one, bundle in open_ones if one.at not in outcomes]

    # commit

    async def _commit(
        self,
        tx: Transaction,
        deliveries: Sequence[Delivery],
        work: Sequence[tuple[Delivery, StampedBundle, list[Job]]],
        seen: Mapping[AggregateKey, AggregateState],
        known: Mapping[AggregateKey, Sequence[Known]],
        rest: Mapping[Key, Result],
        outcomes: dict[tuple[str, int, int], tuple[Outcome, str]],
    ) -> tuple[list[Result], list[str]]:
        await self._ledger.hold(tx, {d.partition: self.tokens[d.partition] for d in deliveries})
        keys = [(d.aggregate.name, b.sonar_id) for d, b, _ in work]
        for key, state in (await self._ledger.states(tx, seen.keys() & set(keys), lock=True)).items():
            if seen[key] != state:
                raise Overtaken(f"{key[0]} {key[1]} was applied in another state meanwhile")
        new = [(d, b) for d, b, _ in work if (d.aggregate.name, b.sonar_id) not in seen]
        await self._ledger.enter_aggregates(tx, [_applied(d, b, Outcome.APPLIED) for d, b in new])
        await self._entries.as_compared(
            tx,
            [
                (Owner.of(b, d.partition, self.tokens[d.partition]), known.get(key, ()), {job.key for job in jobs})
                for key, (d, b, jobs) in zip(keys, work, strict=True)
                if self._goes_over_rest(d.aggregate)
            ],
        )
        sql = await self._paths.sql_results(
            tx, [j for _, _, jobs in work for j in jobs if j.step.target.path is WritePath.SQL]
        )
        results = {**rest, **sql}
        rows: list[tuple[Any, ...]] = []
        for delivery, bundle, jobs in work:
            own = [results[job.key] for job in jobs]
            outcome = worst(result.outcome for result in own)
            code = next((r.error.code for r in own if r.outcome is outcome and r.error is not None), "")
            outcomes[delivery.at] = (outcome, code)
            if outcome is not Outcome.APPLIED or (bundle.aggregate, bundle.sonar_id) in seen:
                rows.append(_applied(delivery, bundle, outcome))
        for at, (outcome, _) in outcomes.items():
            if outcome is not Outcome.DEAD_LETTERED:
                self._letters.passed(*at)
        await self._waiting.keep(tx, list(results.values()), {(d.aggregate.name, b.sonar_id): b for d, b, _ in work})
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

    # small things

    def _goes_over_rest(self, aggregate: Aggregate) -> bool:
        """Whether a record of it is entered before its batch is committed, in whichever phase: a call outlasts one."""
        return any(self._ways.may_go(target, WritePath.REST) for target in aggregate.targets)

    def _letter(self, delivery: Delivery, error: SyncError) -> None:
        self._letters.add(
            topic=delivery.topic,
            partition=delivery.partition,
            offset=delivery.offset,
            entity=delivery.aggregate.name,
            error=error,
            key=delivery.key,
            value=b"" if self._secret[delivery.aggregate.name] else delivery.value,
        )

    def _count(self, results: Iterable[Result], bundles: Iterable[str]) -> None:
        counted = Counter((result.job.step.target.entity, result.outcome) for result in results)
        for (entity, outcome), number in counted.items():
            self.counts.records[(entity, outcome.value)] += number
            metrics.RECORDS.labels(entity, outcome.value).inc(number)
        self.counts.bundles.update(bundles)


def _applied(delivery: Delivery, bundle: StampedBundle, outcome: Outcome) -> tuple[Any, ...]:
    """The row of an aggregate whose newest bundle this is."""
    return (
        bundle.aggregate, bundle.sonar_id, bundle.owner_id, delivery.partition, delivery.offset, bundle.sequence,
        bundle.hash, bundle.rules_generation, bundle.rules_version, outcome.value, int(bundle.bundle.deleted),
    )  # fmt: skip
