"""`crossfade ledger`: the ledger as a whole."""

from dataclasses import asdict
from typing import Any

from clients.mysql import Database
from console.output import table
from plumbing.settings import Settings
from schemas.ledger import VERSION
from sinks.rebuild import run_rebuild
from sinks.store import Ledger


async def rebuild(settings: Settings, *, apply: bool) -> dict[str, Any]:
    """`{applied, forgotten: {entity: records}, adopted: {entity: records}}`.

    Raises:
        SyncError: Splynx or the database does not answer, or refuses us.
    """
    return asdict(await run_rebuild(settings, apply=apply))


async def migrate(settings: Settings, *, apply: bool) -> dict[str, Any]:
    """`{applied, version, to, changes: [{version, table, alter}]}`: what brings the tables to this release's version.

    Raises:
        LedgerNewer: a later release wrote them.
        LedgerBusy: another process changes them just now.
        SyncError: the ledger cannot be read or written.
    """
    async with Database(settings.ledger_db) as db, db.session() as tx:
        ledger = Ledger(db.name, run_id="")
        version, changes = await ledger.version(tx), await ledger.pending(tx)
        if apply and await ledger.exists(tx, "meta"):
            changes = await ledger.bring_forward(tx)
    return {"applied": apply, "version": version, "to": VERSION, "changes": [asdict(one) for one in changes]}


def migrated_text(document: dict[str, Any]) -> str:
    """The migration for people."""
    if not document["changes"]:
        return f"The ledger's tables are those of this release: version {document['to']}."
    lines = [f"{one['table']}: {one['alter']}" for one in document["changes"]]
    verb = "Brought" if document["applied"] else "To be brought"
    lines.insert(0, f"{verb} from version {document['version']} to {document['to']}:")
    if not document["applied"]:
        lines.append("Nothing was changed. Stop the sink, then do it with: crossfade ledger migrate --apply")
    return "\n".join(lines)


def text_of(document: dict[str, Any]) -> str:
    """The rebuild for people."""
    rows = [["entity", "in the ledger", "in Splynx"]]
    rows += [
        [entity, str(document["forgotten"].get(entity, 0)), str(document["adopted"].get(entity, 0))]
        for entity in sorted({*document["forgotten"], *document["adopted"]})
    ]
    text = table(rows) + "\n"
    text += "Labels and parts of customers carry no mark; the next sink finds them by their text and their customer.\n"
    if document["applied"]:
        return text + "The ledger knows what Splynx holds. The next sink plays the topics from their beginning."
    return text + "Nothing was changed. Do it with: crossfade ledger rebuild --apply"
