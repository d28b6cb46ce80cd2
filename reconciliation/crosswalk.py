"""The ledger as reconciliation reads it: which row of Splynx stands for which record, and what is held back."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clients.mysql import Database, Row
from plumbing.errors import ConfigurationError
from schemas.ledger import MIGRATIONS, STANDING

CHUNK = 500


@dataclass(frozen=True)
class Link:
    """A record and its row. `document` is what was last written, references unresolved."""

    entity: str
    key: str
    target_id: int
    state: str
    revision: int
    document: dict[str, Any]


async def check_ledger(ledger: Database) -> None:
    """See that there is a ledger to read.

    Raises:
        ConfigurationError: nothing was ever written.
    """
    found = await ledger.fetch(
        "SELECT COUNT(*) AS n FROM information_schema.tables WHERE table_schema = %s AND table_name = 'crosswalk'",
        (ledger.name,),
    )
    if not found[0]["n"]:
        raise ConfigurationError(
            f"schema {ledger.name} holds no ledger: nothing was written to Splynx yet",
            remedy="Copy first: `crossfade run --until caught-up --apply`. Or correct the settings of the ledger.",
        )
    columns = await ledger.fetch(
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = %s",
        (ledger.name,),
    )
    if {(one.table, one.column) for one in MIGRATIONS} - {(row["t"], row["c"]) for row in columns}:
        raise ConfigurationError(
            f"the ledger in schema {ledger.name} was made by an earlier release",
            remedy="`crossfade ledger migrate` shows what is to be changed, and does it with --apply.",
        )


async def live_links(
    ledger: Database, entity: str, keys: Sequence[str] | None = None, at_once: int = CHUNK
) -> AsyncIterator[dict[int, str]]:
    """`{id in Splynx: record key}` of an entity's live rows, so many at a time; `keys` only these."""
    if keys is not None:
        for part in chunks(keys, at_once):
            yield _by_id(
                await ledger.fetch(
                    "SELECT record_key, target_id FROM crosswalk WHERE entity = %s AND state = 'live'"
                    f" AND record_key IN ({marks(part)})",
                    [entity, *part],
                )
            )
        return
    last = ""
    while True:
        rows = await ledger.fetch(
            "SELECT record_key, target_id FROM crosswalk WHERE entity = %s AND state = 'live' AND record_key > %s"
            f" ORDER BY record_key LIMIT {at_once}",
            [entity, last],
        )
        if not rows:
            return
        yield _by_id(rows)
        last = rows[-1]["record_key"]


def _by_id(rows: Iterable[Row]) -> dict[int, str]:
    return {int(row["target_id"]): str(row["record_key"]) for row in rows}


async def keys_of(ledger: Database, entity: str, ids: Iterable[int]) -> dict[int, str]:
    """`{id in Splynx: record key}` of the live ones among these rows."""
    found: dict[int, str] = {}
    for part in chunks(sorted(set(ids))):
        found |= _by_id(
            await ledger.fetch(
                "SELECT record_key, target_id FROM crosswalk WHERE entity = %s AND state = 'live'"
                f" AND target_id IN ({marks(part)})",
                [entity, *part],
            )
        )
    return found


async def ids_of(ledger: Database, refs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """`{(entity, key): id in Splynx}` of the references that are known."""
    found: dict[tuple[str, str], int] = {}
    for part in chunks(sorted(set(refs))):
        for row in await ledger.fetch(
            "SELECT entity, record_key, target_id FROM crosswalk"
            f" WHERE (entity, record_key) IN ({', '.join(['(%s, %s)'] * len(part))})",
            [value for pair in part for value in pair],
        ):
            found[(row["entity"], row["record_key"])] = int(row["target_id"])
    return found


async def links_of(ledger: Database, aggregate: str, sonar_ids: Sequence[int]) -> dict[int, list[Link]]:
    """`{sonar id: its links}` of some aggregates."""
    found: dict[int, list[Link]] = {}
    for row in await ledger.fetch(
        "SELECT entity, record_key, sonar_id, target_id, state, revision, document FROM crosswalk"
        f" WHERE aggregate = %s AND sonar_id IN ({marks(sonar_ids)})",
        [aggregate, *sonar_ids],
    ):
        link = Link(
            row["entity"], row["record_key"], int(row["target_id"]), row["state"], int(row["revision"]),
            json.loads(row["document"]),
        )  # fmt: skip
        found.setdefault(int(row["sonar_id"]), []).append(link)
    return found


async def all_ids(ledger: Database, entity: str) -> set[int]:
    """The ids in Splynx of every row of ours of a small entity, whatever its state."""
    return {int(row["target_id"]) for row in await ledger.fetch(
        "SELECT target_id FROM crosswalk WHERE entity = %s", (entity,)
    )}  # fmt: skip


async def deferred(ledger: Database) -> AsyncIterator[list[Row]]:
    """Records that are not written now and need not be: `entity`, `record_key`, `code`."""
    last: tuple[str, str] = ("", "")
    while rows := await ledger.fetch(
        "SELECT entity, record_key, code FROM held WHERE state = 'deferred' AND (entity, record_key) > (%s, %s)"
        " ORDER BY entity, record_key LIMIT 5000",
        last,
    ):
        yield rows
        last = rows[-1]["entity"], rows[-1]["record_key"]


async def deferred_of(ledger: Database, aggregate: str, sonar_ids: Sequence[int]) -> set[tuple[str, str]]:
    """The `(entity, key)` of some aggregates' records that are deferred."""
    rows = await ledger.fetch(
        "SELECT entity, record_key FROM held WHERE state = 'deferred' AND aggregate = %s"
        f" AND sonar_id IN ({marks(sonar_ids)})",
        [aggregate, *sonar_ids],
    )
    return {(row["entity"], row["record_key"]) for row in rows}


async def conflicts_of(ledger: Database, aggregate: str, sonar_ids: Sequence[int]) -> dict[tuple[str, str, str], str]:
    """`{(entity, key, field): open or kept}` of the fields of which Splynx's value stays for now."""
    found: dict[tuple[str, str, str], str] = {}
    for row in await ledger.fetch(
        "SELECT n.entity, n.record_key, n.field, n.state FROM conflicts n JOIN crosswalk c"
        " ON c.entity = n.entity AND c.record_key = n.record_key"
        f" WHERE c.aggregate = %s AND c.sonar_id IN ({marks(sonar_ids)}) ORDER BY n.id",
        [aggregate, *sonar_ids],
    ):
        field = row["field"].removeprefix("additional_attributes.")
        found[(row["entity"], row["record_key"], field)] = row["state"]  # of each field the last one counts
    return {field: state for field, state in found.items() if state in STANDING}


def chunks(values: Sequence[Any], size: int = CHUNK) -> Iterable[Sequence[Any]]:
    """Slices of a list."""
    return (values[start : start + size] for start in range(0, len(values), size))


def marks(values: Sequence[object]) -> str:
    """Placeholders of a statement, one for each value."""
    return ", ".join(["%s"] * len(values))
