"""Whether everything that Crossfade needs is there: each dependency, log-in, schema and guard, each with what to do."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clients.mysql import Database
from clients.sonar import SonarClient
from clients.splynx import SplynxClient
from console import rights
from console.mentioned import not_in_sonar
from console.names import check_names
from console.reconciled import OVER_REST
from console.statuses import check_statuses
from console.topics import MAKE_TOPICS, plan_subjects, plan_topics
from plumbing.errors import ConfigurationError, ExitCode, SyncError
from plumbing.settings import SecretsSettings, Settings
from producers.needs import SchemaUnfit
from producers.nested import NESTED_PAGE
from producers.source import read_source
from schemas.aggregate import Aggregate
from schemas.catalogue import TARGETS, aggregate, captured
from schemas.ownership import check_fields
from schemas.rules import read_rules
from schemas.write_paths import WritePaths, check_paths
from sinks import readiness
from sinks.errors import TablesChanged
from sinks.guards import check_guards
from sinks.payment_ids import check_sql
from sinks.site import Site

CAPTURE, PROCESS, SINK = "capture", "process", "sink"
_DOCTOR = "doctor"
"""Needs a check that keeps no stage from beginning."""
_API = "splynx api"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    ok: bool
    says: str
    next_step: str = ""
    exit_code: ExitCode = ExitCode.FOUND


Check = Callable[[], Awaitable[Sequence[Finding]]]


class NotReady(SyncError):
    """What a command needs is not as it must be. Nothing was started and nothing was written."""

    code = "console.not_ready"
    remedy = "Do what stands behind each Next, then run `crossfade doctor`."

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("not ready, nothing was started\n" + "\n".join(lines_of(findings)))
        self.exit_code = exit_code_of(findings)


async def examine(settings: Settings, stages: Collection[str] = (CAPTURE, PROCESS, SINK, _DOCTOR)) -> list[Finding]:
    """Run every check of these stages; one that fails keeps only those from running that ask the same again."""
    checks: list[tuple[str, Check, set[str], set[str]]] = [
        ("rules", lambda: _rules(settings), {PROCESS, SINK}, set()),
        ("topics", lambda: _topics(settings), {CAPTURE, PROCESS, SINK}, set()),
        ("schemas", lambda: _schemas(settings), {CAPTURE, PROCESS, SINK}, set()),
        ("sonar", lambda: _sonar(settings), {CAPTURE}, set()),
        ("statuses in the rules", lambda: _statuses(settings), {PROCESS}, {"rules", "sonar"}),
        ("names in the rules", lambda: _names(settings), {PROCESS}, {"rules", "sonar"}),
        ("sonar's names in the rules", lambda: _mentioned(settings), {_DOCTOR}, {"rules", "sonar"}),
        (_API, lambda: _splynx(settings), {SINK}, set()),
        ("splynx ids in the rules", lambda: _ids(settings), {SINK}, {"rules", _API}),
        ("ledger", lambda: _database(settings), {SINK}, set()),
        ("write paths", lambda: _ways(settings), {SINK}, {"rules"}),
        ("splynx database", lambda: _tables(settings), {SINK}, {"ledger"} if settings.ledger_beside_rows else set()),
        ("splynx columns", lambda: _columns(settings), {SINK}, {"ledger", "splynx database"}),
        ("guards", lambda: _guards(settings), {SINK}, {"rules", _API}),
    ]
    found: list[Finding] = []
    for name, check, needed_by, asks_of in checks:
        # What would say once more that one of these is away, or is something else, is left out.
        if needed_by & set(stages) and not asks_of & {one.check for one in found if not one.ok}:
            found += await guarded(name, check)
    return found


async def require(settings: Settings, *stages: str) -> None:
    """See that the stages can begin.

    Raises:
        NotReady: with all that is wrong, each with what to do.
    """
    wrong = [finding for finding in await examine(settings, stages) if not finding.ok]
    if wrong:
        raise NotReady(wrong)


async def guarded(name: str, check: Check) -> Sequence[Finding]:
    """The findings of a check; an error of ours becomes one."""
    try:
        return await check()
    except SyncError as exc:
        return [Finding(name, False, f"{exc} [{exc.code}]", exc.next_step, exc.exit_code)]


def exit_code_of(findings: Sequence[Finding]) -> ExitCode:
    """0 when all is well; an unreachable dependency outweighs a wrong set-up, and that a mere finding."""
    wrong = {finding.exit_code for finding in findings if not finding.ok}
    for code in (ExitCode.UNREACHABLE, ExitCode.USAGE):
        if code in wrong:
            return code
    return ExitCode.FOUND if wrong else ExitCode.DONE


async def _rules(settings: Settings) -> list[Finding]:
    check_fields(read_rules(settings.rules))
    return [Finding("rules", True, "the rules file is valid")]


async def _topics(settings: Settings) -> list[Finding]:
    missing = await asyncio.to_thread(plan_topics, settings)
    if not missing:
        return [Finding("topics", True, "all topics are there")]
    return [Finding("topics", False, f"{len(missing)} topics are missing", MAKE_TOPICS, ExitCode.USAGE)]


async def _schemas(settings: Settings) -> list[Finding]:
    register, protect = await asyncio.to_thread(plan_subjects, settings)
    if register:
        return [Finding("schemas", False, f"{len(register)} are not registered", MAKE_TOPICS, ExitCode.USAGE)]
    if protect:
        says = f"{len(protect)} subjects would take a schema that does not fit what lies on the topics"
        return [Finding("schemas", False, says, MAKE_TOPICS)]
    return [Finding("schemas", True, "all schemas are registered, and protected")]


async def _sonar(settings: Settings) -> list[Finding]:
    left_out = settings.sonar.leave_out
    async with SonarClient(settings.sonar) as client:
        source = await read_source(client, captured(left_out), NESTED_PAGE, carried=settings.secrets.carry)
    says = f"log-in works; schema fingerprint {source.fingerprint}"
    if source.unreadable:
        says += f"; the token may not read {', '.join(source.unreadable)}: what of it is in Splynx is left alone"
    says += left_out_text(left_out)
    says += f"; {secrets_text(settings.secrets)}"
    forbidden = rights_findings(aggregate(name) for name in sorted(source.forbidden))
    return [Finding("sonar", True, says), *forbidden, *schema_findings(source.unfit, source.missing)]


def left_out_text(names: Iterable[str]) -> str:
    """Which aggregates are not read, and what of Splynx goes with them; where nothing does, only their names."""
    text, alone = "", []
    for name in names:
        if aggregate(name).targets:
            text += f"; {name} is left out by sonar.leave_out, and with it in Splynx {_entities(name)}"
        else:
            alone.append(name)
    return f"{text}; left out, with nothing of it in Splynx: {', '.join(alone)}" if alone else text


def secrets_text(secrets: SecretsSettings) -> str:
    """Which secrets of Sonar's are carried, and with which keys."""
    sealer = secrets.sealer
    if not secrets.carry or sealer is None:
        return "no secrets are carried"
    older = ", ".join(list(sealer.keys)[1:])
    text = f"{' and '.join(secrets.carry)} are carried, sealed with the key {sealer.current}"
    return f"{text}; {older} still opens" if older else text


def rights_findings(forbidden: Iterable[Aggregate]) -> list[Finding]:
    """Collections that the token may not read, each with what of Splynx is concerned, and how to go on without."""
    return [
        Finding(
            f"sonar rights: {one.name}", False,
            f"the token may not read {one.root.name}: {one.name} stands still, and with it in Splynx"
            f" {_entities(one.name)}",
            f"Give the role of the token's user the right to read {one.root.name}. To go on without: name {one.name} in"
            " sonar.leave_out; what of it is in Splynx is then left alone.",
        )
        for one in forbidden
    ]  # fmt: skip


def schema_findings(unfit: Mapping[str, Sequence[str]], missing: Mapping[str, Sequence[str]]) -> list[Finding]:
    """What Sonar's schema lacks, by aggregate, each with what of Splynx is concerned."""
    found = [
        Finding(
            f"sonar schema: {name}", False,
            f"this Sonar lacks {', '.join(lacks)}: {name} stands still, and with it in Splynx {_entities(name)}",
            SchemaUnfit.remedy, ExitCode.USAGE,
        )
        for name, lacks in sorted(unfit.items())
    ]  # fmt: skip
    return found + [
        Finding(
            f"sonar schema: {name}", True,
            f"this Sonar lacks {', '.join(lacks)}: null in each event, and left as it is in Splynx ({_entities(name)})",
        )
        for name, lacks in sorted(missing.items())
    ]  # fmt: skip


def _entities(name: str) -> str:
    return ", ".join(target.entity for target in aggregate(name).targets) or "nothing of today"


async def _statuses(settings: Settings) -> list[Finding]:
    async with SonarClient(settings.sonar) as client:
        await check_statuses(client, settings.rules)
    return [Finding("statuses in the rules", True, "every status in use has its counterpart")]


async def _names(settings: Settings) -> list[Finding]:
    async with SonarClient(settings.sonar) as client:
        await check_names(client, settings.rules)
    return [Finding("names in the rules", True, "no two partners or labels would have one name")]


async def _mentioned(settings: Settings) -> list[Finding]:
    """A status that is mistyped is mapped as if no rule were there: told, though nothing waits for it."""
    async with SonarClient(settings.sonar) as client:
        unknown = await not_in_sonar(client, settings.rules)
    name, remedy = "sonar's names in the rules", "Correct the line, or take it out: it does nothing."
    return [Finding(name, False, one, remedy) for one in unknown] or [
        Finding(name, True, "Sonar has everything that the rules name")
    ]


async def _splynx(settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    async with SplynxClient(settings.splynx) as client:
        for entity, endpoint in readiness.entities().items():

            async def one(entity: str = entity, endpoint: str = endpoint) -> list[Finding]:
                count = await readiness.rows_of(client, endpoint)
                if lacking := readiness.rights_lacking(client.permissions, endpoint):
                    says = f"the key may not {', '.join(lacking)} at {endpoint}"
                    return [Finding(f"{_API}: {entity}", False, says, rights.GIVE, ExitCode.USAGE)]
                return [Finding(f"{_API}: {entity}", True, f"{endpoint} answers, {count} rows")]

            found += await guarded(f"{_API}: {entity}", one)
    # It is away, or no Splynx, or does not know us: said once.
    if len({(one.ok, one.next_step) for one in found}) == 1 and not found[0].ok:
        return [replace(found[0], check=_API)]
    return found


async def _ids(settings: Settings) -> list[Finding]:
    async with SplynxClient(settings.splynx) as client:
        await readiness.check_ids(client, settings.rules)
    return [Finding("splynx ids in the rules", True, "Splynx has every one of them")]


async def _database(settings: Settings) -> list[Finding]:
    async with Database(settings.ledger_db) as db:
        await db.fetch("SELECT 1 AS one")
    beside = "beside Splynx's rows" if settings.ledger_beside_rows else "on a server of its own; SQL is not available"
    return [Finding("ledger", True, f"the database answers; the ledger lies {beside}")]


async def _ways(settings: Settings) -> list[Finding]:
    """What it costs that entities go the way they do: without Splynx's database above all."""
    check_paths(text := read_rules(settings.rules))
    ways = WritePaths.of(text.file, sql=settings.ledger_beside_rows)
    check_sql(ways)
    costs = [f"{one.entity}: {cost}" for one in TARGETS.values() if (cost := ways.cost(one))]
    return [Finding("write paths", True, one) for one in costs] or [
        Finding("write paths", True, "every entity goes its usual way")
    ]


async def _tables(settings: Settings) -> list[Finding]:
    """A wrong name of the database shows as tables that are not there, and so does a user who may not even look."""
    at = settings.splynx.db
    if at is None:
        return [Finding("splynx database", True, f"reconcile reads over REST: {OVER_REST}")]
    async with Database(settings.ledger_db if settings.ledger_beside_rows else at) as db:
        rows = await db.fetch(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s", (at.name,)
        )
        missing = sorted(set(rights.WRITTEN) - {row["name"] for row in rows})
        # Where the ledger lies elsewhere, it is only read, for `reconcile`.
        written = settings.ledger_beside_rows and not missing
        refused = await rights.refused(db, at.name) if written else []
    if missing:
        says = f"{at.user} sees no {', '.join(missing)} in {at.name}"
        next_step = "Check splynx.db.name, or give the user the GRANTs that `crossfade doctor` prints."
        return [Finding("splynx database", False, says, next_step, ExitCode.USAGE)]
    if refused:
        says = f"{at.user} may not {', '.join(refused)}"
        next_step = "Give the user the GRANTs that `crossfade doctor` prints."
        return [Finding("splynx database", False, says, next_step, ExitCode.USAGE)]
    says = "and may be written" if written else "and are only read"
    return [Finding("splynx database", True, f"the tables that are written by SQL are there, {says}")]


async def _columns(settings: Settings) -> list[Finding]:
    if not settings.ledger_beside_rows:
        return []
    async with Site.open(settings) as site, site.db.session() as tx:
        changed = await site.columns.changed(tx) if site.columns is not None else []
    next_step = TablesChanged("").next_step
    return [Finding("splynx columns", False, one, next_step) for one in changed] or [
        Finding("splynx columns", True, "every column is as it was approved, or as this release knows it")
    ]


async def approve_columns(settings: Settings) -> list[str]:
    """Approve the columns of Splynx's tables as they are; what was otherwise before.

    Raises:
        ConfigurationError: rows would be refused, or the database is not given.
    """
    async with Site.open(settings) as site:
        if site.columns is None:
            raise ConfigurationError(
                "nothing is written by SQL: there is nothing to approve",
                remedy="Give splynx.db, with the ledger on the same server.",
            )
        async with site.db.session() as tx:
            await site.ledger.create(tx)
        async with site.db.transaction() as tx:
            return await site.columns.approve(tx)


async def _guards(settings: Settings) -> list[Finding]:
    async with SplynxClient(settings.splynx) as client:
        violations = await check_guards(client, settings.guards, settings.rules)
    return [Finding(f"guard: {one.name}", False, one.problem, one.remedy) for one in violations] or [
        Finding("guards", True, "every switch is as it must be")
    ]


def document_of(settings: Settings, findings: Sequence[Finding]) -> dict[str, Any]:
    """`{ok, checks: [{check, ok, says, next_step}], grants, endpoints}`."""
    return {
        "ok": all(finding.ok for finding in findings),
        "checks": [
            {"check": one.check, "ok": one.ok, "says": one.says, "next_step": one.next_step} for one in findings
        ],
        "grants": rights.grants(settings),
        "endpoints": rights.endpoints(),
    }


def lines_of(findings: Sequence[Finding]) -> list[str]:
    """One line for each finding, and what to do below those that are not well."""
    lines = []
    for one in findings:
        lines.append(f"{'ok  ' if one.ok else 'BAD '} {one.check}: {one.says}")
        if one.next_step and not one.ok:
            lines.append(f"     Next: {one.next_step}")
    return lines


def text_of(document: dict[str, Any]) -> str:
    """The report for people."""
    lines = lines_of([Finding(**one) for one in document["checks"]])
    lines += ["", "The database user needs:", *(f"  {one}" for one in document["grants"])]
    lines += ["", "The API key needs index, view, add and update of:", *(f"  {one}" for one in document["endpoints"])]
    return "\n".join(lines)
