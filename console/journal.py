"""The journal of before-images, and the calls over REST, as a whole: how they grow, and what is no longer kept."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from clients.mysql import Database
from console.replay_scope import moment_of
from plumbing.settings import Settings
from sinks.store import Ledger
from sinks.tables.journal import JournalSize

_AT_ONCE = 10_000


@dataclass(frozen=True)
class Pruned:
    """Which entries and calls were, or would be, thrown away, and how many stay."""

    applied: bool
    before: str
    entries: int
    kept: int
    calls: int
    calls_kept: int


async def journal_of(settings: Settings) -> dict[str, Any] | None:
    """`{entries, megabytes, megabytes_per_day, oldest, newest, calls}`; None while there is no ledger.

    Raises:
        SyncError: the ledger cannot be read.
    """
    async with Database(settings.ledger_db) as db, db.session() as tx:
        ledger = Ledger(db.name, run_id="")
        if not await ledger.exists(tx):
            return None
        size = await ledger.journal_size(tx)
        return asdict(size) | {"megabytes_per_day": per_day(size), "calls": await ledger.calls(tx)}


def per_day(size: JournalSize) -> float | None:
    """How fast it has grown, in megabytes a day; None where it does not tell of a whole day yet."""
    if size.oldest is None or size.newest is None:
        return None
    days = (datetime.fromisoformat(size.newest) - datetime.fromisoformat(size.oldest)) / timedelta(days=1)
    return round(size.megabytes / days, 1) if days >= 1 else None


async def prune(settings: Settings, before: str, *, apply: bool) -> Pruned:
    """Throw away the entries from before a moment: what they tell of can no longer be taken back.

    And the calls over REST that were begun before it, but for those whose outcome is open or may still count.

    Raises:
        ConfigurationError: that is no moment.
        SyncError: the ledger cannot be read or written.
    """
    moment = moment_of(before)
    async with Database(settings.ledger_db) as db:
        ledger = Ledger(db.name, run_id="")
        async with db.session() as tx:
            there = await ledger.exists(tx)
            if there:
                await ledger.require_current(tx)
            entries, kept = await ledger.journal_parts(tx, moment) if there else (0, 0)
            calls, calls_kept = await ledger.calls_parts(tx, moment) if there else (0, 0)
        for forget, many in ((ledger.forget_journal, entries), (ledger.forget_calls, calls)):
            left = many if apply else 0
            while left > 0:
                async with db.transaction() as tx:
                    left -= await forget(tx, moment, _AT_ONCE) or left
    return Pruned(apply, moment.isoformat(), entries, kept, calls, calls_kept)


def text_of(document: dict[str, Any]) -> str:
    """The pruning for people."""
    verb = "were" if document["applied"] else "would be"
    text = (
        f"{document['entries']} before-images from before {document['before']} {verb} thrown away,"
        f" {document['kept']} stay.\n{document['calls']} calls over REST from before it {verb} thrown away,"
        f" {document['calls_kept']} stay."
    )
    if not document["applied"]:
        text += "\nWhat these before-images tell of can then no longer be taken back."
        text += " Do it with: crossfade ledger prune --before … --apply"
    return text


def size_text(document: dict[str, Any]) -> str:
    """One line for `status`."""
    if not (document["entries"] or document["calls"]):
        return "The journal is empty."
    since = f" since {document['oldest']}, {document['megabytes']} MB{_growth(document)}" if document["entries"] else ""
    return (
        f"The journal holds {document['entries']} before-images{since}, and the ledger {document['calls']} calls over"
        " REST; crossfade ledger prune throws old ones away."
    )


def _growth(document: dict[str, Any]) -> str:
    rate = document["megabytes_per_day"]
    return "" if rate is None else f" (about {rate} MB a day)"
