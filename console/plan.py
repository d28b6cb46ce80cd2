"""What a migration will take: rows on both sides, rows to adopt, requests and time by the budgets. Reads only."""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from clients.mysql import Database
from clients.sonar import SonarClient
from clients.sonar_errors import SonarForbidden
from clients.splynx import SplynxClient
from console.adoptions import described, read_named
from console.advance import duration
from console.asking import asking_sonar
from console.output import table
from plumbing.settings import Settings
from producers.extents import Extent, read_extent
from producers.nested import NESTED_PAGE
from producers.reader import Reading
from producers.source import read_source
from schemas.aggregate import Aggregate, Target, WritePath
from schemas.catalogue import AGGREGATES, FLAG_LABELS, TARGETS, captured
from schemas.ledger import LIVE, SHADOW
from schemas.rules import RulesFile, read_rules
from schemas.write_paths import WritePaths, check_paths
from sinks.adoption import Adoption, Marked, unknown_rows
from sinks.readiness import check_ids, rows_of
from sinks.rebuild import ADOPTED
from sinks.store import Ledger

_SHOWN = 20


@dataclass(frozen=True)
class SourceLine:
    """One aggregate in Sonar. `rows` is None where the collection cannot count."""

    aggregate: str
    rows: int | None
    requests: int


@dataclass(frozen=True)
class TargetLine:
    """One kind of record in Splynx.

    `expected`: at most so many come of Sonar's rows, before scope and rules leave some out; `known`: the ledger has
    them; `splynx`: all rows of the kind there, ours and others' (None where they cannot be counted). `way`: rest or
    sql, in the phase of now; `cost`: what it costs to go this way, empty when nothing.
    """

    entity: str
    expected: int
    known: int
    splynx: int | None
    requests: int
    way: str
    cost: str

    @property
    def create(self) -> int:
        """At most so many are to be created."""
        return max(0, self.expected - self.known)


@dataclass(frozen=True)
class Plan:
    """All of it."""

    source: list[SourceLine]
    target: list[TargetLine]
    adoptions: list[dict[str, Any]]
    sonar_per_minute: int
    splynx_per_second: float
    money: bool
    """Whether money is written into this Splynx at all."""
    adopted: dict[str, Any] | None = None
    """Who took rows over last: `{by, at, run, rows}`."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        sonar, splynx = sum(one.requests for one in self.source), sum(one.requests for one in self.target)
        return {
            "source": [asdict(one) for one in self.source],
            "target": [{**asdict(one), "create": one.create} for one in self.target],
            "adoptions": self.adoptions,
            "adopted": self.adopted,
            "requests": {"sonar": sonar, "splynx": splynx},
            "seconds": {
                "sonar": round(sonar * 60 / self.sonar_per_minute, 1),
                "splynx": round(splynx / self.splynx_per_second, 1),
            },
            "money_is_written": self.money,
        }


async def make_plan(settings: Settings) -> Plan:
    """Ask both ends and the ledger.

    Raises:
        SyncError: one of them says no or does not answer, or the rules are wrong.
    """
    check_paths(text := read_rules(settings.rules))
    file, ways = text.file, WritePaths.of(text.file, sql=settings.ledger_beside_rows)
    source, expected = await read_source_side(settings, file)
    beside = settings.splynx.db if settings.ledger_beside_rows else None
    async with SplynxClient(settings.splynx) as client, Database(beside or settings.ledger_db) as db:
        await check_ids(client, settings.rules)
        ledger = Ledger(settings.ledger_db.name, f"plan-{secrets.token_hex(4)}")
        async with db.session() as tx:
            exists = await ledger.exists(tx)
            phase = await ledger.phase(tx) if exists else SHADOW
            taken = await ledger.meta(tx, ADOPTED) if exists else None
        known = await _known(db, ledger) if exists else Counter()
        marked = Marked(client, db, TARGETS, sql=beside is not None)
        adopted = await unknown_rows(marked, db, ledger, ledger_exists=exists)
        rows = [one for entity in adopted async for page in marked.pages(entity) for one in _newest(page)]
        named = await read_named(client, db, ledger, ledger_exists=exists)
        adoptions = await asyncio.to_thread(described, settings, rows, named)
        target = []
        for entity, one in TARGETS.items():
            to_make = max(0, expected[entity] - known[entity] - adopted.get(entity, 0))
            count = await rows_of(client, one.endpoint) if one.endpoint and one.part_of is None else None
            going, cost = ways.on(one, phase), ways.cost(one, phase)
            calls = to_make * calls_to_create(going)
            target.append(TargetLine(entity, expected[entity], known[entity], count, calls, going.path.value, cost))
    return Plan(
        source,
        target,
        adoptions,
        settings.sonar.requests_per_minute,
        settings.splynx.requests_per_second,
        settings.splynx.disposable,
        json.loads(taken) if taken else None,
    )


def _newest(page: Sequence[Adoption]) -> Collection[Adoption]:
    """Of a payment's documents the newest."""
    return {one.key: one for one in page}.values()


async def read_source_side(settings: Settings, file: RulesFile) -> tuple[list[SourceLine], Counter[str]]:
    """Sonar's own counts with the pages that a snapshot asks for, and `{entity: records that come of them, at most}`.

    Pages: at least so many, for long nested lists ask again.
    """
    aggregates = captured(settings.sonar.leave_out)
    async with asking_sonar(settings) as client:
        source = await read_source(client, aggregates, NESTED_PAGE)
        source.require_all()
        roots = {one.name: await _roots(client, one) for one in aggregates}
        expected = await expected_records(client, roots, file)
    lines = []
    for one in aggregates:
        reading = Reading(one, source.selections[one.name], source.schema)
        page = reading.page_size(settings.sonar.page_size, settings.sonar.node_limit)
        rows = roots[one.name].rows
        # One more tells that nothing follows; where Sonar cannot count, that is all that can be foretold.
        lines.append(SourceLine(one.name, rows, 1 if one.root.singleton else -(-(rows or 0) // page) + 1))
    return lines, expected


async def _roots(client: SonarClient, aggregate: Aggregate) -> Extent:
    root = aggregate.root
    return Extent(1, 1) if root.singleton else await read_extent(client, root.name, archived=root.include_archived)


async def expected_records(client: SonarClient, roots: Mapping[str, Extent], file: RulesFile) -> Counter[str]:
    """`{entity: records that there will be, at most}`. `roots`: by aggregate, of those that are captured."""
    found = Counter(label=len(FLAG_LABELS))  # the sink makes them at its start
    for aggregate in (one for one in AGGREGATES if one.name in roots):
        for target in aggregate.targets:
            for one in target.comes_of:
                with suppress(SonarForbidden):  # nothing comes of what the token may not read
                    found[target.entity] += (await read_extent(client, one.collection, one.search)).most
            if not target.comes_of:
                found[target.entity] += roots[aggregate.name].most
    # A company with a configured partner makes none.
    configured = sum(1 for rule in file.partners.by_company.values() if isinstance(rule, int))
    found["partner"] = max(0, found["partner"] - configured)
    # A service that the rules map to a tariff, or to none, makes none; it may be no plan.
    found["internet_tariff"] = max(0, found["internet_tariff"] - len(file.tariffs.map))
    return found


async def _known(db: Database, ledger: Ledger) -> Counter[str]:
    rows = await db.fetch(
        f"SELECT entity, COUNT(*) AS n FROM {ledger.table('crosswalk')} WHERE state = %s GROUP BY entity",  # noqa: S608
        (LIVE,),
    )
    return Counter({str(row["entity"]): int(row["n"]) for row in rows})


def calls_to_create(target: Target) -> int:
    """REST calls that one new record takes: a search where Splynx has no id of ours, the write, the read-back."""
    if target.path is WritePath.SQL:
        return 0
    if target.part_of is not None:
        return 3  # what is there, the change, the read-back
    return 2 if target.module is not None else 3


def text_of(document: dict[str, Any]) -> str:
    """The plan for people."""
    source = [["Sonar", "rows", "requests"]]
    source += [[one["aggregate"], _number(one["rows"]), str(one["requests"])] for one in document["source"]]
    target = [["Splynx", "from Sonar", "in the ledger", "rows there", "to create", "by", "requests"]]
    target += [
        [
            one["entity"],
            *(_number(one[name]) for name in ("expected", "known", "splynx", "create")),
            one["way"],
            _number(one["requests"]),
        ]
        for one in document["target"]
    ]
    requests, seconds = document["requests"], document["seconds"]
    lines = [table(source), "", table(target), ""]
    lines.append(
        f"A first copy asks Sonar at least {requests['sonar']} times: {duration(seconds['sonar'])} by its budget."
    )
    lines.append(f"It asks Splynx at most {requests['splynx']} times: {duration(seconds['splynx'])} by its budget.")
    lines.append("Rows that are written by SQL ask for nothing over REST.")
    lines += [f"{one['entity']}: {one['cost']}." for one in document["target"] if one["cost"]]
    if not document["money_is_written"]:
        lines.append("Money is deferred: splynx.disposable is not true.")
    lines += _adoptions(document["adoptions"])
    if one := document["adopted"]:
        lines.append(f"{one['rows']} rows were taken over at {one['at']} by {one['by']}, in run {one['run']}.")
    return "\n".join(lines)


def _adoptions(adoptions: Sequence[dict[str, Any]]) -> list[str]:
    marked = [one for one in adoptions if one["approval"]]
    named = [one for one in adoptions if not one["approval"]]
    lines = _listed(marked, "rows of Splynx would be adopted, and none is without --approve adoption:")
    lines += _listed(named, "rows of Splynx would be used for their names; nothing is written into them:")
    return lines if marked else ["No row of Splynx is to be adopted.", *lines]


def _listed(adoptions: Sequence[dict[str, Any]], says: str) -> list[str]:
    if not adoptions:
        return []
    lines = ["", f"{len(adoptions)} {says}"]
    lines += [f"  {one['entity']} {one['target_id']} as {one['key']}: {_differs(one)}" for one in adoptions[:_SHOWN]]
    return lines + ([f"  and {len(adoptions) - _SHOWN} more: see --json"] if len(adoptions) > _SHOWN else [])


def _differs(one: dict[str, Any]) -> str:
    if one["differs"] is None:
        return f"{one['reason']}; what differs is known once Sonar's side is captured"
    return f"{one['reason']}; {'; '.join(one['differs']) or 'nothing differs'}"


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)
