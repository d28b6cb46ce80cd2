"""`crossfade conflicts`: edits made in Splynx, field by field. Nothing of a record is told unless it is asked for."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clients.mysql import Database, Row
from console.output import table
from plumbing.errors import ConfigurationError
from plumbing.settings import Settings
from schemas.catalogue import TARGETS
from schemas.ledger import UNSETTLED
from schemas.ownership import Ownership
from schemas.rules import load_rules
from sinks.store import Ledger
from sinks.tables.conflicts import values_of


@dataclass(frozen=True)
class Filter:
    """Which conflicts: all of what is given must hold. `account`: Sonar's id of the account that owns the record."""

    ids: Collection[int] = ()
    entities: Collection[str] = ()
    fields: Collection[str] = ()
    account: int | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing was said."""
        return not (self.ids or self.entities or self.fields or self.account is not None)


class ConflictUnknown(ConfigurationError):
    """There is no such conflict in the ledger."""

    code = "conflicts.unknown"
    remedy = "`crossfade conflicts list --all` shows them with their ids."


class ConflictSettled(ConfigurationError):
    """A conflict was decided already, or ended by itself. Nothing is done about any of those that were named."""

    code = "conflicts.settled"
    remedy = (
        "`crossfade conflicts show` says who decided, and when. `crossfade rollback --run` takes a decision back; then"
        " it can be decided anew."
    )


async def read_conflicts(settings: Settings, wanted: Filter, *, closed: bool) -> list[Row]:
    """The entries that fit, oldest first; without `closed`, or ids, those that nobody decided yet.

    Raises:
        ConflictUnknown: the ledger has none with one of the ids.
        ConfigurationError: there is no such kind of record.
        LedgerOutdated, LedgerNewer: its tables are of another release.
        SyncError: the ledger cannot be read.
    """
    for entity in wanted.entities:
        if entity not in TARGETS:
            raise ConfigurationError(
                f"{entity} is nothing that is written into Splynx", remedy=f"Name one of {', '.join(TARGETS)}."
            )
    async with Database(settings.ledger_db) as db, db.session() as tx:
        ledger = Ledger(db.name, run_id="")
        rows: list[Row] = []
        if await ledger.exists(tx, "conflicts"):
            await ledger.require_current(tx)
            rows = await ledger.conflicts(
                tx,
                states=() if closed or wanted.ids else (UNSETTLED,),
                entities=wanted.entities,
                fields=wanted.fields,
                account=wanted.account,
                ids=wanted.ids,
            )
    if unknown := sorted(set(wanted.ids) - {int(row["id"]) for row in rows}):
        raise ConflictUnknown(f"there is no conflict {', '.join(map(str, unknown))}")
    return rows


def ownership_of(settings: Settings) -> Ownership:
    """As the rules of now say.

    Raises:
        ConfigurationError: the rules are wrong.
    """
    return Ownership.of(load_rules(settings.rules))


def document_of(row: Mapping[str, Any], ownership: Ownership, *, values: bool) -> dict[str, Any]:
    """An entry as JSON."""
    target = TARGETS.get(row["entity"])
    return {
        "id": int(row["id"]),
        "state": row["state"],
        "entity": row["entity"],
        "key": row["record_key"],
        "target_id": int(row["target_id"]),
        "account": None if row["account"] is None else int(row["account"]),
        "field": row["field"],
        "owner": None if target is None else ownership.owner(target, row["field"]).value,
        "policy": None if target is None else ownership.policy_of(target, row["field"]),
        "sequence": int(row["sequence"]),
        **{name: _instant(row[name]) for name in ("since", "at", "settled_at")},
        "settled_by": row["settled_by"],
        "settled_run": row["settled_run"],
        "values": values_of(row) if values else None,
    }


def list_document(rows: Sequence[Row], ownership: Ownership, *, values: bool) -> dict[str, Any]:
    """`{conflicts: […], counts: {state: conflicts}}`."""
    counts = Counter(row["state"] for row in rows)
    return {
        "conflicts": [document_of(row, ownership, values=values) for row in rows],
        "counts": dict(sorted(counts.items())),
    }


def list_text(document: dict[str, Any]) -> str:
    """The list for people."""
    if not document["conflicts"]:
        return "There are none."
    head = ["conflict", "state", "record", "account", "field", "owner", "since"]
    rows = [[*head, *(["last written", "Sonar", "Splynx"] if document["conflicts"][0]["values"] is not None else [])]]
    for one in document["conflicts"]:
        record = f"{one['entity']} {one['key']}"
        told = [str(one["id"]), one["state"], record, str(one["account"] or ""), one["field"], one["owner"] or ""]
        rows.append([*told, (one["since"] or one["at"])[:19], *_values(one)])
    lines = [table(rows)]
    if UNSETTLED in document["counts"]:
        lines.append(
            f"{document['counts'][UNSETTLED]} wait for a decision: crossfade conflicts resolve ID --take source|target"
        )
    return "\n".join(lines)


def show_text(document: dict[str, Any]) -> str:
    """One conflict for people."""
    one = document["conflict"]
    lines = [f"{name:<12} {value}" for name, value in one.items() if value is not None and name != "values"]
    if one["values"] is not None:
        told = {"base": "last written", "source": "Sonar", "target": "Splynx"}
        lines += [f"{told[name]:<12} {value!r}" for name, value in one["values"].items()]
    if document["earlier"]:
        rows = [["earlier", "state", "since", "settled by"]]
        rows += [[str(e["id"]), e["state"], str(e["since"]), str(e["settled_by"])] for e in document["earlier"]]
        lines += ["", table(rows)]
    lines.append(f"The whole way of the record: {document['trace']}")
    return "\n".join(lines)


async def show_conflict(settings: Settings, id: int, *, values: bool) -> dict[str, Any]:
    """`{conflict, earlier, trace}`; earlier: other conflicts about the same field.

    Raises:
        ConflictUnknown: there is none with this id.
        SyncError: the ledger cannot be read.
    """
    ownership = ownership_of(settings)
    (row,) = await read_conflicts(settings, Filter(ids=[id]), closed=True)
    same = await read_conflicts(settings, Filter(entities=[row["entity"]], fields=[row["field"]]), closed=True)
    return {
        "conflict": document_of(row, ownership, values=values),
        "earlier": [
            document_of(one, ownership, values=values)
            for one in same
            if one["record_key"] == row["record_key"] and one["id"] != row["id"]
        ],
        "trace": f"crossfade trace --splynx {row['entity']} {row['target_id']}",
    }


def _values(one: dict[str, Any]) -> list[str]:
    return [] if one["values"] is None else [repr(value) for value in one["values"].values()]


def _instant(value: Any) -> str | None:
    return None if value is None else f"{value.isoformat()}+00:00"
