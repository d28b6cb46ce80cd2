"""The ledger made anew from what Splynx holds: after it was lost, or after Splynx was restored from a backup.

What the ledger says of single records is forgotten, rows with our marks are entered again, and the topics are played
from their beginning by the next sink, of whichever deployment. The journal of before-images, the conflicts and the
intents stay; of those, what is open is healed by whoever takes the first partition.
"""

import json
from dataclasses import dataclass, field

from clients.mysql import Transaction
from plumbing.settings import Settings
from plumbing.whoami import user_name
from schemas.catalogue import AGGREGATES
from sinks.adoption import adopt, count
from sinks.home import HOME
from sinks.ledger_errors import RebuildInterrupted
from sinks.site import Site
from sinks.startup import check_epoch
from sinks.store import Ledger

_BEGUN = "rebuild"
ADOPTED = "adopted"
"""Names the ledger's value that says who took rows over last, when and how many."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did, or would do."""

    applied: bool
    forgotten: dict[str, int] = field(default_factory=dict)
    """`{entity: records that the ledger knew}`"""
    adopted: dict[str, int] = field(default_factory=dict)
    """`{entity: records that Splynx holds}`"""


async def run_rebuild(settings: Settings, *, apply: bool) -> Rebuilt:
    """Rebuild the ledger, or count what that would do.

    A sink that is running is fenced off, and ends.

    Raises:
        SplynxRefused, SplynxUnreachable, DependencyUnreachable, DependencyRefused.
    """
    async with Site.open(settings) as site:
        return await rebuild(site) if apply else await _survey(site)


async def rebuild(site: Site) -> Rebuilt:
    """Rebuild the ledger. What interrupts it leaves a mark that keeps sinks from starting; repeating it is harmless."""
    db, ledger = site.db, site.ledger
    async with db.session() as tx:
        await ledger.create(tx)
    async with db.transaction() as tx:
        forgotten = await ledger.crosswalk_counts(tx)
        await ledger.set_meta(tx, _BEGUN, ledger.run_id)
        await ledger.drop_meta(tx, HOME)
        await ledger.fence_off(tx)
        # Topics that were made anew may have fewer partitions, and nobody takes those that are gone.
        await ledger.hand_over(tx, 0)
        await ledger.forget_records(tx)
    adopted = await adopt(site.marked, db, ledger, AGGREGATES)
    async with db.session() as tx:
        at = f"{ledger.now().isoformat(timespec='seconds')}Z"
        kept = {"by": user_name(), "at": at, "run": ledger.run_id, "rows": sum(adopted.values())}
        await ledger.set_meta(tx, ADOPTED, json.dumps(kept))
    await check_epoch(site.client, db, ledger, approve=True)
    async with db.transaction() as tx:
        await ledger.drop_meta(tx, _BEGUN)
    return Rebuilt(True, forgotten, adopted)


async def check_rebuilt(tx: Transaction, ledger: Ledger) -> None:
    """Raises RebuildInterrupted when a rebuild was begun and not ended."""
    if await ledger.meta(tx, _BEGUN) is not None:
        raise RebuildInterrupted("a rebuild of the ledger was begun and not ended")


async def _survey(site: Site) -> Rebuilt:
    forgotten: dict[str, int] = {}
    async with site.db.session() as tx:
        if await site.ledger.exists(tx):
            forgotten = await site.ledger.crosswalk_counts(tx)
    return Rebuilt(False, forgotten, {entity: await count(site.marked, entity) for entity in site.marked.entities})
