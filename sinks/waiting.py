"""Records that wait: kept with their reason, written when what they waited for is there, given up in the end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from clients.mysql import Database, Row, Transaction
from plumbing.errors import SyncError
from schemas import ledger as tables
from schemas.aggregate import Target, WritePath
from schemas.bundle import StampedBundle
from schemas.write_paths import BY_SQL, WritePaths
from sinks.chains import chains, told
from sinks.entries import Owner
from sinks.errors import Overtaken, ParentMissing, WaitedTooLong
from sinks.jobs import Job, Result
from sinks.letters import DeadLetters
from sinks.paths import Paths
from sinks.plan import AggregateState, Known, Outcome, Step, Verb, moved_away, newest_of
from sinks.store import AggregateKey, Key, Ledger, dumped

_AT_ONCE = 500


@dataclass(frozen=True)
class _Woken:
    """Held records that were woken, with what the ledger has of their aggregates."""

    rows: list[Row] = field(default_factory=list)
    states: dict[AggregateKey, AggregateState] = field(default_factory=dict)
    owned: dict[AggregateKey, list[Known]] = field(default_factory=dict)

    def is_outdated(self, row: Row) -> bool:
        """Whether a newer bundle was applied, which would have kept it if it told nothing of it."""
        state = self.states.get((row["aggregate"], row["sonar_id"]))
        return state is not None and state.sequence > row["sequence"]

    def is_settled(self, row: Row) -> bool:
        """Whether what becomes of it is no affair of a newer bundle that has written something and is not applied."""
        written = newest_of(self.owned.get((row["aggregate"], row["sonar_id"]), ()))
        return self.is_outdated(row) or written <= row["sequence"]


class Waiting:
    """The held records of the partitions that `tokens` names (`{partition: token}`, changed by its owner)."""

    def __init__(
        self,
        *,
        db: Database,
        ledger: Ledger,
        paths: Paths,
        letters: DeadLetters,
        targets: Mapping[str, Target],
        tokens: Mapping[int, int],
        patience: timedelta,
        ways: WritePaths = BY_SQL,
    ) -> None:
        self._db, self._ledger, self._paths, self._letters = db, ledger, paths, letters
        self._targets, self._order = targets, list(targets)
        self._tokens, self._patience, self._ways = tokens, patience, ways
        self._paused: frozenset[str] = frozenset()
        self._went_on: datetime | None = None

    def pause(self, aggregates: frozenset[str]) -> None:
        """Write nothing that waits of these aggregates, and give up nothing. Once they go on, patience begins anew."""
        if self._paused - aggregates:
            self._went_on = self._ledger.now()
        self._paused = aggregates

    async def keep(
        self, tx: Transaction, results: Sequence[Result], bundles: Mapping[AggregateKey, StampedBundle]
    ) -> None:
        """Keep the records that were not written; forget earlier ones of the bundles that were applied.

        What a bundle tells nothing of waits on.
        """
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
        dropped: set[Key] = set()
        for whose, records in (await self._ledger.held_of(tx, bundles)).items():
            bundle = bundles[whose]
            compared = {key for key in records if bundle.bundle.tells_of(key[0])}
            dropped |= compared - kept
            left = records.keys() - compared - kept
            # Behind its aggregate a record counts as superseded.
            await self._ledger.raise_held(tx, left, bundle.sequence)
            held += self._given_up_of([records[key] for key in sorted(left)], bundle)
        await self._ledger.drop_held(tx, dropped)
        await self._ledger.put_held(tx, held)

    def _given_up_of(self, rows: Sequence[Row], bundle: StampedBundle) -> list[tuple[Any, ...]]:
        """Make dead letters of those that would be written for a customer that they belong to no more."""
        given_up = []
        for row in rows:
            error = moved_away(json.loads(row["document"]), bundle)
            if error is not None and row["state"] not in {tables.DEAD, tables.DISMISSED}:
                self._letters.add(
                    topic=row["topic"], partition=row["partition_no"], offset=row["topic_offset"], entity=row["entity"],
                    error=error, record=row["record_key"],
                )  # fmt: skip
                given_up.append(_held_again(row | {"sequence": bundle.sequence}, tables.DEAD, error))
        return given_up

    async def settle(self) -> tuple[list[Result], int]:
        """Write what was woken, give up on what waited too long: what became of the first, and how many both were."""
        results: list[Result] = []
        async with self._db.session() as tx:
            await self._ledger.wake(tx)
        # All as of one instant: a bundle that comes in between may let wait on what is behind it.
        async with self._db.transaction() as tx:
            ready = await self._woken(tx)
            # Of what goes on, too, much may wait for what stands still.
            parked = [] if self._paused else await self._ledger.held(tx, tables.PARKED, self._tokens, _AT_ONCE)
        if ready.rows:
            results = await self._write_held(ready)
        # What it waits for could not come while its topic stood still.
        latest = self._ledger.now() - self._patience
        too_old = [row for row in parked if max(row["since"], self._went_on or row["since"]) < latest]
        if too_old:
            await self._give_up(too_old)
        return results, len(ready.rows) + len(too_old)

    async def _woken(self, tx: Transaction) -> "_Woken":
        """Woken records, the longest waiting first.

        Where a bundle has begun to be written and is not applied yet, its aggregate's wait on: it may tell nothing of
        them, and is not lost. They hold nobody up.
        """
        woken, behind = _Woken(), 0
        while len(woken.rows) < _AT_ONCE:
            page = await self._ledger.held(tx, tables.READY, self._tokens, _AT_ONCE, but=self._paused, behind=behind)
            keys = {(row["aggregate"], row["sonar_id"]) for row in page}
            woken.states.update(await self._ledger.states(tx, keys))
            woken.owned.update(await self._ledger.known(tx, keys))
            woken.rows.extend(row for row in page if woken.is_settled(row))
            behind += len(page)
            if len(page) < _AT_ONCE:
                break
        return woken

    async def _give_up(self, rows: Sequence[Row]) -> None:
        """Make dead letters of them that name the whole chain, down to what is at fault."""
        async with self._db.session() as tx:
            links = await chains(tx, self._ledger, [(row["entity"], row["record_key"]) for row in rows])

        async def commit(tx: Transaction) -> None:
            await self._ledger.hold(tx, self._tokens)
            # Another sink may have woken it meanwhile, or written what came after it.
            parked = await self._ledger.still_parked(tx, rows)
            dead: list[tuple[Any, ...]] = []
            for row in rows:
                key = (row["entity"], row["record_key"])
                if key in parked:
                    error = WaitedTooLong(f"waited for {told(links[key])}")
                    dead.append(_held_again(row, tables.DEAD, error))
                    self._letters.add(
                        topic=row["topic"], partition=row["partition_no"], offset=row["topic_offset"],
                        entity=row["entity"], error=error, record=row["record_key"],
                    )  # fmt: skip
            await self._ledger.put_held(tx, dead)
            await self._letters.flush()  # acknowledged before the commit

        await self._db.retried(commit)

    async def _write_held(self, woken: "_Woken") -> list[Result]:
        keys = {(row["aggregate"], row["sonar_id"]) for row in woken.rows}
        async with self._db.session() as tx:
            phase = await self._ledger.phase(tx)
        known = {(one.entity, one.key): one for ones in woken.owned.values() for one in ones}
        jobs: list[Job] = []
        outdated: set[Key] = set()
        for row in woken.rows:
            if woken.is_outdated(row):
                outdated.add((row["entity"], row["record_key"]))  # superseded by a newer bundle
            else:
                jobs.append(self._job_of(row, known.get((row["entity"], row["record_key"])), phase))
        groups: dict[AggregateKey, list[Job]] = {}
        for job in sorted(jobs, key=lambda j: self._order.index(j.step.target.entity)):
            groups.setdefault((job.owner.aggregate, job.owner.sonar_id), []).append(job)
        rest = await self._paths.rest_results(list(groups.values()))

        async def commit(tx: Transaction) -> list[Result]:
            await self._ledger.hold(tx, self._tokens)
            now = await self._ledger.states(tx, keys, lock=True)
            if any(woken.states.get(key) != state for key, state in now.items()):
                raise Overtaken("an aggregate was applied in another state meanwhile")
            sql = await self._paths.sql_results(tx, [job for job in jobs if job.step.target.path is WritePath.SQL])
            results = [*rest.values(), *sql.values()]
            await self._ledger.drop_held(tx, outdated | {r.job.key for r in results if r.error is None})
            await self.keep(tx, results, {})
            await self._ledger.settle_outcomes(tx, keys)
            await self._letters.flush()
            return results

        return await self._db.retried(commit)

    def _job_of(self, row: Row, known: Known | None, phase: str) -> Job:
        target = self._ways.on(self._targets[row["entity"]], phase)
        document = json.loads(row["document"])
        if document is None:
            verb = Verb.GONE if known is not None and known.state == tables.LIVE else Verb.UNCHANGED
        elif known is None:
            verb = Verb.CREATE
        else:
            same = known.state == tables.LIVE and known.hash == row["hash"]
            verb = Verb.UNCHANGED if same else Verb.CHANGE
        partition = row["partition_no"]
        owner = Owner(row["aggregate"], row["sonar_id"], row["sequence"], partition, self._tokens[partition])
        step = Step(verb, target, row["record_key"], row["hash"], document, known)
        return Job(step, owner, row["topic"], row["topic_offset"])


def _held_again(row: Row, state: str, error: SyncError) -> tuple[Any, ...]:
    return (
        row["entity"], row["record_key"], row["aggregate"], row["sonar_id"], state, error.code, str(error)[:512],
        row["waits_entity"], row["waits_key"], row["sequence"], row["hash"], row["document"], row["topic"],
        row["partition_no"], row["topic_offset"],
    )  # fmt: skip
