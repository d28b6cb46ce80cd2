"""The sink's process: what it is made of, its start-up checks, a dry run or the loop, and what it did."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient

from clients.splynx_errors import SplynxModuleOff
from plumbing import metrics
from plumbing.avro import make_registry
from plumbing.garbage import collect_seldom
from plumbing.health import HealthServer
from plumbing.kafka import AckedProducer, make_producer
from plumbing.kept import recall
from plumbing.logs import get_logger
from plumbing.settings import Settings
from schemas.catalogue import AGGREGATES, TARGETS
from schemas.ownership import DECLARED, Ownership, check_fields
from schemas.rules import read_rules
from schemas.write_paths import WritePaths, check_paths
from sinks.adoption import unknown_rows
from sinks.answers import ADOPTION, TARGET, check_answered, put_on
from sinks.brake import Brake
from sinks.errors import BrakeApplied
from sinks.guards import Violation, check_guards, require_guards
from sinks.healing import Healing
from sinks.held import show, show_links
from sinks.home import check_home
from sinks.ledger_errors import AdoptionNeeded
from sinks.letters import DeadLetters
from sinks.loop import Loop
from sinks.payment_ids import check_empty, check_sql
from sinks.payments import Payments
from sinks.plan import Outcome
from sinks.preview import Preview
from sinks.readiness import attributes_lacking, check_no_customers, check_ready, entities, rows_of
from sinks.rebuild import check_rebuilt, rebuild
from sinks.regressions import publish_again
from sinks.rest import RestRecords
from sinks.rest_documents import RestDocuments
from sinks.site import Site
from sinks.startup import (
    check_database,
    check_epoch,
    check_same_target,
    define_fields,
    define_flag_labels,
    short_fields,
)
from sinks.stream import WRITTEN, Stream
from sinks.tables.phase import check_phase
from sinks.writer import Writer

log = get_logger("sink")

_LINKS_SECONDS = 300.0
"""Between two counts of the crosswalk, which reads an index of it from end to end."""

metrics.preset(metrics.RECORDS, TARGETS, [outcome.value for outcome in Outcome])
metrics.preset(metrics.LAG_MESSAGES, ["sink"], [aggregate.name for aggregate in WRITTEN])


@dataclass
class SinkSummary:
    """What a run did, or would do. Counters of this process; the truth is in the ledger."""

    applied: bool
    consumed: int = 0
    bundles: dict[str, int] = field(default_factory=dict)
    """`{outcome: bundles}`"""
    records: dict[str, dict[str, int]] = field(default_factory=dict)
    """`{entity: {outcome: records}}`"""
    steps: dict[str, dict[str, int]] = field(default_factory=dict)
    """`{entity: {verb: records}}` of a dry run."""
    held: dict[str, dict[str, int]] = field(default_factory=dict)
    """`{entity: {state: records}}` in the ledger at the end."""
    fields: list[str] = field(default_factory=list)
    """Additional fields that were (or would be) defined."""
    labels: list[str] = field(default_factory=list)
    """Flag labels that were (or would be) made."""
    adoptions: dict[str, int] = field(default_factory=dict)
    """`{entity: rows of Splynx with Sonar ids that the ledger did not know}`; they were taken over, or would be."""
    others: int = 0
    """Customers that Splynx has before anything was written, in a dry run."""


async def run_sink(
    settings: Settings,
    *,
    apply: bool,
    stop: asyncio.Event,
    approve: Iterable[str] = (),
) -> SinkSummary:
    """Run the sink until `stop` is set; without `apply`, count what it would do up to the topics' present end.

    `approve` names what the operator agrees to: `adoption`, `target` (another Splynx than the ledger knew, or one that
    has rows already), the entity of a brake, or `mended` for a brake that found a mistake.

    Raises:
        GuardsViolated, AdoptionNeeded, TargetNotEmpty, ForeignTarget, LedgerTaken, CutOver, TablesChanged,
        WrongDatabase, BrakeApplied, HistoryLost, TooManyDeadLetters and whatever else says HALT; Fenced when another
        sink took over. All of them leave ledger and Splynx in step.
    """
    collect_seldom()
    async with _Parts.open(settings, frozenset(approve)) as parts:
        return await (parts.run(stop) if apply else parts.preview(stop))


class _Parts:
    """What a run is made of."""

    def __init__(self, settings: Settings, approve: frozenset[str], site: Site, registry: SchemaRegistryClient) -> None:
        self._settings, self._approve, self._site = settings, approve, site
        self._client, self._db, self._ledger = site.client, site.db, site.ledger
        self._stream = Stream(settings, registry)
        self._ownership = DECLARED
        self._count_again = 0.0
        self._lacking: dict[str, list[str]] = {}
        """`{entity: attributes that this Splynx drops}`"""

    @staticmethod
    @asynccontextmanager
    async def open(settings: Settings, approve: frozenset[str]) -> AsyncIterator["_Parts"]:
        """Connect; everything is closed at the end."""
        with make_registry(settings.registry) as registry:
            async with Site.open(settings) as site:
                yield _Parts(settings, approve, site, registry)

    # dry

    async def preview(self, stop: asyncio.Event) -> SinkSummary:
        summary = SinkSummary(applied=False)
        async with self._db.session() as tx:
            exists, begun = await self._ledger.exists(tx), await self._ledger.begun(tx)
        if not begun:
            summary.others = await rows_of(self._client, entities()["customer"])
        summary.fields = await define_fields(self._client, list(TARGETS.values()), apply=False)
        summary.labels = await define_flag_labels(self._client, self._db, self._ledger, apply=False)
        summary.adoptions = await unknown_rows(self._site.marked, self._db, self._ledger, ledger_exists=exists)
        preview = Preview(self._db, self._ledger, ledger_exists=exists, money=self._settings.splynx.disposable)
        summary.consumed = await preview.run(self._stream, stop)
        summary.held = await self._held() if exists else {}
        summary.bundles = dict(preview.counts.bundles)
        summary.records = _nested(preview.counts.records)
        summary.steps = _nested(preview.steps)
        return summary

    # for real

    async def run(self, stop: asyncio.Event) -> SinkSummary:
        summary = SinkSummary(applied=True)
        await self._check_ready()
        check_fields(rules := read_rules(self._settings.rules))
        check_paths(rules)
        ways = WritePaths.of(rules.file, sql=self._settings.ledger_beside_rows)
        check_sql(ways)
        self._ownership = Ownership.of(rules.file)
        violations = await self._violations()
        home = await self._stream.home()
        payments = await self._payments(ways)
        async with self._db.session() as tx:
            exists, begun = await self._ledger.exists(tx), await self._ledger.begun(tx)
        if not begun:
            require_guards(violations)  # nothing waits yet: nothing is begun
        summary.adoptions = await unknown_rows(self._site.marked, self._db, self._ledger, ledger_exists=exists)
        if summary.adoptions:
            if ADOPTION not in self._approve:
                told = ", ".join(f"{count} of {entity}" for entity, count in summary.adoptions.items())
                raise AdoptionNeeded(f"rows of Splynx carry Sonar ids that the ledger does not know: {told}")
            await rebuild(self._site)
        elif not begun and TARGET not in self._approve:
            await check_no_customers(self._client)
        async with self._db.session() as tx:
            await self._ledger.create(tx)
            await check_rebuilt(tx, self._ledger)
            check_phase(await self._ledger.phase(tx))
            await check_home(tx, self._ledger, home)
        await self._check_columns()
        await check_epoch(self._client, self._db, self._ledger, approve=TARGET in self._approve)
        await self._check_database()
        oldest = await check_answered(self._db, self._ledger, self._approve)
        summary.fields = await define_fields(self._client, list(TARGETS.values()), apply=True)
        summary.labels = await define_flag_labels(self._client, self._db, self._ledger, apply=True)
        if self._settings.splynx.disposable:
            async with self._db.session() as tx:
                await self._ledger.release_deferred(tx)
        sink = self._settings.sink
        # While the broker is away letters wait for it: one that failed would fail every later batch, too.
        bus = AckedProducer(make_producer(self._settings.kafka, **{"message.timeout.ms": 0}))
        letters = await DeadLetters.open(self._settings, bus, self._db, self._ledger)
        short = await short_fields(self._client, list(TARGETS.values()))
        if any(short.values()):
            log.warning("sink.long_texts_are_cut", fields=short)
        await self._warn_of_version()
        rest = RestRecords(self._client, self._db, self._ledger, TARGETS, short, self._ownership)
        for target in TARGETS.values():
            if cost := ways.cost(target):
                log.warning("sink.way_costs", entity=target.entity, cost=cost)
        writer = Writer(
            db=self._db,
            ledger=self._ledger,
            rest=rest,
            payments=payments,
            letters=letters,
            aggregates=AGGREGATES,
            targets=TARGETS,
            brake=Brake(sink.gone_share, sink.gone_at_least, self._approve),
            disposable=self._settings.splynx.disposable,
            concurrency=self._settings.splynx.concurrency,
            parked_hours=sink.parked_hours,
            oldest_generation=oldest,
            documents=RestDocuments(self._client, self._db, self._ledger, rest, TARGETS),
            ways=ways,
        )
        wrong: dict[str, str] = {"start": "not yet assigned"}
        http = self._settings.http
        with HealthServer(
            http.host,
            http.sink_port,
            ready=lambda: dict(wrong),
            refresh=lambda: recall(self._settings.state_dir),
        ):
            loop = Loop(
                stream=self._stream,
                db=self._db,
                ledger=self._ledger,
                writer=writer,
                healing=Healing(self._client, self._db, self._ledger, rest, TARGETS),
                guard=self._guard_again,
                look=self._held,
                publish_again=partial(publish_again, self._stream, bus, writer.regressions),
                wrong=wrong,
                violations=violations,
                stuck_seconds=self._settings.sink.stuck_seconds,
            )
            try:
                summary.consumed = await loop.run(stop)
            except BrakeApplied as exc:
                await put_on(self._db, self._ledger, exc, writer.generation)
                raise
        summary.bundles = dict(writer.counts.bundles)
        summary.records = _nested(writer.counts.records)
        summary.held = await self._held()
        return summary

    async def _check_ready(self) -> None:
        try:
            await check_ready(self._client, self._settings.rules)
        except SplynxModuleOff:
            async with self._db.session() as tx:
                if not await self._ledger.begun(tx):
                    raise
            # Only what it concerns waits: the guards tell. What the rules name is looked up at a later start.

    async def _payments(self, ways: WritePaths) -> Payments | None:
        """Asked before anything is written, for here a database that is no Splynx's shows itself."""
        if not self._settings.ledger_beside_rows:
            return None
        not_ours = ways.not_ours(TARGETS["payment"])
        async with self._db.session() as tx:
            if ways.keeps_ids:
                await check_empty(tx, self._ledger)
            return await Payments.of(tx, self._ownership, not_ours, keep_ids=ways.keeps_ids)

    async def _guard_again(self) -> list[Violation]:
        await check_same_target(self._client, self._db, self._ledger)
        await self._check_database()
        await self._check_columns()
        await self._warn_of_version()
        return await self._violations()

    async def _violations(self) -> list[Violation]:
        return await check_guards(self._client, self._site.rows_db, self._settings.guards, self._settings.rules)

    async def _warn_of_version(self) -> None:
        """Nothing waits for it, for what else is written is right; told when it is found, and when it changes."""
        for entity in entities():
            with suppress(SplynxModuleOff):  # a guard tells of it
                lacking = await attributes_lacking(self._client, entity)
                if lacking != self._lacking.get(entity, []):
                    log.warning("sink.attributes_lacking", entity=entity, attributes=lacking)
                self._lacking[entity] = lacking

    async def _check_database(self) -> None:
        if self._settings.ledger_beside_rows:
            await check_database(self._client, self._db)

    async def _check_columns(self) -> None:
        if self._site.columns is not None:
            async with self._db.session() as tx:
                await self._site.columns.check(tx)
        # One whose name an object of Sonar had is made as soon as that object has another.
        await define_flag_labels(self._client, self._db, self._ledger, apply=True)

    async def _held(self) -> dict[str, dict[str, int]]:
        async with self._db.session() as tx:
            counts = await self._ledger.held_counts(tx)
            waited = await self._ledger.longest_parked(tx)
            conflicts = await self._ledger.conflict_counts(tx)
            journal_bytes = await self._ledger.journal_bytes(tx)
            calls = await self._ledger.unfinished(tx)
            if time.monotonic() > self._count_again:
                show_links(await self._ledger.crosswalk_counts(tx))
                self._count_again = time.monotonic() + _LINKS_SECONDS
        show(counts, waited, conflicts, journal_bytes, calls)
        return _nested(counts)


def _nested(counts: Any) -> dict[str, dict[str, int]]:
    result: dict[str, dict[str, int]] = {}
    for (first, second), count in sorted(counts.items()):
        result.setdefault(first, {})[second] = count
    return result
