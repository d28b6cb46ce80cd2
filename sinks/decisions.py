"""Decisions about conflicts that a rollback takes back: they are undecided again, and the next event does not win."""

from collections.abc import Sequence

from schemas.ledger import GONE, KEPT, ORPHANED, OVERWRITTEN, TAKEN
from sinks.planned import Planned
from sinks.site import Site
from sinks.tables.journal import Writes
from sinks.threeway import BY_LOCK, BY_POLICY
from sinks.undo import Way

_NOBODY = frozenset({BY_LOCK, BY_POLICY, GONE, ORPHANED})
"""Who settled a conflict where nobody decided by name."""


async def kept_values(site: Site, writes: Writes) -> list[int]:
    """Conflicts that somebody decided for Splynx in these writes. Nothing was written for them, so no entry tells."""
    async with site.db.session() as tx:
        if not await site.ledger.exists(tx, "conflicts"):
            return []
        rows = await site.ledger.conflicts(
            tx,
            states=[KEPT],
            run_ids=[] if writes.run_id is None else [writes.run_id],
            since=writes.since,
            account=writes.account,
        )
    return [int(row["id"]) for row in rows if row["settled_by"] not in _NOBODY]


async def overwritten_values(site: Site, planned: Sequence[Planned]) -> list[int]:
    """Conflicts that ended because Sonar's value was written, by the writes that are undone of these records."""
    undone = {(one.target.entity, one.key): set(one.runs) for one in planned if one.undo.way is not Way.LEFT}
    async with site.db.session() as tx:
        runs = {run for some in undone.values() for run in some}
        states = [TAKEN, OVERWRITTEN]
        rows = await site.ledger.conflicts(tx, states=states, run_ids=runs, keys=undone) if runs else []
    return [int(row["id"]) for row in rows if row["settled_run"] in undone[row["entity"], row["record_key"]]]
