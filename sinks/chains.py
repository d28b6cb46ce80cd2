"""What a held record waits for, link by link: its parent, what that waits for, up to what is at fault."""

# ruff: noqa: S608 - the names in the SQL are our own; values are always passed beside it

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from clients.mysql import Transaction
from schemas.ledger import LIVE
from sinks.store import Key, Ledger
from sinks.tables.base import chunks, marks

THERE = "in Splynx"
UNKNOWN = "neither in Splynx nor on its way"
RING = "waits for this one: a ring"
_LONGEST = 20


@dataclass(frozen=True)
class Link:
    """A record that another waits for, and how it stands."""

    entity: str
    key: str
    state: str


@dataclass(frozen=True)
class Wait:
    """How a held record stands, and what it waits for, if for anything."""

    state: str
    waits: Key | None


def chain(record: Key, held: Mapping[Key, Wait], live: Collection[Key]) -> list[Link]:
    """The links from what a record waits for to what is at fault. A ring ends where it closes."""
    links: list[Link] = []
    seen, at = {record}, held.get(record)
    while at is not None and at.waits is not None and len(links) < _LONGEST:
        key = at.waits
        if key in seen:
            return [*links, Link(*key, RING)]
        seen.add(key)
        at = held.get(key)
        links.append(Link(*key, THERE if key in live else UNKNOWN if at is None else at.state))
    return links


async def chains(tx: Transaction, ledger: Ledger, records: Iterable[Key]) -> dict[Key, list[Link]]:
    """`{record: its chain}`, as the ledger has it."""
    wanted = set(records)
    held: dict[Key, Wait] = {}
    live: set[Key] = set()
    level, asked = wanted, set[Key]()
    for _ in range(_LONGEST):
        if not level:
            break
        asked |= level
        for entity, keys in chunks(level):
            where = f"WHERE entity = %s AND record_key IN ({marks(keys)})"
            for row in await tx.fetch(f"SELECT * FROM {ledger.table('held')} {where}", [entity, *keys]):
                waits = None if row["waits_key"] is None else (row["waits_entity"], row["waits_key"])
                held[entity, row["record_key"]] = Wait(f"{row['state']} [{row['code']}]", waits)
            for row in await tx.fetch(
                f"SELECT record_key FROM {ledger.table('crosswalk')} {where} AND state = %s", [entity, *keys, LIVE]
            ):
                live.add((entity, row["record_key"]))
        level = {one.waits for key in level if (one := held.get(key)) is not None and one.waits is not None} - asked
    return {record: chain(record, held, live) for record in wanted}


def told(links: Sequence[Link]) -> str:
    """A chain as text; it holds keys and codes only.

    >>> told([Link("customer", "5", "parked [sink.parent_missing]"), Link("partner", "3", UNKNOWN)])
    'customer 5 (parked [sink.parent_missing]), that for partner 3 (neither in Splynx nor on its way)'
    """
    return ", that for ".join(f"{one.entity} {one.key} ({one.state})" for one in links)
