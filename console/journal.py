"""The journal of before-images as a whole: how it grows, and what of it is no longer kept."""

from dataclasses import asdict, dataclass
from typing import Any

from clients.mysql import Database
from console.replay_scope import moment_of
from plumbing.settings import Settings
from sinks.store import Ledger

_AT_ONCE = 10_000


@dataclass(frozen=True)
class Pruned:
    """Which entries were, or would be, thrown away, and how many stay."""

    applied: bool
    before: str
    entries: int
    kept: int


async def journal_of(settings: Settings) -> dict[str, Any] | None:
    """`{entries, megabytes, oldest, newest}`; None while there is no ledger.

    Raises:
        SyncError: the ledger cannot be read.
    """
    async with Database(settings.ledger_db) as db, db.session() as tx:
        ledger = Ledger(db.name, run_id="")
        return asdict(await ledger.journal_size(tx)) if await ledger.exists(tx) else None


async def prune(settings: Settings, before: str, *, apply: bool) -> Pruned:
    """Throw away the entries from before a moment: what they tell of can no longer be taken back.

    Raises:
        ConfigurationError: that is no moment.
        SyncError: the ledger cannot be read or written.
    """
    moment = moment_of(before)
    async with Database(settings.ledger_db) as db:
        ledger = Ledger(db.name, run_id="")
        async with db.session() as tx:
            entries, kept = await ledger.journal_parts(tx, moment) if await ledger.exists(tx) else (0, 0)
        left = entries if apply else 0
        while left > 0:
            async with db.transaction() as tx:
                left -= await ledger.forget_journal(tx, moment, _AT_ONCE) or left
    return Pruned(apply, moment.isoformat(), entries, kept)


def text_of(document: dict[str, Any]) -> str:
    """The pruning for people."""
    verb = "were" if document["applied"] else "would be"
    text = (
        f"{document['entries']} entries from before {document['before']} {verb} thrown away, {document['kept']} stay."
    )
    if not document["applied"]:
        text += "\nThey can then no longer be taken back. Do it with: crossfade ledger prune --before … --apply"
    return text


def size_text(document: dict[str, Any]) -> str:
    """One line for `status`."""
    if not document["entries"]:
        return "The journal is empty."
    return (
        f"The journal holds {document['entries']} before-images since {document['oldest']},"
        f" {document['megabytes']} MB; crossfade ledger prune throws old ones away."
    )
