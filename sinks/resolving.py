"""Records with conflicts written again: because somebody decided, or to see whether both sides agree by now.

What is written is the document of the ledger, which is Sonar's, on the ways of any other write: with fence, intents,
before-images and a comparison with the row as it is. So an edit that came after the decision is not overwritten.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from clients.mysql import Database, Transaction
from plumbing.errors import SyncError
from schemas.aggregate import Target, WritePath
from schemas.ledger import LIVE, UNSETTLED
from schemas.ownership import OWN_FIELDS
from schemas.write_paths import BY_SQL, WritePaths
from sinks.entries import Owner
from sinks.errors import Overtaken, RowMissing
from sinks.jobs import Job, Result
from sinks.paths import Paths
from sinks.plan import Document, Step, Verb
from sinks.store import AggregateKey, Key, Ledger
from sinks.tables.crosswalk import Owned
from sinks.threeway import EXTRA, Decision, Standing

Decisions = Mapping[Key, Mapping[str, Decision]]
"""`{record: {field: what was decided}}`; an empty one has the rules decide."""


class Resolving:
    """Writes records again. `tokens`: `{partition: token}` of those that are ours, changed by their owner."""

    def __init__(
        self,
        *,
        db: Database,
        ledger: Ledger,
        paths: Paths,
        targets: Mapping[str, Target],
        tokens: Mapping[int, int],
        ways: WritePaths = BY_SQL,
    ) -> None:
        self._db, self._ledger, self._paths = db, ledger, paths
        self._targets, self._tokens, self._ways = targets, tokens, ways

    async def undecided(self, limit: int) -> list[Key]:
        """Records of our partitions that have undecided conflicts, those that were looked at longest ago first."""
        async with self._db.session() as tx:
            rows = await self._ledger.conflicts(tx, states=[UNSETTLED])
            keys = {(row["entity"], row["record_key"]): row["at"] for row in rows if row["entity"] in self._targets}
            owned = await self._ledger.owned(tx, keys)
        mine = [key for key, one in owned.items() if one.partition in self._tokens]
        return sorted(mine, key=lambda key: (keys[key], key))[:limit]

    async def write(self, decisions: Decisions) -> dict[Key, SyncError | None]:
        """Write each record; why it could not be, None where it was.

        Raises:
            Fenced, CutOver: another writer took over, or nobody writes any more. Repeating goes on.
            SyncError: Splynx or the ledger does not answer. Repeating goes on.
        """
        async with self._db.session() as tx:
            owned = await self._ledger.owned(tx, decisions)
            standing, phase = await self._ledger.standing(tx, decisions), await self._ledger.phase(tx)
        found: dict[Key, SyncError | None] = {}
        groups: dict[AggregateKey, list[Job]] = {}
        for key, decided in decisions.items():
            one = owned.get(key)
            if one is None or one.known.state != LIVE or one.partition is None or one.applied is None:
                found[key] = RowMissing(f"the ledger has no live row of {key[0]} {key[1]} any more")
            elif one.known.sequence > one.applied:
                found[key] = Overtaken(f"a newer bundle of {key[0]} {key[1]} is being written")
            else:
                owner = Owner(*one.owner, one.applied, one.partition, self._tokens[one.partition])
                target = self._ways.on(self._targets[key[0]], phase)
                job = self._job(target, key, one, owner, standing.get(key, {}), decided)
                groups.setdefault(one.owner, []).append(job)
        order = list(self._targets)
        for jobs in groups.values():
            jobs.sort(key=lambda job: order.index(job.step.target.entity))
        rest = await self._paths.rest_results(list(groups.values()))
        sql = [job for jobs in groups.values() for job in jobs if job.step.target.path is WritePath.SQL]
        results: list[Result] = list(rest.values())
        if sql:
            results += await self._db.retried(lambda tx: self._commit(tx, sql))
        return found | {result.job.key: result.error for result in results}

    async def _commit(self, tx: Transaction, jobs: Sequence[Job]) -> list[Result]:
        await self._ledger.hold(tx, {job.owner.partition: job.owner.token for job in jobs})
        applied = {(job.owner.aggregate, job.owner.sonar_id): job.owner.sequence for job in jobs}
        for key, state in (await self._ledger.states(tx, applied, lock=True)).items():
            if state.sequence > applied[key]:
                raise Overtaken(f"{key[0]} {key[1]} was applied in a newer state meanwhile")
        return list((await self._paths.sql_results(tx, jobs)).values())

    def _job(
        self,
        target: Target,
        key: Key,
        one: Owned,
        owner: Owner,
        standing: Mapping[str, Standing],
        decided: Mapping[str, Decision],
    ) -> Job:
        known = one.known
        document = as_sonar_has_it(target, known.document, standing)
        # The hash of before where it is the same document, so that its bundle still counts as written. It is another
        # where Splynx refused the bundle that the conflict was told of.
        digest = known.hash if document == known.document else ""
        return Job(Step(Verb.CHANGE, target, key[1], digest, document, known, decided), owner, "", 0)


def as_sonar_has_it(target: Target, document: Document, standing: Mapping[str, Standing]) -> Document:
    """The document of the ledger with Sonar's values: a rollback has put Splynx's into it, of what it took back."""
    result, custom = dict(document), dict(document.get(OWN_FIELDS) or {})
    called = {column: member for member, column in target.record.columns.items()}
    for name, one in standing.items():
        member = called.get(name, name)
        if member.endswith("_minor") and member in result:
            result[member] = int(Decimal(str(one.source)).scaleb(int(document["exponent"])))
        elif member in result and not isinstance(result[member], dict | list):
            result[member] = one.source
        elif (own := name.removeprefix(f"{EXTRA}.")) in custom:
            custom[own] = one.source
    return result | ({OWN_FIELDS: custom} if custom else {})
