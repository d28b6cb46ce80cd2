"""Whether everything that Crossfade needs is there: each dependency, log-in, schema and guard, each with what to do."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from clients.mysql import Database
from clients.sonar import SonarClient
from clients.splynx import SplynxClient
from console.topics import make_plan
from plumbing.errors import ExitCode, SyncError
from plumbing.settings import Settings
from producers.source import read_source
from schemas.catalogue import AGGREGATES, TARGETS
from schemas.rules import RulesText, configured_ids, load_rules, read_rules, unknown_ids
from sinks.guards import check_guards

_NESTED_ROWS = 10
_LISTS = {
    "partner": "admin/administration/partners",
    "location": "admin/administration/locations",
    "payment_method": "admin/finance/payment-methods",
    "subdivision": "admin/config/states-provinces",
}
"""`{kind of a configured id: where Splynx lists it}`."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    ok: bool
    says: str
    next_step: str = ""
    exit_code: ExitCode = ExitCode.FOUND


Check = Callable[[], Awaitable[Sequence[Finding]]]


async def examine(settings: Settings) -> list[Finding]:
    """Run every check; one that fails does not keep the others from running."""
    checks: list[tuple[str, Check]] = [
        ("rules", lambda: _rules(settings)),
        ("topics", lambda: _topics(settings)),
        ("sonar", lambda: _sonar(settings)),
        ("splynx api", lambda: _splynx(settings)),
        ("splynx ids in the rules", lambda: _ids(settings)),
        ("ledger", lambda: _database(settings)),
        ("guards", lambda: _guards(settings)),
    ]
    return [finding for name, check in checks for finding in await guarded(name, check)]


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


def grants(settings: Settings) -> list[str]:
    """The GRANTs that the database user needs, derived from what is written by SQL."""
    db = settings.splynx.db
    found = []
    if db is not None:
        written = ("payments", "billing_transactions", "customer_billing")
        found.append(f"GRANT SELECT ON `{db.name}`.* TO '{db.user}'@'%';")
        found += [f"GRANT SELECT, INSERT, UPDATE ON `{db.name}`.`{table}` TO '{db.user}'@'%';" for table in written]
    at = settings.ledger_db
    return [*found, f"GRANT ALL PRIVILEGES ON `{at.name}`.* TO '{at.user}'@'%';"]


def endpoints() -> list[str]:
    """The REST endpoints whose index, view, add and update rights the API key needs."""
    used = [target.endpoint for target in TARGETS.values() if target.endpoint is not None]
    return sorted({*used, *_LISTS.values(), "admin/config/additional-fields", "admin/config/config"})


def missing_ids(text: RulesText, known: dict[str, set[int]]) -> list[Finding]:
    """A finding for each id in the rules that Splynx does not have."""
    remedy = "Correct the id; " + ", ".join(f"{at} lists each {kind}" for kind, at in _LISTS.items()) + "."
    return [
        Finding("splynx ids in the rules", False, problem, remedy, ExitCode.USAGE)
        for problem in unknown_ids(text, known)
    ]


async def _rules(settings: Settings) -> list[Finding]:
    load_rules(settings.rules)
    return [Finding("rules", True, "the rules file is valid")]


async def _topics(settings: Settings) -> list[Finding]:
    plan = make_plan(settings)
    if plan.empty:
        return [Finding("topics", True, "all topics and schemas are there")]
    says = f"{len(plan.create)} topics and {len(plan.register)} schemas are missing"
    return [Finding("topics", False, says, "Run `crossfade topics --apply`.")]


async def _sonar(settings: Settings) -> list[Finding]:
    async with SonarClient(settings.sonar) as client:
        source = await read_source(client, AGGREGATES, _NESTED_ROWS)
    return [Finding("sonar", True, f"log-in works; schema fingerprint {source.fingerprint}")]


async def _splynx(settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    async with SplynxClient(settings.splynx) as client:
        for entity, target in TARGETS.items():
            if target.endpoint is None or target.part_of is not None:
                continue

            async def one(entity: str = entity, endpoint: str = target.endpoint) -> list[Finding]:
                count = await client.head_count(endpoint)
                return [Finding(f"splynx api: {entity}", True, f"{endpoint} answers, {count} rows")]

            found += await guarded(f"splynx api: {entity}", one)
    return found


async def _ids(settings: Settings) -> list[Finding]:
    text = read_rules(settings.rules)
    wanted = {kind for kind, _, _ in configured_ids(text.file)}
    async with SplynxClient(settings.splynx) as client:
        known = {kind: {int(row["id"]) for row in await client.list(_LISTS[kind])} for kind in sorted(wanted)}
    return missing_ids(text, known) or [Finding("splynx ids in the rules", True, "Splynx has every one of them")]


async def _database(settings: Settings) -> list[Finding]:
    async with Database(settings.ledger_db) as db:
        await db.fetch("SELECT 1 AS one")
    beside = "beside Splynx's rows" if settings.ledger_beside_rows else "on a server of its own; SQL is not available"
    return [Finding("ledger", True, f"the database answers; the ledger lies {beside}")]


async def _guards(settings: Settings) -> list[Finding]:
    async with SplynxClient(settings.splynx) as client:
        violations = await check_guards(client, settings.guards)
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
        "grants": grants(settings),
        "endpoints": endpoints(),
    }


def text_of(document: dict[str, Any]) -> str:
    """The report for people."""
    lines = []
    for one in document["checks"]:
        lines.append(f"{'ok  ' if one['ok'] else 'BAD '} {one['check']}: {one['says']}")
        if one["next_step"] and not one["ok"]:
            lines.append(f"     Next: {one['next_step']}")
    lines += ["", "The database user needs:", *(f"  {one}" for one in document["grants"])]
    lines += ["", "The API key needs index, view, add and update of:", *(f"  {one}" for one in document["endpoints"])]
    return "\n".join(lines)
