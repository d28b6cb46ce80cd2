"""`crossfade snapshot` of a part: what would be read again, and how far it is where another process does it."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from confluent_kafka import TopicPartition

from clients.sonar import SonarClient
from clients.sonar_errors import SonarForbidden
from clients.sonar_schema import SonarSchema
from console.advance import duration
from console.asking import asking_sonar
from console.output import table
from plumbing.errors import ConfigurationError
from plumbing.kafka import end_offsets, make_consumer
from plumbing.reading import value_of
from plumbing.settings import Settings, SonarSettings
from producers import documents
from producers.capture import check_captured
from producers.changes import Changes
from producers.extents import read_extent
from producers.followed import followed
from producers.ids import Ids
from producers.nested import NESTED_PAGE
from producers.orders import Order
from producers.parts import owned
from producers.reader import Reading
from producers.signals import SNAPSHOT
from producers.source import selection_text
from producers.summary import CaptureSummary
from schemas.aggregate import ACCOUNTS, Aggregate, in_splynx
from schemas.catalogue import AGGREGATES, captured
from schemas.topics import Topics

_LISTED = 5_000
"""So many ids at most are looked for one by one; of more, only Sonar's count is told."""


@dataclass(frozen=True)
class PartLine:
    """One aggregate of a part. `rows` is None where the collection cannot count."""

    aggregate: str
    rows: int | None
    requests: int
    missing: str = ""
    """Ids that were asked for and that Sonar does not have."""


@dataclass(frozen=True)
class Foreseen:
    """What reading a part again takes, at least: long nested lists ask again."""

    order: Order
    lines: list[PartLine] = field(default_factory=list)
    per_minute: int = 1

    def document(self) -> dict[str, Any]:
        """As JSON."""
        requests = sum(one.requests for one in self.lines)
        return {
            "parts": [asdict(one) for one in self.lines],
            "foreseen": {"requests": requests, "seconds": round(requests * 60 / self.per_minute, 1)},
        }


def order_of(leave_out: Sequence[str], only: Sequence[str], ids: str | None, customer: int | None) -> Order | None:
    """What the options ask for; None: no part, but what was never read in full. `leave_out`: as in the settings.

    Raises:
        ConfigurationError: they do not go together, or name what there is not.
    """
    names = [name.strip() for text in only for name in text.split(",")]
    check_captured(leave_out, names)
    chosen = [one for one in captured(leave_out) if not names or one.name in names]
    if customer is not None:
        if ids is not None:
            raise ConfigurationError("--customer and --ids do not go together", remedy="Give one of them.")
        mine = [one for one in chosen if one.owned_by]
        if not mine:
            raise ConfigurationError(
                f"no account owns any {', '.join(names)}", remedy="Leave --only out, or --customer."
            )
        return Order(tuple(one.name for one in mine), customer=customer)
    if ids is not None:
        if not names:
            raise ConfigurationError(
                "--ids needs --only: ids of what?", remedy="Such as --only account --ids 17,40-60."
            )
        if single := [one.name for one in chosen if one.root.singleton]:
            raise ConfigurationError(f"{', '.join(single)} has no ids", remedy="Leave --ids out: it is one object.")
        return Order(tuple(one.name for one in chosen), Ids.parse(ids))
    return Order(tuple(one.name for one in chosen)) if names else None


async def foresee(settings: Settings, order: Order) -> Foreseen:
    """Ask Sonar what there is of a part: counts and thin rows only.

    Raises:
        ConfigurationError: Sonar has nothing of it.
        SyncError: Sonar does not answer, or does not let us read it.
    """
    async with asking_sonar(settings) as client:
        return await look(client, await client.introspect(), settings.sonar, order)


async def look(client: SonarClient, schema: SonarSchema, sonar: SonarSettings, order: Order) -> Foreseen:
    """As `foresee`, of a Sonar that is known."""
    aggregates = captured(sonar.leave_out)
    changes = Changes(client, followed(aggregates, schema), schema)
    account = next(one for one in AGGREGATES if one.root.name == ACCOUNTS)
    if order.customer is not None and not await owned(changes, account, order.customer):
        raise ConfigurationError(f"Sonar has no account {order.customer}", remedy="Look its id up in Sonar.")
    lines = []
    for one in (each for each in aggregates if each.name in order.names):
        reading = Reading(one, selection_text(schema, one, NESTED_PAGE), schema)
        page = reading.page_size(sonar.page_size, sonar.node_limit)
        try:
            lines.append(await _line(client, changes, one, order, page))
        except SonarForbidden as exc:
            raise SonarForbidden(
                f"the token may not read {one.name}: it stands still, and with it in Splynx {in_splynx(one)}"
            ) from exc
    if order.ids is not None and all(one.rows == 0 for one in lines):
        raise ConfigurationError(
            f"Sonar has no {' or '.join(order.names)} {order.ids.shown()}",
            remedy="Nothing was read. Look the ids up in Sonar.",
        )
    return Foreseen(order, lines, sonar.requests_per_minute)


async def _line(client: SonarClient, changes: Changes, one: Aggregate, order: Order, page: int) -> PartLine:
    if one.root.singleton:
        return PartLine(one.name, 1, 1)
    if order.customer is not None:
        rows = len(await owned(changes, one, order.customer))
        return PartLine(one.name, rows, _pages(rows, page))
    if order.ids is None:
        extent = await read_extent(client, one.root.name, archived=one.root.include_archived)
        return PartLine(one.name, extent.rows, _pages(extent.rows or 0, page))
    if len(order.ids) <= _LISTED:
        found = await changes.present(one.root, order.ids)
        return PartLine(one.name, len(found), _pages(len(found), page), order.ids.without(found).shown())
    search = documents.within(order.ids.ranges)
    extent = await read_extent(client, one.root.name, search, archived=one.root.include_archived)
    return PartLine(one.name, extent.rows, _pages(extent.rows or 0, page))


def _pages(rows: int, page: int) -> int:
    return max(1, -(-rows // page))


class Awaiting:
    """Waits for an order that another process carries out, from before it is handed over until that tells its end."""

    def __init__(self, settings: Settings) -> None:
        self._topic = Topics(settings.instance).notifications
        self._consumer = make_consumer(settings.kafka, f"{settings.instance}.parts")
        (_, end) = end_offsets(self._consumer, self._topic, 1)[0]
        self._consumer.assign([TopicPartition(self._topic, 0, end)])

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    async def done(self, id: str, stop: asyncio.Event) -> dict[str, Any] | None:
        """The notification with which an order ended; None when `stop` came first."""
        while not stop.is_set():
            message = await asyncio.to_thread(self._consumer.poll, 0.5)
            if message is None or message.error() is not None:
                continue
            told = orjson.loads(value_of(message) or b"{}")
            if told.get("type") == SNAPSHOT and told.get("id") == id and told.get("state") in {"done", "refused"}:
                return dict(told)
        return None


def take_in(summary: CaptureSummary, told: dict[str, Any]) -> None:
    """What another process told of an order, as if it had been read here."""
    summary.run_id = told["run_id"]
    summary.snapshot = {name: (read, total) for name, (read, total) in told["rows"].items()}
    summary.missing = dict(told["missing"])
    summary.snapshot_complete = told["state"] == "done"


def text_of(document: dict[str, Any]) -> str:
    """A part that would be read, for people."""
    rows = [["aggregate", "rows", "requests"]]
    parts = document["parts"]
    rows += [
        [one["aggregate"], "?" if one["rows"] is None else str(one["rows"]), str(one["requests"])] for one in parts
    ]
    lines = [table(rows)]
    lines += [f"Sonar has no {one['aggregate']} {one['missing']}" for one in parts if one["missing"]]
    foreseen = document["foreseen"]
    lines.append(f"{foreseen['requests']} requests at least: {duration(foreseen['seconds'])} by the budget.")
    return "\n".join([*lines, "Nothing was read. Do it with the same command and --apply"])
