"""Guards of capture, and of how it speaks to Sonar."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson

from console.topic_settings import IN_SYNC
from plumbing.errors import SyncError
from producers import documents
from tests.faults.guards.patch import Guards, Patch, always, always_soon


def _only_in_memory(real: Any) -> Any:
    async def save(self: Any, aggregate: Any, progress: Any) -> None:
        self._cursors._documents[f"snapshot:{aggregate.name}"] = progress.document()

    return save


def _without_sequence(real: Any) -> Any:
    def root(self: Any, collection: str, id: int) -> Any:
        known = real(self, collection, id)
        return None if known is None else known._replace(sequence=0)

    return root


def _without_waiting(real: Any) -> Any:
    def deliver(self: Any, messages: Any, pending: Any) -> None:
        for one in messages:
            self._producer.produce(one.topic, partition=one.partition, key=one.key, value=one.value)
        self._index.produce(pending)

    return deliver


def _on_one_broker(real: Any) -> Any:
    return lambda name, partitions, copies, *, config: real(name, partitions, 1, config={**config, IN_SYNC: "1"})


def _nobody(real: Any) -> Any:
    return lambda self: {}


def _nothing_stands(real: Any) -> Any:
    return property(lambda self: {})


def _numbered_at_the_end(real: Any) -> Any:
    async def page(self: Any, *args: Any, **options: Any) -> Any:
        return replace(await real(self, *args, **options), sequence=await self._numbers.take())

    return page


def _whatever_data_came(real: Any) -> Any:
    def data_of(status: int, headers: Any, body: bytes, into: Any = None) -> Any:
        with suppress(ValueError):
            if isinstance(data := orjson.loads(body).get("data"), dict):
                return real(200, headers, orjson.dumps({"data": data}), into)
        return real(status, headers, body, into)

    return data_of


def _whatever_came(real: Any) -> Any:
    return lambda connection, **options: connection["entities"]


def _by_our_clock(real: Any) -> Any:
    def begun(self: Any, *args: Any, **options: Any) -> None:
        told = options.pop("server_time")
        real(self, *args, **options, server_time=lambda: told() + timedelta(minutes=5))

    return begun


def _by_time_alone(real: Any) -> Any:
    return lambda low, after, *column: real(low, after, *column)[: 1 if after else None]


def _at_a_number(real: Any) -> Any:
    async def read(self: Any, aggregate: Any, progress: Any, one: Any, stop: Any) -> None:
        start, number = one.last, 0
        while not one.done:
            size = self._reader.page_size(aggregate)
            page = await self._reader.page(aggregate, documents.after_id(start, one.high), number + size)
            rows = page.rows[number : number + size]
            await self._publish(aggregate, replace(page, rows=rows))
            number += size
            one.done = not rows
        await self._save(aggregate, progress)

    return read


def _when_all_is_read(real: Any) -> Any:
    async def some(self: Any, aggregate: Any, ids: Any, after: int, stop: Any) -> AsyncIterator[Any]:
        pages, left = [], ids.above(after)
        while left.ranges:
            page = await self._page(aggregate, documents.within(left.ranges), self._reader.page_size(aggregate))
            pages.append(page)
            left = left.above(page.rows[-1].id)
        found = [row.id for page in pages for row in page.rows]
        for page in pages:
            await self._publish(aggregate, page)
        yield found[-1], found

    return some


def _as_the_log_says(real: Any) -> Any:
    def present(self: Any, demand: Any, row: Any, page: Any, now: Any) -> Any:
        return self._missing(demand, page) if demand.maybe_deleted else real(self, demand, row, page, now)

    return present


def _nothing_changed(real: Any) -> Any:
    async def changed(self: Any, *asked: Any) -> AsyncIterator[Any]:
        with suppress(SyncError):
            async for found in real(self, *asked):
                yield found

    return changed


def _whatever_is_on_the_topics(real: Any) -> Any:
    async def reserve(self: Any, server_time: Any, newest: Any = None) -> None:
        await real(self, server_time)

    return reserve


def _as_amounts(real: Any) -> Any:
    def data_of(status: int, headers: Any, body: bytes, into: Any = None) -> Any:
        read = json.loads(body, parse_float=lambda digits: round(float(digits), 2))
        return real(status, headers, json.dumps(read).encode(), into)

    return data_of


def _empty_as_none(real: Any) -> Any:
    def write(self: Any, row: Any) -> bytes:
        return real(self, {name: None if value == "" else value for name, value in row.items()})  # type: ignore[no-any-return]

    return write


def _never_seen(real: Any) -> Any:
    def child(self: Any, scope: str, collection: str, id: int) -> Any:
        known = real(self, scope, collection, id)
        return None if known is None else known._replace(root=None)

    return child


def _as_optional(real: Any) -> Any:
    def lacking(*args: Any) -> tuple[list[str], list[str]]:
        required, optional = real(*args)
        return [], sorted([*required, *optional])

    return lacking


def _nothing_again(real: Any) -> Any:
    async def compare(self: Any, found: Any) -> Any:
        change = await real(self, found)
        return None if change is None else change._replace(again=())

    return compare


def _for_ever(real: Any) -> Any:
    return lambda **_: real(total=3600.0)


def _sent_once(real: Any) -> Any:
    return lambda kafka, **overrides: real(kafka, **{"enable.idempotence": False, "retries": 0, **overrides})


CAPTURE: Guards = {
    "a range's cursor is saved at each page": (Patch("producers.snapshot.Snapshot._save", _only_in_memory),),
    "a cursor moves after the broker's acknowledgement": (
        Patch("producers.publisher.Publisher._deliver", _without_waiting),
    ),
    "nothing is published below what was published": (Patch("producers.index.Index.root", _without_sequence),),
    "the sequence is taken when a request starts": (Patch("producers.reader.Reader.page", _numbered_at_the_end),),
    "a root counts as read when it shows its child": (Patch("producers.demands.Demand.unmet", always({})),),
    "an answer with errors is not used": (Patch("clients.sonar_errors.data_of", _whatever_data_came),),
    "the watermark waits for what is not read": (Patch("producers.demands.Demands.waiting", _nobody),),
    "what may not be read holds the watermark": (
        Patch("producers.following.Following.standing", _nothing_stands),
        Patch("producers.demands.Demands.waiting", _nobody),
    ),
    "a page has the rows it promises": (Patch("producers.reader.entities_of", _whatever_came),),
    "the time is Sonar's": (Patch("producers.following.Following.__init__", _by_our_clock),),
    "ties are told apart by their ids": (Patch("producers.documents.changed_since", _by_time_alone),),
    "looks overlap": (Patch("producers.lateness.Lateness.wide_for", always(timedelta(0))),),
    "everything is swept": (Patch("producers.sweep.Sweep.step", always_soon(lambda: None)),),
    "a page goes on behind the last row, not at a number": (Patch("producers.snapshot.Snapshot._range", _at_a_number),),
    "a page is published before the next is read": (Patch("producers.snapshot.Snapshot.some", _when_all_is_read),),
    "more deletes than usual are held": (Patch("producers.brake.Brake.lets_pass", always_soon(lambda: True)),),
    "a collection that looks empty is not believed": (
        Patch("producers.noticing.Noticing.is_peopled", always_soon(lambda: True)),
    ),
    "a read by id decides about a delete": (Patch("producers.rereading.Rereading._present", _as_the_log_says),),
    "which Sonar it is, is remembered": (Patch("producers.identity._told_by", always_soon(dict)),),
    "a cursor that is none halts": (Patch("producers.cursors._checked", always({})),),
    "numbers begin above what the topics hold": (
        Patch("producers.sequence.Sequence.reserve", _whatever_is_on_the_topics),
    ),
    "who has lost the lease publishes nothing": (Patch("producers.lease.Lease.check", always(None)),),
    "a topic is on several brokers": (Patch("console.topics.NewTopic", _on_one_broker),),
    "two brokers have what is acknowledged": (Patch("console.topic_settings._COPIES", lambda _: 1),),
    "what the broker did not take is told": (Patch("plumbing.kafka.AckedProducer._raise_failure", always(None)),),
    "a look that failed covers nothing": (Patch("producers.changes.Changes._changed", _nothing_changed),),
    "a question to Sonar has a deadline": (Patch("aiohttp.ClientTimeout", _for_ever),),
    "what was lost on its way to Kafka is sent again": (Patch("producers.capturing.make_producer", _sent_once),),
    "what fits no message is set aside": (Patch("producers.publisher._HEADROOM", lambda _: -(2**40)),),
    "what is found is read before more is looked for": (
        Patch("producers.following.Following._meet_all", always_soon(lambda: 0)),
    ),
    "what lacks a required field stands still": (Patch("producers.source.lacking", _as_optional),),
    "what is there again is read again": (Patch("producers.drift.Drift._compare", _nothing_again),),
    "fractions keep all their digits": (Patch("clients.sonar_errors.data_of", _as_amounts),),
    "an empty text is a value": (Patch("schemas.avro.rows.RowWriter.write", _empty_as_none),),
    "where a child was is known": (
        Patch("producers.index.Index.child", _never_seen),
        Patch("producers.index.Index.robbed", always([])),
    ),
    "what is an account's lies in its partition": (Patch("producers.publisher.owner_of", always(None)),),
}
