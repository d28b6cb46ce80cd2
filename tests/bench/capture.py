"""What capture costs beside the work that nobody can avoid, and how much of Sonar's pace it keeps.

`capture_cpu`: CPU seconds of parsing the pages' JSON, encoding the events' Avro and producing them ÷ those of a
snapshot of the same rows. `capture_wall`: a snapshot's rate ÷ that of a bare keyset crawler with the same documents,
ranges and concurrency; Sonar answers each page 50 ms late.
"""

import asyncio
import gc
import io
import json
import os
import time
import urllib.request
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import aiohttp
import fastavro
import orjson

from clients.sonar import SonarAnswer, SonarClient
from plumbing.avro import named_branches, parse
from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer
from plumbing.reading import read_spans
from plumbing.settings import Settings
from plumbing.shares import whole
from producers import documents
from producers.extents import Extent
from producers.nested import NESTED_PAGE
from producers.reader import Reader, Reading
from producers.snapshot import Range, cut
from producers.source import read_source
from sandbox.local.sandboxes import SonarSandbox
from sandbox.local.stack import Addresses
from schemas.aggregate import Aggregate
from schemas.avro import envelope_schema
from schemas.catalogue import AGGREGATES
from schemas.topics import Topics
from tests.bench.capturing import snapshotted
from tests.bench.entry import Entry, Round, noise, ratio, timed
from tests.bench.servers import instance

ACCOUNTS = int(os.environ.get("ACCOUNTS", "6000"))
CPU_GOAL = round(1 / 1.5, 3)
WALL_GOAL = 0.9
TURNS = 3
LATE_SECONDS = 0.05
_HEADER = 5
_NODE = b'"_version":'
"""Every node selects it exactly once, so counting it counts rows without parsing."""

_LISTS = ("query Lists", "query Nested")
"""How the documents begin that read nested lists on."""

Event = tuple[str, int, bytes, Any, Any]
"""Topic, partition, key, schema, value with its branches named."""
Measured = Callable[[Awaitable[object]], Awaitable[float]]
Work = TypeVar("Work")


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entries `capture_cpu` and `capture_wall`."""
    sonar = SonarSandbox(folder, accounts=ACCOUNTS, requests_per_minute=0)
    sonar.start()
    try:
        with instance(at, folder, sonar) as settings:
            crawler = await Crawler.plan(settings)
            with patch.object(SonarClient, "query", crawler.noting(SonarClient.query)):
                await _fresh(at, folder, sonar, timed)
            with _late(sonar, LATE_SECONDS):
                walls = [
                    Round(apart(_crawled, crawler), _fresh_apart(at, folder, sonar), apart(_crawled, crawler))
                    for _ in range(TURNS)
                ]
            bodies = await crawler.bodies()
            await snapshotted(settings, timed)
            floor = Floor.of(settings, bodies)
            gc.freeze()  # a snapshot has no million values beside it for the collector to visit
            cpu = [
                Round(floor.cpu(), await _fresh(at, folder, sonar, _cpu), floor.cpu())
                for _ in range(TURNS)
            ]  # fmt: skip
    finally:
        sonar.stop()
    rows = sum(body.count(_NODE) for body in bodies)
    return [
        Entry("capture_cpu", ratio(cpu), CPU_GOAL, noise(cpu), _per_thousand(cpu, rows, "cpu_ms")),
        Entry(
            "capture_wall", ratio(walls), WALL_GOAL, noise(walls),
            {"rows": rows, "pages": len(bodies), **_rates(walls, rows)},
        ),
    ]  # fmt: skip


def _per_thousand(measured: Sequence[Round], rows: int, unit: str) -> dict[str, float]:
    ours = min(one.ours for one in measured)
    floor = min(min(one.before, one.after) for one in measured)
    return {
        "rows": rows,
        f"{unit}_per_1000_rows": round(ours / rows * 1e6, 2),
        f"floor_{unit}_per_1000_rows": round(floor / rows * 1e6, 2),
    }


def _rates(measured: Sequence[Round], rows: int) -> dict[str, float]:
    return {
        "rows_per_second": round(rows / min(one.ours for one in measured)),
        "crawler_rows_per_second": round(rows / min(min(one.before, one.after) for one in measured)),
    }


# ours


async def _fresh(at: Addresses, folder: Path, sonar: SonarSandbox, measured: Measured) -> float:
    """A first snapshot into an instance of its own."""
    with instance(at, folder, sonar) as settings:
        return await snapshotted(settings, measured)


def _fresh_apart(at: Addresses, folder: Path, sonar: SonarSandbox) -> float:
    with instance(at, folder, sonar) as settings:
        return apart(_snapshotted, settings)


def _snapshotted(settings: Settings) -> float:
    return asyncio.run(snapshotted(settings, timed))


def apart(work: Callable[[Work], float], what: Work) -> float:
    """In a process of its own, as capture runs: what others left behind in memory is in nobody's way."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, what).result()


async def _cpu(work: Awaitable[object]) -> float:
    before = time.process_time()
    await work
    return time.process_time() - before


# what nobody can avoid


@dataclass(frozen=True)
class Floor:
    """The pages, and the events of a snapshot, ready to be encoded again."""

    settings: Settings
    bodies: Sequence[bytes]
    events: Sequence[Event]

    @classmethod
    def of(cls, settings: Settings, bodies: Sequence[bytes]) -> "Floor":
        """From the topics as they stand."""
        topics, events = Topics(settings.instance), list[Event]()
        schemas = {topics.sonar(one.name): parse(envelope_schema(one)) for one in AGGREGATES}
        named = {topic: named_branches(schema) for topic, schema in schemas.items()}
        consumer = make_consumer(settings.kafka, f"{settings.instance}.bench")
        # All ends first, and then all topics at once: a consumer that fetches is asked for the next end in vain.
        spans = {
            (topic, partition): bounds
            for topic in schemas
            for partition, bounds in end_offsets(consumer, topic, settings.kafka.partitions).items()
        }
        for place, message in read_spans(consumer, spans):
            key, value = message.key(), message.value()
            assert key is not None
            assert value is not None
            stream = io.BytesIO(value)
            stream.seek(_HEADER)
            schema = schemas[place.topic]
            # Named, or the writer would try the branches one by one, which takes twice the time.
            event = named[place.topic](fastavro.schemaless_reader(stream, schema, None))
            events.append((place.topic, place.partition, key, schema, event))
        consumer.close()
        return cls(settings, bodies, events)

    def cpu(self) -> float:
        """CPU seconds, those of the producer's threads included."""
        before = time.process_time()
        producer = AckedProducer(make_producer(self.settings.kafka))
        for body in self.bodies:
            orjson.loads(body)
        for topic, partition, key, schema, value in self.events:
            out = io.BytesIO()
            out.write(b"\0\0\0\0\1")
            fastavro.schemaless_writer(out, schema, value)
            producer.produce(topic, partition=partition, key=key, value=out.getvalue())
        producer.flush()
        return time.process_time() - before


# the bare crawler


@dataclass(frozen=True)
class Part:
    """A collection as the crawler reads it."""

    collection: str
    document: str
    size: int
    ranges: Sequence[Range]


class Crawler:
    """Pages by keyset and nothing else: a request, the last id, the next request.

    Then the nested lists that fill their page, as a snapshot reads them on: without them it would have fewer rows.
    """

    def __init__(self, settings: Settings, parts: Sequence[Part]) -> None:
        self._settings, self._parts = settings, parts
        self._lists: list[bytes] = []

    def noting(self, query: Callable[..., Awaitable[SonarAnswer]]) -> Callable[..., Awaitable[SonarAnswer]]:
        """`SonarClient.query`, from which this learns what of nested lists is asked for."""

        def noted(client: SonarClient, document: str, variables: Any = None, **options: Any) -> Awaitable[SonarAnswer]:
            if document.startswith(_LISTS):
                self._lists.append(orjson.dumps({"query": document, "variables": variables}))
            return query(client, document, variables, **options)

        return noted

    @classmethod
    async def plan(cls, settings: Settings) -> "Crawler":
        """The documents, page sizes and ranges that capture would use."""
        parts = []
        async with SonarClient(settings.sonar, whole) as client:
            source = await read_source(client, AGGREGATES, NESTED_PAGE)
            reader = Reader(
                client,
                source.schema,
                _Numbers(),  # type: ignore[arg-type]  # never asked: only extents are read
                source.selections,
                AGGREGATES,
                page_size=settings.sonar.page_size,
                node_limit=settings.sonar.node_limit,
            )
            collections = [one for one in AGGREGATES if not one.root.singleton]
            for one, extent in zip(collections, await reader.extents(collections), strict=True):
                assert isinstance(extent, Extent)
                size = reader.page_size(one)
                ranges = cut(extent.newest, extent.rows, size, settings.sonar.concurrency)
                document = _document(one, source.selections[one.name], source.schema)
                parts.append(Part(one.root.name, document, size, ranges))
        return cls(settings, parts)

    async def bodies(self) -> list[bytes]:
        """All pages."""
        found: list[bytes] = []
        await self.crawl(found.append)
        return found

    async def crawl(self, take: Callable[[bytes], object]) -> None:
        """Read all pages, and hand each to `take`."""
        async with self._session() as session:
            work = deque((part, one) for part in self._parts for one in part.ranges)
            lists = deque(self._lists)

            async def worker() -> None:
                while work:
                    await self._range(session, *work.popleft(), take)
                while lists:
                    content = await self._answer(session, lists.popleft())
                    orjson.loads(content)
                    take(content)

            # As a snapshot does: no request waits for the last page of the collection before.
            async with asyncio.TaskGroup() as group:
                for _ in range(self._settings.sonar.concurrency):
                    group.create_task(worker())

    async def _range(
        self, session: aiohttp.ClientSession, part: Part, one: Range, take: Callable[[bytes], object]
    ) -> None:
        last = one.last
        while True:
            body = orjson.dumps(
                {"query": part.document, "variables": {"search": documents.after_id(last, one.high), "n": part.size}}
            )
            content = await self._answer(session, body)
            connection = orjson.loads(content)["data"][part.collection]
            rows = connection["entities"]
            take(content)
            if not rows or connection["page_info"]["total_count"] <= len(rows):
                return
            last = int(rows[-1]["id"])

    async def _answer(self, session: aiohttp.ClientSession, body: bytes) -> bytes:
        async with session.post(self._settings.sonar.url, data=body) as answer:
            return await answer.read()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        headers = {
            "Authorization": f"Bearer {self._settings.sonar.token.get_secret_value()}",
            "Content-Type": "application/json",
        }
        async with aiohttp.ClientSession(headers=headers) as session:
            yield session


def _crawled(crawler: Crawler) -> float:
    async def crawl() -> float:
        return await timed(crawler.crawl(len))

    return asyncio.run(crawl())


class _Numbers:
    """In place of the sequence."""


def _document(aggregate: Aggregate, selection: str, schema: Any) -> str:
    text = Reading(aggregate, selection, schema).text
    return documents.page_document(aggregate.root.name, text, archived=aggregate.root.include_archived, counted=True)


@contextmanager
def _late(sonar: SonarSandbox, seconds: float) -> Iterator[None]:
    body = json.dumps({"kind": "slow", "seconds": seconds, "count": None}).encode()
    faults = f"{sonar.control}/faults"
    urllib.request.urlopen(urllib.request.Request(faults, data=body), timeout=30).close()
    yield
    urllib.request.urlopen(urllib.request.Request(faults, method="DELETE"), timeout=30).close()
