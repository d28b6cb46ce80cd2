"""Where everything stands: lag per stage, the last watermark, what is held."""

import asyncio
from typing import Any

from clients.mysql import Database
from console.output import table
from console.progress import Progress
from plumbing.settings import Settings


def status_of(settings: Settings) -> dict[str, Any]:
    """`{lag: [{stage, entity, messages}], watermark: {...} | None, held: [{entity, state, code, records}]}`.

    Raises:
        SyncError: Kafka or the ledger's database does not answer.
    """
    progress = Progress(settings)
    try:
        lags = progress.lags()
        watermarks = progress.watermarks()
    finally:
        progress.close()
    return {
        "lag": [{"stage": one.stage, "entity": one.entity, "messages": one.messages} for one in lags],
        "watermark": watermarks[-1].model_dump(mode="json") if watermarks else None,
        "held": asyncio.run(held_of(settings)),
    }


async def held_of(settings: Settings) -> list[dict[str, Any]]:
    """`[{entity, state, code, records}]` of the ledger; empty while there is no ledger yet."""
    async with Database(settings.ledger_db) as db:
        there = await db.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_name = 'held'",
            (db.name,),
        )
        if not there:
            return []
        rows = await db.fetch(
            "SELECT entity, state, code, COUNT(*) AS records FROM held GROUP BY entity, state, code"
            " ORDER BY entity, state, code"
        )
    return [{**row, "records": int(row["records"])} for row in rows]


def text_of(document: dict[str, Any]) -> str:
    """The status for people."""
    rows = [["stage", "entity", "lag"]]
    rows += [[one["stage"], one["entity"], str(one["messages"])] for one in document["lag"]]
    watermark = document["watermark"]
    text = table(rows) + "\n\n"
    if watermark is None:
        text += "No watermark yet: run `crossfade follow`.\n"
    else:
        text += f"changes proven complete up to {watermark['source_time']}\n"
        text += f"deletes proven complete up to {watermark['deletes_time'] or 'not yet'}\n"
    if document["held"]:
        held = [["entity", "state", "code", "records"]]
        held += [[one["entity"], one["state"], one["code"], str(one["records"])] for one in document["held"]]
        text += "\n" + table(held)
    if "audit" in document:
        text += "\nAudit: every message is accounted for.\n" if not document["audit"] else "\nAudit:\n"
        for one in document["audit"]:
            place = one["place"]
            text += f"{place['topic']} {place['partition']} {place['offset']}: {one['aggregate']} {one['sonar_id']}"
            text += f" {one['problem']}\n"
    return text
