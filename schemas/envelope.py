"""The event on a `sonar.*` topic: Debezium's envelope around one aggregate as it was read."""

from dataclasses import dataclass
from typing import Any, Literal

CONNECTOR = "sonar"
VERSION = "1"


@dataclass(frozen=True)
class Event:
    """One version of one aggregate.

    `after` is the Avro form of the root's record (`schemas.avro.value_of`), None for a delete. `owner_id` is the
    account that owns it, for a delete the last one known. Times are milliseconds since the epoch.
    """

    aggregate: str
    sonar_id: int
    owner_id: int | None
    op: Literal["r", "c", "u", "d"]
    after: dict[str, Any] | None
    sequence: int
    snapshot: bool
    source_ts_ms: int
    read_ts_ms: int
    run_id: str
    schema_fingerprint: str
    instance: str


def envelope_of(event: Event) -> dict[str, Any]:
    """The event as its Avro schema takes it."""
    return {
        "before": None,
        "after": event.after,
        "source": {
            "version": VERSION,
            "connector": CONNECTOR,
            "name": event.instance,
            "ts_ms": event.source_ts_ms,
            "snapshot": "true" if event.snapshot else "false",
            "db": event.instance,
            "sequence": str(event.sequence),
            "table": event.aggregate,
            "sonar_id": event.sonar_id,
            "owner_id": event.owner_id,
            "run_id": event.run_id,
            "schema_fingerprint": event.schema_fingerprint,
        },
        "op": event.op,
        "ts_ms": event.read_ts_ms,
    }


def event_of(envelope: dict[str, Any]) -> Event:
    """The event in a decoded envelope.

    Raises:
        ValueError: the operation is none of r, c, u, d, or the sequence is no number.
    """
    source = envelope["source"]
    op = envelope["op"]
    if op not in {"r", "c", "u", "d"}:
        raise ValueError("op is none of r, c, u, d")
    if (envelope["after"] is None) != (op == "d"):
        raise ValueError("a delete has no after, and everything else has one")
    return Event(
        aggregate=source["table"],
        sonar_id=source["sonar_id"],
        owner_id=source["owner_id"],
        op=op,
        after=envelope["after"],
        sequence=int(source["sequence"]),
        snapshot=source["snapshot"] == "true",
        source_ts_ms=source["ts_ms"],
        read_ts_ms=envelope["ts_ms"],
        run_id=source["run_id"],
        schema_fingerprint=source["schema_fingerprint"],
        instance=source["name"],
    )


def key_of(aggregate: str, sonar_id: int) -> dict[str, Any]:
    """The key of an event and of its bundle: the root's id. The aggregate is in the schema's name."""
    del aggregate
    return {"id": sonar_id}
