"""`crossfade ledger`: the ledger as a whole."""

from dataclasses import asdict
from typing import Any

from console.output import table
from plumbing.settings import Settings
from sinks.rebuild import run_rebuild


async def rebuild(settings: Settings, *, apply: bool) -> dict[str, Any]:
    """`{applied, forgotten: {entity: records}, adopted: {entity: records}}`.

    Raises:
        SyncError: Splynx or the database does not answer, or refuses us.
    """
    return asdict(await run_rebuild(settings, apply=apply))


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
