"""Where everything stands: lag per stage, the last watermark, what is held."""

import asyncio
from typing import Any

from clients.mysql import Database
from console.collections import capture_of
from console.collections import text_of as capture_text
from console.journal import journal_of, size_text
from console.letters import open_letters
from console.output import table
from console.progress import Progress
from console.topics import require_topics
from console.waits import longest_waits, waits_text
from console.writing import writing_of, writing_text
from plumbing.clock import utc_now
from plumbing.settings import Settings
from producers.cursors import read_cursors
from schemas.ledger import PARKED, READY, UNSETTLED
from schemas.topics import Topics
from sinks.store import Ledger


def status_of(settings: Settings) -> dict[str, Any]:
    """`{lag: [{stage, entity, messages}], watermark: {...} | None, held: [{entity, state, code, records}],
    parked: [{entity, key, since, chain}], conflicts: [{entity, field, records, newest}],
    writing: {phase, guards, writers, open_calls}, crosswalk: [{entity, state, records}], capture: {...} | None,
    journal: {entries, megabytes, megabytes_per_day, oldest, newest, calls} | None}`; of parked records those that have
    waited longest; of capture see `capture_of`.

    Raises:
        ConfigurationError: there are no topics yet.
        SyncError: Kafka or the ledger's database does not answer.
    """
    require_topics(settings)
    progress = Progress(settings)
    try:
        lags = progress.lags()
        watermarks = progress.watermarks(newest=1)
    finally:
        progress.close()
    return {
        "lag": [{"stage": one.stage, "entity": one.entity, "messages": one.messages} for one in lags],
        "watermark": watermarks[-1].model_dump(mode="json") if watermarks else None,
        "held": asyncio.run(held_of(settings)),
        "parked": asyncio.run(longest_waits(settings)),
        "conflicts": asyncio.run(conflicts_of(settings)),
        "writing": asyncio.run(writing_into(settings)),
        "crosswalk": asyncio.run(crosswalk_of(settings)),
        "journal": asyncio.run(journal_of(settings)),
        "capture": capture_of(read_cursors(settings.kafka, Topics(settings.instance)), utc_now()),
    }


async def held_of(settings: Settings) -> list[dict[str, Any]]:
    """`[{entity, state, code, records}]` of what was not written: in the ledger, and dead letters from before it."""
    rows = await _rows_of(
        settings,
        "held",
        "SELECT entity, state, code, COUNT(*) AS records FROM held GROUP BY entity, state, code"
        " ORDER BY entity, state, code",
    )
    return [*({**row, "records": int(row["records"])} for row in rows), *await open_letters(settings)]


async def conflicts_of(settings: Settings) -> list[dict[str, Any]]:
    """`[{entity, field, records, newest}]`: edits in Splynx that wait for a decision, and when one was seen last."""
    rows = await _rows_of(
        settings,
        "conflicts",
        "SELECT entity, field, COUNT(DISTINCT record_key) AS records, MAX(at) AS newest FROM conflicts"  # noqa: S608
        f" WHERE state = '{UNSETTLED}' GROUP BY entity, field ORDER BY entity, field",
    )
    return [{**row, "records": int(row["records"]), "newest": f"{row['newest'].isoformat()}Z"} for row in rows]


async def writing_into(settings: Settings) -> dict[str, Any]:
    """`{phase, guards, writers: [{partition, owner, since}], open_calls: [{entity, method, calls, oldest}]}`."""
    return writing_of(
        await _rows_of(settings, "meta", "SELECT name, value FROM meta WHERE name IN ('phase', 'guards')"),
        await _rows_of(settings, "fence", "SELECT partition_no, owner, taken_at FROM fence ORDER BY partition_no"),
        await _rows_of(
            settings,
            "intents",
            "SELECT entity, method, COUNT(*) AS calls, MIN(created_at) AS oldest FROM intents WHERE state = 'open'"
            " GROUP BY entity, method ORDER BY entity, method",
        ),
    )


async def crosswalk_of(settings: Settings) -> list[dict[str, Any]]:
    """`[{entity, state, records}]`: records of Splynx that the ledger links with Sonar's."""
    rows = await _rows_of(
        settings,
        "crosswalk",
        "SELECT entity, state, COUNT(*) AS records FROM crosswalk GROUP BY entity, state ORDER BY entity, state",
    )
    return [{**row, "records": int(row["records"])} for row in rows]


async def waking_in(settings: Settings) -> int:
    """Records that wait for nothing any more: the sink is about to write them."""
    rows = await _rows_of(
        settings,
        "held",
        f"SELECT COUNT(*) AS n FROM held h WHERE h.state = '{READY}' OR (h.state = '{PARKED}' AND EXISTS"  # noqa: S608
        " (SELECT 1 FROM crosswalk c WHERE c.entity = h.waits_entity AND c.record_key = h.waits_key))",
    )
    return sum(int(row["n"]) for row in rows)


async def _rows_of(settings: Settings, name: str, sql: str) -> list[dict[str, Any]]:
    """Rows of one of the ledger's tables; none while there is no ledger yet.

    Raises:
        LedgerOutdated, LedgerNewer: its tables are of another release.
    """
    async with Database(settings.ledger_db) as db:
        there = await db.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
            (db.name, name),
        )
        if not there:
            return []
        async with db.session() as tx:
            await Ledger(db.name, run_id="").require_current(tx)
        return await db.fetch(sql)


def text_of(document: dict[str, Any], *, every: bool = False) -> str:
    """The status for people; with `every` collection, fresh ones too."""
    rows = [["stage", "entity", "lag"]]
    rows += [[one["stage"], one["entity"], str(one["messages"])] for one in document["lag"]]
    watermark = document["watermark"]
    text = table(rows) + "\n\n"
    if watermark is None:
        text += "No watermark yet: run `crossfade follow`.\n"
    else:
        text += f"changes proven complete up to {watermark['source_time']}\n"
        text += f"deletes proven complete up to {watermark['deletes_time'] or 'not yet'}\n"
    text += capture_text(document["capture"], every=every)
    text += writing_text(document["writing"]) + "\n"
    if document["held"]:
        held = [["entity", "state", "code", "records"]]
        held += [[one["entity"], one["state"], one["code"], str(one["records"])] for one in document["held"]]
        text += "\n" + table(held)
    if document["parked"]:
        waits = [["parked", "since", "waits for"]]
        waits += [
            [f"{one['entity']} {one['key']}", one["since"], waits_text(one["chain"])] for one in document["parked"]
        ]
        text += "\n\n" + table(waits)
    if document["conflicts"]:
        changed = [["entity", "edited in Splynx", "records", "last seen"]]
        changed += [[one["entity"], one["field"], str(one["records"]), one["newest"]] for one in document["conflicts"]]
        text += (
            "\n\n" + table(changed) + "\nWhat was typed there stays until somebody decides: crossfade conflicts list\n"
        )
    if document["crosswalk"]:
        links = [["entity", "in Splynx", "records"]]
        links += [[one["entity"], one["state"], str(one["records"])] for one in document["crosswalk"]]
        text += "\n\n" + table(links)
    if document["journal"] is not None:
        text += f"\n\n{size_text(document['journal'])}\n"
    if "audit" in document:
        text += "\nAudit: every message is accounted for.\n" if not document["audit"] else "\nAudit:\n"
        for one in document["audit"]:
            place = one["place"]
            text += f"{place['topic']} {place['partition']} {place['offset']}: {one['aggregate']} {one['sonar_id']}"
            text += f" {one['problem']}\n"
        if document["audit_omitted"]:
            text += f"and {document['audit_omitted']} more\n"
    return text
