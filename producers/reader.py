"""Reading aggregates from Sonar: whole pages of roots with everything nested in them, or an error."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
import structlog
from msgspec import UNSET

from clients.sonar import SonarAnswer, SonarClient, entities_of
from clients.sonar_answers import into
from clients.sonar_errors import (
    IncompletePage,
    SonarFailed,
    SonarForbidden,
    SonarGraphqlError,
    SonarQueryInvalid,
    SonarTimeout,
)
from clients.sonar_schema import SonarSchema
from plumbing import metrics
from plumbing.clock import epoch_ms
from plumbing.errors import SyncError
from plumbing.sealing import Sealer
from producers import documents
from producers.copying import Copying
from producers.extents import Extent, read_extents
from producers.families import Children
from producers.glimpses import Carried, carried, watched
from producers.layout import branches_of, children_of, flatten, folded, leading_to, row_of
from producers.needs import SchemaUnfit, unfit
from producers.nested import NESTED_PAGE, Nested, weight
from producers.sequence import Sequence as Numbers
from producers.sizes import PageSize
from schemas.aggregate import Aggregate
from schemas.selection import secrets_of

log = structlog.get_logger()

_TRIES = 5
_FEW_ATTEMPTS = 2
"""For a part of a page that could not be had."""
_PAUSE_SECONDS = 0.1


class Reading:
    """How one aggregate is read from this Sonar: its selection with versions, its weight, its page size."""

    def __init__(self, aggregate: Aggregate, selection: str, schema: SonarSchema) -> None:
        self.aggregate = aggregate
        type_name = aggregate.root.type_name
        with_versions = documents.with_versions(documents.selection_set(selection), type_name, schema)
        self.text = documents.inner_text(with_versions)
        self.branches = branches_of(with_versions, type_name, schema, aggregate.root.record)
        self.folded = folded(self.branches)
        self.row = row_of(with_versions, self.branches, ("id", "_version", "updated_at"))
        self.into = into(self.row)
        self.children = leading_to(self.branches, {one.type_name: one.collection for one in aggregate.touched_by})
        self.watched = watched(aggregate)
        self.weight = weight(self.branches)
        self.secrets = [one.name for one, _ in secrets_of(aggregate) if one.name in self.row.__struct_fields__]
        self.counted = True
        self.largest: int | None = None
        """What the server clamps pages to, where it was seen to."""

    def page_size(self, wished: int, node_limit: int) -> int:
        """Roots per request: roots times nested rows stay below the node limit."""
        return max(1, min(wished, node_limit // self.weight))


@dataclass(frozen=True)
class Page:
    """Whole roots with all that is nested in them, flattened: connections are lists."""

    rows: list[Any]
    """In the layout of their selection (`producers.layout`)."""
    sequence: int
    """Taken when the first request of this page started."""
    started: datetime
    server_time: datetime
    total: int | None
    """Rows that match the search, these included; None where the collection cannot count."""
    reading: Reading
    """How it was asked for. By the time that it is here, capture may read in another way, of which its rows know
    nothing."""

    @cached_property
    def started_ms(self) -> int:
        """`started` as each event of the page has it."""
        return epoch_ms(self.started)

    def tells_of(self, id: int) -> bool:
        """Whether the row of an id that was asked for would be here: a page that was halved, or clamped, ends early."""
        whole = not self.rows or (self.total is not None and self.total <= len(self.rows))
        return whole or id <= self.rows[-1].id

    def children(self, row: Any) -> Children:
        """The nested rows of a root whose changes re-read it (`touched_by`)."""
        return children_of(row, self.reading.children)

    def carried(self, row: Any) -> list[Carried]:
        """What a root shows of look-ups of which only some columns count."""
        return carried(row, self.reading.branches, self.reading.watched) if self.reading.watched else []


class Reader:
    """Reads pages under the sequence; shrinks them on time-outs, reads damaged ones again, completes nested lists."""

    def __init__(
        self,
        client: SonarClient,
        schema: SonarSchema,
        numbers: Numbers,
        selections: Mapping[str, str],
        aggregates: Sequence[Aggregate],
        *,
        page_size: int,
        node_limit: int,
        sealer: Sealer | None = None,
    ) -> None:
        """`sealer`: for secrets, where `selections` ask for some."""
        self._client, self._numbers = client, numbers
        self._page_size, self._node_limit, self._sealer = page_size, node_limit, sealer
        self._aggregates = aggregates
        self._sizes: dict[str, PageSize] = {}
        self.copying = Copying()
        self.fit(schema, selections)

    def fit(
        self, schema: SonarSchema, selections: Mapping[str, str], lacks: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Read by this schema from now on. `lacks`: `{aggregate: what}` of those that have no selection."""
        self._lacks = lacks or {}
        self._nested = Nested(self._client, schema, page_size=self._page_size, node_limit=self._node_limit)
        self._readings = {
            one.name: Reading(one, selections[one.name], schema) for one in self._aggregates if one.name in selections
        }
        for name, one in self._readings.items():
            self._sizes.setdefault(name, PageSize(one.page_size(self._page_size, self._node_limit)))

    def refusal(self, aggregate: Aggregate) -> SchemaUnfit | None:
        """Why an aggregate cannot be read by this schema; None: it can."""
        return None if aggregate.name in self._readings else self._unfit(aggregate)

    def page_size(self, aggregate: Aggregate) -> int:
        """Roots per request, as Sonar bears them now."""
        return self._sizes[aggregate.name].rows

    def next_number(self) -> int:
        """The sequence of the next page: what was read before is below it."""
        return self._numbers.next

    @property
    def server_time(self) -> datetime:
        """Sonar's clock, as its last answer told it."""
        return self._client.server_time

    async def page(
        self,
        aggregate: Aggregate,
        search: list[dict[str, Any]],
        asked: int,
        *,
        whole: bool = False,
        attempts: int | None = None,
    ) -> Page:
        """One page of roots by id. What cannot be had at once is asked for in smaller parts, unless `whole`.

        Raises:
            SchemaUnfit: Sonar's schema lacks what the aggregate needs.
            SonarTimeout, SonarFailed, SonarGraphqlError, IncompletePage: even for one row.
            SonarForbidden, SonarQueryInvalid: at once.
            SyncError: from the client.
        """
        reading, size = self._reading(aggregate), self._sizes[aggregate.name]
        tries = 0
        while True:
            sequence, answer = await self._numbers.take(), None
            try:
                answer = await self._ask(reading, search, asked, attempts, again=asked == 1 and not whole)
                page = await self._whole(reading, answer, sequence, asked)
                size.bore(asked)
                metrics.PAGE_ROWS.labels(aggregate.root.name).set(size.rows)
                return page
            except (SonarTimeout, SonarFailed):
                # Of a nested list even one row was too much: that says nothing of how many roots Sonar can bear.
                fewer = asked // 2 if answer is not None or asked == 1 else size.halve(asked)
                if asked == 1 or whole:
                    raise
                asked = fewer
                log.warning("capture.page_halved", aggregate=aggregate.name, rows=asked)
            except SonarGraphqlError as exc:
                if exc.about_counting and reading.counted:
                    reading.counted = False
                    log.warning("capture.collection_cannot_count", collection=aggregate.root.name)
                    continue
                if asked == 1 or whole or isinstance(exc, SonarForbidden | SonarQueryInvalid):
                    raise
                # One row may spoil it for the others; it has been asked for patiently.
                asked, attempts = asked // 2, _FEW_ATTEMPTS
            except IncompletePage as exc:
                tries += 1
                if tries == _TRIES:
                    if asked == 1 or whole:
                        raise
                    asked, tries = asked // 2, _TRIES - _FEW_ATTEMPTS
                log.warning("capture.page_retried", aggregate=aggregate.name, error=exc.code)
                await asyncio.sleep(_PAUSE_SECONDS * 2**tries)

    async def extents(self, aggregates: Sequence[Aggregate]) -> list[Extent | SyncError]:
        """Of each collection of roots how large it is, or why that cannot be known.

        Raises:
            SyncError: from the client, of what concerns no collection alone.
        """
        roots = [(one.root.name, one.root.include_archived) for one in aggregates]
        found = await read_extents(self._client, roots) if roots else []
        for aggregate, extent in zip(aggregates, found, strict=True):
            if isinstance(extent, Extent) and extent.rows is None:
                self._reading(aggregate).counted = False
        return found

    async def singleton(self, aggregate: Aggregate) -> Page:
        """A settings object, read whole, as a page of one row with id 1."""
        reading = self._reading(aggregate)
        sequence = await self._numbers.take()
        name = aggregate.root.name
        answer = await self._client.query(documents.settings_document(name, reading.text))
        row = answer.data.get(name)
        if not isinstance(row, dict):
            raise IncompletePage(f"Sonar gives no {name}")
        # No nested list of a settings object fills a page.
        try:
            root = msgspec.convert({**row, "id": 1}, reading.row, strict=False)
        except msgspec.ValidationError:
            raise IncompletePage(f"Sonar gives {name} in another shape than was asked for") from None
        for full in flatten([root], reading.folded, NESTED_PAGE):
            raise IncompletePage(f"nested {full.branch.name} of {name} is too long")
        return Page([root], sequence, answer.started, answer.server_time, 1, reading)

    def copied(self, aggregate: Aggregate) -> AbstractContextManager[None]:
        """While a page is read that looks for changes have to know of."""
        return self.copying.page(aggregate.name, lambda: self._client.server_time)

    def _reading(self, aggregate: Aggregate) -> Reading:
        found = self._readings.get(aggregate.name)
        if found is None:
            raise self._unfit(aggregate)
        return found

    def _unfit(self, aggregate: Aggregate) -> SchemaUnfit:
        return unfit([self._lacks.get(aggregate.name, [aggregate.root.name])])

    async def _ask(
        self, reading: Reading, search: list[dict[str, Any]], asked: int, attempts: int | None, *, again: bool
    ) -> SonarAnswer:
        root = reading.aggregate.root
        document = documents.page_document(
            root.name,
            reading.text,
            archived=root.include_archived,
            counted=reading.counted,
        )
        return await self._client.query(
            document,
            {"search": search, "n": asked},
            attempts=None if again else attempts,
            again_after_timeout=again,
            into=reading.into,
        )

    async def _whole(self, reading: Reading, answer: SonarAnswer, sequence: int, asked: int) -> Page:
        root = reading.aggregate.root
        connection = answer.data.get(root.name)
        rows = entities_of(connection, asked=asked, counted=reading.counted)
        total: int | None = None
        if reading.counted:
            info = connection.page_info  # type: ignore[union-attr]  # entities_of has checked it
            total = info["total_count"]
            if info["records_per_page"] < asked:
                reading.largest = info["records_per_page"]
        for row in rows if reading.secrets else ():
            self._seal(reading, row)
        await self._nested.complete(rows, reading.folded, min(NESTED_PAGE, reading.largest or NESTED_PAGE))
        metrics.SONAR_ROWS.labels(root.name).inc(len(rows))
        return Page(rows, sequence, answer.started, answer.server_time, total, reading)

    def _seal(self, reading: Reading, row: Any) -> None:
        """Seal the secrets of a root in place, before anything else sees them."""
        for name in reading.secrets:
            if (value := getattr(row, name)) is not None and value is not UNSET:
                if self._sealer is None:
                    raise RuntimeError("secrets are read only where there are keys")  # excluded by the settings
                setattr(row, name, self._sealer.seal(str(value), f"{reading.aggregate.root.type_name}.{name}:{row.id}"))
