"""Who writes into Splynx: the phase of the migration, the owner of each partition, and calls with an open outcome."""

from typing import Any

from console.output import table
from schemas.ledger import SHADOW, WRITTEN_IN

Rows = list[dict[str, Any]]


def writing_of(told: Rows, writers: Rows, calls: Rows) -> dict[str, Any]:
    """`{phase, guards, writers: [{partition, owner, since}], open_calls: [{entity, method, calls, oldest}]}` of rows
    read; guards: names of those for which the sink waits, null when it waits for none.
    """
    by_name = {row["name"]: row["value"] for row in told}
    return {
        "phase": by_name.get("phase", SHADOW),
        "guards": by_name.get("guards"),
        "writers": [
            {"partition": row["partition_no"], "owner": row["owner"], "since": f"{row['taken_at'].isoformat()}Z"}
            for row in writers
        ],
        "open_calls": [{**row, "calls": int(row["calls"]), "oldest": f"{row['oldest'].isoformat()}Z"} for row in calls],
    }


def writing_text(document: dict[str, Any]) -> str:
    """The same for people; nothing about the writers while each partition has one and no call is open."""
    phase = document["phase"]
    text = f"phase {phase}" + ("" if phase in WRITTEN_IN else ": nothing is written, Splynx is the system of record")
    if document["writers"]:
        text += f"; {len(document['writers'])} partitions written by "
        text += ", ".join(sorted({one["owner"] for one in document["writers"]}))
    if document["guards"]:
        text += f"\nThe sink waits for guards of Splynx: {document['guards']}; `crossfade doctor` says what to do."
    if document["open_calls"]:
        rows = [["entity", "call", "outcome open", "since"]]
        rows += [[one["entity"], one["method"], str(one["calls"]), one["oldest"]] for one in document["open_calls"]]
        text += "\n\n" + table(rows)
    return text


def phase_text(document: dict[str, Any]) -> str:
    """A change of phase for people."""
    now, to = document["phase"], document["to"]
    if to is None or to == now:
        says = "The sink writes." if document["written"] else "Nothing is written: Splynx is the system of record."
        return f"The migration is in phase {now}. {says}"
    says = "The sink writes in it." if document["written"] else "From then on nothing is written, and a sink ends."
    if document["applied"]:
        waited = f" {document['open_calls']} calls were open, and are over." if not document["written"] else ""
        return f"The migration went from phase {now} to {to}. {says}{waited}"
    return f"The migration would go from phase {now} to {to}. {says}\nDo it with: crossfade ledger phase {to} --apply"
