"""The phase of the migration, shown and changed; who leaves the phases in which the sink writes waits for its calls."""

import asyncio
import time
from dataclasses import dataclass

from plumbing.errors import ConfigurationError
from plumbing.settings import Settings
from schemas.ledger import PHASES, WRITTEN_IN
from sinks.site import Site
from sinks.store import Intent


@dataclass(frozen=True)
class PhaseChange:
    """The phase of now, and the one that was, or would be, entered."""

    applied: bool
    phase: str
    to: str | None
    written: bool
    """Whether the sink writes in `to`; without it, in `phase`."""
    open_calls: int
    """Calls to Splynx whose outcome is open; after a change that ends the writing they are over, too."""


async def run_phase(settings: Settings, to: str | None, *, apply: bool) -> PhaseChange:
    """Show the phase, or enter another.

    Raises:
        ConfigurationError: there is no such phase, or no ledger; or the migration is closed.
        DependencyUnreachable, DependencyRefused: the database.
    """
    if to is not None and to not in PHASES:
        raise ConfigurationError(f"there is no phase {to}", remedy=f"Name one of {', '.join(PHASES)}.")
    async with Site.open(settings) as site:
        return await change_phase(site, to, settle_seconds=settings.splynx.settle_seconds, apply=apply)


async def change_phase(site: Site, to: str | None, *, settle_seconds: float, apply: bool) -> PhaseChange:
    """Enter `to`. When it returns, nothing that was begun before can change Splynx any more, if `to` is not written in.

    Raises:
        ConfigurationError: there is no ledger yet, or the migration is closed.
        LedgerOutdated, LedgerNewer: its tables are of another release.
    """
    async with site.db.session() as tx:
        if not await site.ledger.exists(tx):
            raise ConfigurationError("there is no ledger yet", remedy="`crossfade sink --apply` makes it.")
        await site.ledger.require_current(tx)
        phase = await site.ledger.phase(tx)
        calls = await site.ledger.every_open_intent(tx)
    changes = apply and to is not None and to != phase
    if changes and to is not None:
        if phase == PHASES[-1]:
            raise ConfigurationError("the migration is closed", remedy="Nothing leads back from there.")
        async with site.db.transaction() as tx:
            await site.ledger.enter(tx, to)
        async with site.db.session() as tx:
            calls = await site.ledger.every_open_intent(tx)
        if to not in WRITTEN_IN:
            await _until_over(calls, settle_seconds)
    return PhaseChange(changes, phase, to, (to or phase) in WRITTEN_IN, len(calls))


async def _until_over(calls: list[Intent], settle_seconds: float) -> None:
    last = max((one.latest for one in calls), default=time.monotonic() - settle_seconds)
    await asyncio.sleep(max(0.0, last + settle_seconds - time.monotonic()))
