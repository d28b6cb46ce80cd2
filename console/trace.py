"""One record on its way: where it is, and why it is not where it should be."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from clients.mysql import Database
from console.history import History, read_history
from console.holdings import find_owner, read_holdings
from console.output import table
from console.waits import waits_text
from console.whereabouts import Conclusion, conclude
from plumbing.errors import ConfigurationError, ExitCode
from plumbing.kafka import reach_broker
from plumbing.settings import Settings
from schemas.aggregate import Aggregate
from schemas.catalogue import AGGREGATES


@dataclass(frozen=True)
class Trace:
    """All that is known of one aggregate. `ledger` is None while there is none."""

    aggregate: str
    sonar_id: int
    history: History
    ledger: dict[str, Any] | None

    @property
    def conclusion(self) -> Conclusion:
        """What it comes to."""
        return conclude(self.aggregate, self.sonar_id, self.history, self.ledger)

    @property
    def exit_code(self) -> ExitCode:
        """0 when it arrived, else 3."""
        return ExitCode.DONE if self.conclusion.arrived else ExitCode.FOUND

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "aggregate": self.aggregate,
            "sonar_id": self.sonar_id,
            "conclusion": asdict(self.conclusion),
            "events": self.history.events,
            "bundles": self.history.bundles,
            "dead_letters": [asdict(one) for one in self.history.dead_letters],
            "ledger": self.ledger,
        }


async def trace(settings: Settings, entity: str, number: int, *, splynx: bool, values: bool) -> Trace:
    """Follow one record through all stages.

    Args:
        entity: an aggregate's name; with `splynx` the name of a kind of Splynx record.
        number: Sonar's id of the root; with `splynx` Splynx's id of the record.
        values: read the values too, and before-images; else only what holds no personal data.

    Raises:
        ConfigurationError: there is no such entity, or the ledger does not know that row of Splynx.
        SyncError: Kafka, the registry or the ledger cannot be read.
    """
    await asyncio.to_thread(reach_broker, settings.kafka)
    async with Database(settings.ledger_db) as db:
        name, sonar_id = await find_owner(db, entity, number) if splynx else (entity, number)
        aggregate = _aggregate(name)
        ledger = await read_holdings(db, name, sonar_id, values=values)
    return Trace(name, sonar_id, read_history(settings, aggregate, sonar_id, values=values), ledger)


def _aggregate(name: str) -> Aggregate:
    for one in AGGREGATES:
        if one.name == name:
            return one
    owners = [one.name for one in AGGREGATES for target in one.targets if target.entity == name]
    known = ", ".join(one.name for one in AGGREGATES)
    raise ConfigurationError(
        f"{name} is nothing that is read from Sonar",
        remedy=f"Trace {' or '.join(owners)} by Sonar's id, or add --splynx to trace {name} by Splynx's id."
        if owners
        else f"Name one of {known}.",
    )


def text_of(document: dict[str, Any]) -> str:
    """The trace for people: the conclusion, then every step on the way."""
    conclusion = document["conclusion"]
    parts = [f"{document['aggregate']} {document['sonar_id']}: {conclusion['says']}"]
    if conclusion["next_step"]:
        parts.append(f"  Next: {conclusion['next_step']}")
    place = ("topic", "partition", "offset")
    parts += _part("Events", document["events"], (*place, "op", "sequence", "changed_at", "read_at"))
    parts += _part(
        "Bundles",
        [{**one, "records": _counts(one["records"])} for one in document["bundles"]],
        (*place, "sequence", "rules_generation", "records", "reason"),
    )
    parts += _part("Dead letters", document["dead_letters"], ("stage", "at", "record", "code", "reason"))
    ledger = document["ledger"]
    if ledger is None:
        return "\n".join([*parts, "", "There is no ledger yet: nothing was ever written."])
    parts += _part(
        "Ledger", [ledger["newest"]] if ledger["newest"] else [], ("sequence", "outcome", "deleted", "updated_at")
    )
    parts += _part("Rows in Splynx", ledger["crosswalk"], ("entity", "record_key", "target_id", "state", "updated_at"))
    held = [{**row, "waits for": waits_text(row["chain"])} for row in ledger["held"]]
    parts += _part("Held", held, ("entity", "record_key", "state", "code", "since", "waits for"))
    writes = ("at", "run_id", "batch", "entity", "record_key", "target_id", "action", "sequence")
    parts += _part("Journal", ledger["journal"], writes)
    calls = ("created_at", "run_id", "batch", "entity", "record_key", "method", "state", "answer")
    parts += _part("Calls to Splynx", ledger["intents"], calls)
    edits = ("at", "entity", "record_key", "field", "state", "settled_by")
    parts += _part("Edited in Splynx", ledger["conflicts"], edits)
    parts += _values(document)
    return "\n".join(parts)


def _part(title: str, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[str]:
    if not rows:
        return []
    cells = [["" if row.get(name) is None else str(row[name]) for name in columns] for row in rows]
    return ["", title, table([list(columns), *cells])]


def _counts(records: dict[str, list[str] | None] | None) -> str:
    found = {entity: "unread" if keys is None else len(keys) for entity, keys in (records or {}).items()}
    return ", ".join(f"{entity} {count}" for entity, count in found.items())


def _values(document: dict[str, Any]) -> list[str]:
    """Every value that was asked for, as JSON below its place."""
    lines: list[str] = []
    for one in [*document["events"], *document["bundles"]]:
        if one.get("values") is not None:
            lines += ["", f"{one['topic']} {one['partition']} {one['offset']}"]
            lines.append(json.dumps(one["values"], indent=2, ensure_ascii=False, default=str))
    for row in document["ledger"]["journal"]:
        if row.get("before_image") is not None:
            lines += ["", f"before {row['at']}: {row['entity']} {row['record_key']}"]
            lines.append(json.dumps(row["before_image"], indent=2, ensure_ascii=False))
    return lines
