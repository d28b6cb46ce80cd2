"""Rows of Splynx that carry our marks: found again, entered in the crosswalk, so that nothing is written twice.

The marks are the additional field `sonar_id`, and for payments `field_4` with the receipt number. What has neither (a
label) is looked for by its natural key before it is created. A row that is entered has an empty hash: its bundle, when
it comes, is compared with it in full, unless the row says that it is another object's (`sonar_unique_id`).
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from clients import splynx_paths
from clients.mysql import Database, Row, Transaction
from clients.splynx import SplynxClient
from clients.splynx_query import Search
from schemas.aggregate import Aggregate, Target, WritePath
from schemas.catalogue import references
from schemas.ledger import GONE, LIVE
from sinks.bodies import SONAR_ID
from sinks.handles import endpoint_of, listing_of
from sinks.payment_rows import amount_of
from sinks.plan import SONAR_UNIQUE_ID, Document
from sinks.receipts import revision_of
from sinks.store import Ledger, dumped

_PAGE = 2000
_EXPONENT = 4
"""Of the column `payments.amount`, so that any currency fits exactly."""
_COPIED = (
    "payment_type", "comment", "field_1", "field_2", "field_3", "field_4", "field_5", "memo",
)  # fmt: skip
_MARK = "sonar:"


@dataclass(frozen=True)
class Adoption:
    """A row of Splynx that carries a Sonar id. `revision` odd: a payment's opposite document is its newest."""

    entity: str
    key: str
    owner: int
    """Sonar id of the aggregate."""
    target_id: int
    revision: int = 0
    document: Document = field(default_factory=dict)
    row: Row = field(default_factory=dict)
    """As REST shows it; empty of a payment."""


class Marked:
    """What lies in Splynx with our marks on it. `sql`: its database is beside the ledger."""

    def __init__(self, client: SplynxClient, db: Database, targets: Mapping[str, Target], *, sql: bool) -> None:
        self._client, self._db, self._sql = client, db, sql
        self._targets = targets

    @property
    def entities(self) -> list[str]:
        """Those that have a mark, customers before their payments."""
        return [
            name
            for name, one in self._targets.items()
            if (one.module is not None and one.part_of is None and one.path is WritePath.REST)
            or (one.money and (self._sql or WritePath.REST in one.ways))
        ]

    async def pages(self, entity: str) -> AsyncIterator[list[Adoption]]:
        """The entity's rows, page by page; of a payment's documents the newest comes last.

        Raises:
            SplynxRefused, SplynxUnreachable, DependencyUnreachable.
        """
        target = self._targets[entity]
        if target.path is WritePath.REST:
            rows = await self._client.list(listing_of(target))
            below = splynx_paths.places(endpoint_of(target))
            if not below:
                yield [
                    Adoption(entity, key, int(key), int(row["id"]), document=_identity(row, key), row=row)
                    for row in rows
                    if (key := _sonar_id(row))
                ]
                return
            # It is owned by whoever owns the row below which it lies.
            (place,) = below
            above = references(target.record)[place].entity
            owners = await self._keys(above)
            yield [
                Adoption(entity, key, int(owner), int(row["id"]), document=document | _identity(row, key), row=row)
                for row in rows
                if (key := _sonar_id(row)) and (owner := owners.get(int(row[place])))
                for document in [{place: {"entity": above, "key": owner}}]
            ]
            return
        customers = await self._keys("customer")
        roots: dict[str, str] = {}
        last = 0
        while True:
            if self._sql:
                async with self._db.session() as tx:
                    found = await _payments(tx, last)
            else:
                found = await self._payments_over_rest(target, last)
            if not found:
                return
            last = int(found[-1]["id"])
            yield list(_adoptions(entity, found, customers, roots))

    async def _keys(self, entity: str) -> dict[int, str]:
        """`{id in Splynx: Sonar id}`."""
        rows = await self._client.list(listing_of(self._targets[entity]))
        return {int(row["id"]): key for row in rows if (key := _sonar_id(row))}

    async def _payments_over_rest(self, target: Target, last: int) -> list[Row]:
        marked = {"id": (">", last), "field_4": ("LIKE", f"{_MARK}%")}
        rows = await self._client.list(target.endpoint or "", Search(main=marked, order={"id": "ASC"}, limit=_PAGE))
        return [row | {name: Decimal(str(row[name] or 0)) for name in ("amount", "remind_amount")} for row in rows]


async def unknown_rows(marked: Marked, db: Database, ledger: Ledger, *, ledger_exists: bool) -> dict[str, int]:
    """`{entity: rows with our marks}` of the entities of which the ledger has no row at all."""
    found: dict[str, int] = {}
    for entity in marked.entities:
        begun: set[str] = set()
        if ledger_exists:
            async with db.session() as tx:
                if await ledger.ids_of(tx, entity):
                    continue
                # The answer to the very first call may have been lost: its intent finds it.
                begun = {one.key for one in await ledger.every_open_intent(tx) if one.entity == entity}
        keys = {one.key async for page in marked.pages(entity) for one in page} - begun
        if keys:
            found[entity] = len(keys)
    return found


async def count(marked: Marked, entity: str) -> int:
    """How many records of an entity have our marks."""
    return len({one.key async for page in marked.pages(entity) for one in page})


async def adopt(marked: Marked, db: Database, ledger: Ledger, aggregates: Sequence[Aggregate]) -> dict[str, int]:
    """Enter all rows with our marks in the crosswalk; `{entity: records}`. Repeating it is harmless."""
    owner = {target.entity: aggregate.name for aggregate in aggregates for target in aggregate.targets}
    adopted: dict[str, int] = {}
    for entity in marked.entities:
        keys: set[str] = set()
        async for page in marked.pages(entity):
            # The newest document of a payment replaces the earlier ones of its page.
            newest = {one.key: one for one in page}
            async with db.transaction() as tx:
                await ledger.put_crosswalk(
                    tx,
                    [
                        (
                            entity, key, owner[entity], one.owner, one.target_id, "", 0,
                            GONE if one.revision % 2 else LIVE, one.revision, dumped(one.document),
                        )
                        for key, one in newest.items()
                    ],
                )  # fmt: skip
            keys |= newest.keys()
        adopted[entity] = len(keys)
    return adopted


def amounts_of(document: Document) -> dict[str, Any]:
    """What is compared of a payment that is found again: money, day, customer and number. Nothing of it is personal."""
    return {
        "customer": document["customer_id"]["key"],
        "receipt_number": document["receipt_number"],
        "date": str(document["date"]),
        "payment_type": int(document["payment_type"]),
        "amount": f"{amount_of(document):.{_EXPONENT}f}",
    }


def _sonar_id(row: Mapping[str, object]) -> str:
    """The Sonar id that a row carries, or nothing."""
    key = _additional(row, SONAR_ID)
    return key if key.isdigit() else ""


def _identity(row: Mapping[str, object], key: str) -> Document:
    """Of which object of Sonar a row says it is: so much of its record that an id given anew is noticed."""
    unique = _additional(row, SONAR_UNIQUE_ID)
    return {"key": key, SONAR_UNIQUE_ID: unique} if unique else {}


def _additional(row: Mapping[str, object], name: str) -> str:
    """The text of one of a row's additional fields."""
    extra = row.get("additional_attributes")
    return str(extra.get(name) or "") if isinstance(extra, Mapping) else ""


async def _payments(tx: Transaction, last: int) -> list[Row]:
    return await tx.fetch(
        "SELECT * FROM payments WHERE id > %s AND deleted = '0' AND field_4 LIKE %s ORDER BY id LIMIT %s",
        (last, f"{_MARK}%", _PAGE),
    )


def _adoptions(
    entity: str, rows: Sequence[Row], customers: Mapping[int, str], roots: dict[str, str]
) -> Iterator[Adoption]:
    """The payments and reversals among `rows`; `roots` collects `{receipt: Sonar id}` of the payments seen."""
    for row in rows:
        kind, _, number = str(row["field_4"]).removeprefix(_MARK).partition(":")
        receipt, revision = revision_of(str(row["receipt_number"]))
        customer = customers.get(int(row["customer_id"]))
        if customer is None or not number.isdigit():
            continue
        if kind == "Payment":
            key = owner = roots.setdefault(receipt, number)
        elif kind == "ReversedPayment" and receipt.removesuffix(f"-R{number}") in roots:
            owner = roots[receipt.removesuffix(f"-R{number}")]
            key = f"{owner}-R{number}"
        else:
            continue
        yield Adoption(
            entity, key, int(owner), int(row["id"]), revision,
            _document(row, key, receipt, customer, opposite=revision % 2 == 1),
        )  # fmt: skip


def _document(row: Row, key: str, receipt: str, customer: str, *, opposite: bool) -> Document:
    """The record whose document, or opposite document, a row is: as far as an opposite one needs it."""
    amount = -row["amount"] if opposite else row["amount"]
    return {name: row[name] for name in _COPIED} | {
        "key": key,
        "customer_id": {"entity": "customer", "key": customer},
        "receipt_number": receipt,
        "date": str(row["date"]),
        "real_create_datetime": str(row["real_create_datetime"]),
        "amount_minor": _minor(amount),
        "remind_minor": _minor(row["remind_amount"]),
        "exponent": _EXPONENT,
    }


def _minor(amount: Decimal) -> int:
    return int(amount.scaleb(_EXPONENT))
