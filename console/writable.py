"""Whether a command may write into Splynx now: what a sink looks at before its first write."""

from plumbing.settings import Settings
from sinks.guards import check_guards, require_guards
from sinks.rebuild import check_rebuilt
from sinks.site import Site
from sinks.startup import check_same_target


async def check_writable(settings: Settings, site: Site) -> None:
    """See that nothing forbids to write.

    Raises:
        GuardsViolated, ForeignTarget, RebuildInterrupted: it does.
        LedgerOutdated, LedgerNewer: the ledger's tables are of another release.
    """
    async with site.db.session() as tx:
        await site.ledger.require_current(tx)
        await check_rebuilt(tx, site.ledger)
    await check_same_target(site.client, site.db, site.ledger)
    require_guards(await check_guards(site.client, site.rows_db, settings.guards, settings.rules))
