"""The doctor at Splynx and at the ledger: its API, its database, the ways that lead there, and its guards."""

from dataclasses import replace

from clients.mysql import Database
from clients.splynx import SplynxClient
from console import rights
from console.checked import Finding, guarded
from console.reconciled import OVER_REST
from plumbing.errors import ConfigurationError, ExitCode
from plumbing.settings import Settings
from schemas.catalogue import TARGETS
from schemas.rules import read_rules
from schemas.write_paths import WritePaths, check_paths
from sinks import readiness
from sinks.errors import TablesChanged
from sinks.guards import check_guards
from sinks.payment_ids import check_sql
from sinks.site import Site

API = "splynx api"


async def api(settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    async with SplynxClient(settings.splynx) as client:
        for entity, endpoint in readiness.entities().items():

            async def one(entity: str = entity, endpoint: str = endpoint) -> list[Finding]:
                count = await readiness.rows_of(client, endpoint)
                if lacking := readiness.rights_lacking(client.permissions, endpoint):
                    says = f"the key may not {', '.join(lacking)} at {endpoint}"
                    return [Finding(f"{API}: {entity}", False, says, rights.GIVE, ExitCode.USAGE)]
                says = f"{endpoint} answers, {count} rows"
                if unknown := await readiness.attributes_lacking(client, entity):
                    # Nothing waits for it, for what else is written is right.
                    says += f"; this Splynx lacks {', '.join(unknown)}: sent, and not kept there"
                return [Finding(f"{API}: {entity}", True, says)]

            found += await guarded(f"{API}: {entity}", one)
    # It is away, or no Splynx, or does not know us: said once.
    if len({(one.ok, one.next_step) for one in found}) == 1 and not found[0].ok:
        return [replace(found[0], check=API)]
    return found


async def others(settings: Settings) -> list[Finding]:
    """A Splynx that has rows before anything was written may be another one than is meant."""
    async with Site.open(settings) as site:
        async with site.db.session() as tx:
            begun = await site.ledger.begun(tx)
        if not begun:
            await readiness.check_no_customers(site.client)
    says = "this ledger was begun with it" if begun else "it has no customers yet"
    return [Finding("splynx is ours", True, says)]


async def ids(settings: Settings) -> list[Finding]:
    async with SplynxClient(settings.splynx) as client:
        await readiness.check_ids(client, settings.rules)
    return [Finding("splynx ids in the rules", True, "Splynx has every one of them")]


async def ledger(settings: Settings) -> list[Finding]:
    async with Database(settings.ledger_db) as db:
        await db.fetch("SELECT 1 AS one")
    beside = "beside Splynx's rows" if settings.ledger_beside_rows else "on a server of its own; SQL is not available"
    return [Finding("ledger", True, f"the database answers; the ledger lies {beside}")]


async def ways(settings: Settings) -> list[Finding]:
    """What it costs that entities go the way they do: without Splynx's database above all."""
    check_paths(text := read_rules(settings.rules))
    paths = WritePaths.of(text.file, sql=settings.ledger_beside_rows)
    check_sql(paths)
    costs = [f"{one.entity}: {cost}" for one in TARGETS.values() if (cost := paths.cost(one))]
    return [Finding("write paths", True, one) for one in costs] or [
        Finding("write paths", True, "every entity goes its usual way")
    ]


async def tables(settings: Settings) -> list[Finding]:
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


async def columns(settings: Settings) -> list[Finding]:
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


async def guards(settings: Settings) -> list[Finding]:
    # On the ledger's server, which is Splynx's: whether Splynx's schema is there is another check's word.
    async with SplynxClient(settings.splynx) as client, Database(settings.ledger_db) as db:
        beside = db if settings.ledger_beside_rows else None
        violations = await check_guards(client, beside, settings.guards, settings.rules)
    return [Finding(f"guard: {one.name}", False, one.problem, one.remedy) for one in violations] or [
        Finding("guards", True, "every switch is as it must be")
    ]
