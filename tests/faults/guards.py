"""The patch points: each guard by name, where it stands, and the same place without it.

Production code has no switches. A guard is taken away by replacing the named member for one run of a test, whose proof
must then fail (`conftest.py`).
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from clients.mysql import Database
from clients.mysql_errors import TransactionLost
from plumbing.errors import SyncError
from plumbing.kafka import make_consumer
from processors.transform import DeadLetter
from producers import documents
from schemas.ledger import LOST
from sinks.plan import Outcome
from sinks.stream import without_errors
from sinks.threeway import Merged
from tests.faults.steps import resolved


@dataclass(frozen=True)
class Patch:
    """A place (dotted path) and how to make its unguarded version of what stands there."""

    at: str
    unguarded: Callable[[Any], Any]


def _always(value: Any) -> Callable[[Any], Any]:
    """A function that answers `value` whatever it is asked."""
    return lambda real: lambda *args, **options: value


def _always_soon(make: Callable[[], Any]) -> Callable[[Any], Any]:
    """A coroutine function that answers a fresh `make()`."""

    def patched(real: Any) -> Any:
        async def answer(*args: Any, **options: Any) -> Any:
            return make()

        return answer

    return patched


def _another_each_time(real: Any) -> Any:
    return lambda document: secrets.token_hex(16)


def _the_last_wins(real: Any) -> Any:
    def winners(self: Any, deliveries: Any, outcomes: Any) -> Any:
        newest: dict[Any, Any] = {}
        for one in deliveries:
            if one.bundle is not None:
                if (key := (one.aggregate.name, one.bundle.sonar_id)) in newest:
                    outcomes[newest[key].at] = (Outcome.SUPERSEDED, "")
                newest[key] = one
        return list(newest.values())

    return winners


def _statement_again(real: Any) -> Any:
    async def run(self: Any, *args: Any, **options: Any) -> Any:
        try:
            return await real(self, *args, **options)
        except TransactionLost:
            return await real(self, *args, **options)

    return run


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


def _nobody(real: Any) -> Any:
    return lambda self: {}


def _nothing_stands(real: Any) -> Any:
    return property(lambda self: {})


def _numbered_at_the_end(real: Any) -> Any:
    async def page(self: Any, *args: Any) -> Any:
        return replace(await real(self, *args), sequence=await self._numbers.take())

    return page


def _whatever_data_came(real: Any) -> Any:
    def data_of(status: int, headers: Any, body: bytes, into: Any = None) -> Any:
        with suppress(ValueError):
            if isinstance(data := orjson.loads(body).get("data"), dict):
                return real(200, headers, orjson.dumps({"data": data}), into)
        return real(status, headers, body, into)

    return data_of


def _only_the_last(real: Any) -> Any:
    return lambda writes: dict(writes[-1].before or {})


def _own_entries_only(real: Any) -> Any:
    async def journal(self: Any, tx: Any, entries: Any) -> None:
        await real(self, tx, [one for one in entries if one.by is None])

    return journal


def _as_a_write(real: Any) -> Any:
    def entry(intent: Any, target_id: int, action: str, before: Any, undoes: int | None = None) -> Any:
        return real(intent, target_id, action.removeprefix("undo-"), before)

    return entry


def _bundles_only(real: Any) -> Any:
    def publish(self: Any, at: Any, key: Any, result: Any) -> None:
        if not isinstance(result, DeadLetter):
            real(self, at, key, result)

    return publish


def _as_written(real: Any) -> Any:
    return lambda stream, writer, reader=None: real(stream, writer)


def _only_once(real: Any) -> Any:
    async def insist(self: Any, stop: Any, work: Any, *args: Any) -> Any:
        return await work()

    return insist


def _whatever_is_locked(real: Any) -> Any:
    async def states(self: Any, tx: Any, keys: Any, *, lock: bool = False) -> Any:
        return {} if lock else await real(self, tx, keys)

    return states


def _at_any_time(real: Any) -> Any:
    async def send(self: Any, method: str, path: str, params: Any, body: Any, deadline: Any) -> Any:
        return await real(self, method, path, params, body, None)

    return send


def _from_what_is_left(real: Any) -> Any:
    return lambda self: make_consumer(self._settings.kafka, self._group, **{"auto.offset.reset": "earliest"})


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


def _without_dead_letters(real: Any) -> Any:
    async def put_outcomes(self: Any, tx: Any, topic: str, partition: int, outcomes: Any) -> None:
        if kept := [one for one in outcomes if one[1] != Outcome.DEAD_LETTERED.value]:
            await real(self, tx, topic, partition, kept)

    return put_outcomes


class _Endless:
    """asyncio, whose time-outs never come."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    def timeout(self, _: float) -> asyncio.Timeout:
        return asyncio.timeout(None)


def _patient_client(real: Any) -> Any:
    def made(self: Any, settings: Any) -> None:
        real(self, settings)
        self._http.timeout = None

    return made


def _given_back_as_it_is(real: Any) -> Any:
    @asynccontextmanager
    async def connected(self: Any) -> AsyncIterator[Any]:
        connection = await self._pool.acquire()
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    return connected


class _NoQueue:
    async def acquire(self) -> None:
        """At once."""

    def release(self) -> None:
        """Nobody waits."""


def _in_the_pools_own_queue(real: Any) -> Any:
    def made(self: Any, settings: Any) -> None:
        real(self, settings)
        self._turns = _NoQueue()

    return made


def _without_a_timeout(real: Any) -> Any:
    def made(self: Any, config: Any) -> None:
        real(self, {name: value for name, value in config.items() if name != "timeout"})

    return made


def _against_nothing(real: Any) -> Any:
    return lambda bundle, declared, known: real(bundle, declared, [])


def _what_is_not_newer_is_stale(real: Any) -> Any:
    def verdict(bundle: Any, state: Any, **more: Any) -> Any:
        return Outcome.STALE if state is not None and bundle.sequence <= state.sequence else real(bundle, state, **more)

    return verdict


def _all_there_is(real: Any) -> Any:
    async def poll(self: Any, consumer: Any) -> Any:
        return without_errors(await asyncio.to_thread(consumer.consume, 100_000, 1.0))

    return poll


def _closed_unseen(real: Any) -> Any:
    async def heal(self: Any, intent: Any, token: int) -> None:
        async with self._db.transaction() as tx:
            await self._ledger.close_intent(tx, intent.id, LOST)

    return heal


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


GUARDS: dict[str, tuple[Patch, ...]] = {
    # sinks
    "the checkpoint in the ledger": (Patch("sinks.store.Ledger.checkpoints", _always_soon(dict)),),
    "intents are healed by a search": (
        Patch("sinks.healing.Healing.heal", _always_soon(list)),
        Patch("sinks.handles.Handles.find", _always_soon(lambda: None)),
    ),
    "a lost call is waited for until it is settled": (
        Patch("sinks.handles.Handles.until_settled", _always_soon(lambda: None)),
    ),
    "what is settled is not written again": (
        Patch("sinks.writer.verdict", _always(None)),
        Patch("sinks.plan.document_hash", _another_each_time),
    ),
    "the highest sequence wins": (
        Patch("sinks.writer.verdict", _always(None)),
        Patch("sinks.writer.Writer._winners", _the_last_wins),
        Patch("sinks.store.Ledger.not_overtaken", _always_soon(lambda: None)),
    ),
    "the newest bundle is the last on its topic": (Patch("sinks.runner.publish_again", _always_soon(lambda: 0)),),
    "a deadlock or a lock wait is tried again": (Patch("clients.mysql_errors._RETRY", lambda _: frozenset()),),
    "the whole batch is tried again, not a statement": (Patch("clients.mysql.Transaction._run", _statement_again),),
    "every call has a deadline": (
        Patch("clients.splynx.asyncio", lambda _: _Endless()),
        Patch("clients.splynx.SplynxClient.__init__", _patient_client),
        Patch("clients.mysql.asyncio", lambda _: _Endless()),
    ),
    "a connection with an answer still to come is closed": (
        Patch("clients.mysql.Database._connected", _given_back_as_it_is),
        # The driver's own, on which nobody should have to rely.
        Patch("aiomysql.connection.Connection._close_on_cancel", _always(None)),
    ),
    "who waits for a connection is not forgotten": (Patch("clients.mysql.Database.__init__", _in_the_pools_own_queue),),
    "rows and ledger commit together": (Patch("clients.mysql.Database.transaction", lambda _: Database.session),),
    "edits are looked for before a record is changed": (Patch("sinks.edits.Edits.looked_for", _always_soon(set)),),
    "edits are looked for in both rows of a payment": (
        Patch("sinks.payment_edits.PaymentEdits.merged", _always(Merged())),
    ),
    "poison gets its dead letter": (Patch("sinks.writer.Writer._letter", _always(None)),),
    "an outcome is kept of poison too": (Patch("sinks.store.Ledger.put_outcomes", _without_dead_letters),),
    "a dry run compares with what is there": (Patch("sinks.preview.steps_of", _against_nothing),),
    "what is mended is written again": (Patch("sinks.writer.verdict", _what_is_not_newer_is_stale),),
    "what is found to be done is noted": (Patch("sinks.store.Ledger.journal", _own_entries_only),),
    "what a rollback did before it died is its undoing": (Patch("sinks.healing._entry", _as_a_write),),
    "the earliest image of a column counts": (Patch("sinks.undo._earliest", _only_the_last),),
    "what is away is waited for": (Patch("sinks.loop.Loop._insist", _only_once),),
    "the fence": (
        Patch("sinks.store.Ledger.hold", _always_soon(lambda: None)),
        Patch("sinks.store.Ledger.states", _whatever_is_locked),
    ),
    "who was blocked is blocked again": (Patch("sinks.beside.Beside._put_back", _always_soon(lambda: None)),),
    "a promise of a dead process is kept": (Patch("sinks.beside.Beside.heal", _closed_unseen),),
    "who stands in another's way steps aside": (Patch("sinks.paths.in_the_way", _always([])),),
    "a call is not sent after its deadline": (Patch("clients.splynx.SplynxClient._send", _at_any_time),),
    "after the cutover nobody writes": (Patch("sinks.tables.fence.check_phase", _always(None)),),
    "what was cut off a topic is missed": (
        Patch("sinks.loop.watermarks", _always((0, 2**62))),
        Patch("sinks.stream.Stream.consumer", _from_what_is_left),
    ),
    "the brake": (Patch("sinks.brake.Brake.check", _always(None)),),
    "the mark in Splynx": (Patch("sinks.runner.check_epoch", _always_soon(list)),),
    "rows that carry Sonar ids are adopted only when asked": (
        Patch("sinks.runner.unknown_rows", _always_soon(dict)),
        Patch("sinks.runner.check_epoch", _always_soon(list)),
        Patch("sinks.runner.check_rebuilt", _always_soon(list)),
    ),
    "a partition that stands still is noticed": (Patch("plumbing.standstill.Standstill.stuck", _always([])),),
    "no more is taken from the topics than is written together": (Patch("sinks.stream.Stream.poll", _all_there_is),),
    # processors
    "what was handed over is acknowledged before the commit": (
        Patch("processors.guard.Guard.flush", _always_soon(lambda: None)),
    ),
    "what cannot pass gets its letter": (Patch("processors.output.Output.publish", _bundles_only),),
    "a gap on a topic is noticed": (Patch("processors.history.Continuity.follow", _always(None)),),
    "what a rebalance takes away is dropped": (Patch("processors.batch._Run._taken", _always(None)),),
    "what was written otherwise is read as ours": (Patch("fastavro.schemaless_reader", _as_written),),
    "a value without a rule is set aside": (Patch("schemas.entities.customer.identity.category", _always("person")),),
    "a call to the registry has a deadline": (
        Patch("confluent_kafka.schema_registry.SchemaRegistryClient.__init__", _without_a_timeout),
    ),
    # reconciliation
    "every record is compared": (Patch("reconciliation.facts.Facts.records", _always(())),),
    # capture
    "a range's cursor is saved at each page": (Patch("producers.snapshot.Snapshot._save", _only_in_memory),),
    "a cursor moves after the broker's acknowledgement": (
        Patch("producers.publisher.Publisher._deliver", _without_waiting),
    ),
    "nothing is published below what was published": (Patch("producers.index.Index.root", _without_sequence),),
    "the sequence is taken when a request starts": (Patch("producers.reader.Reader.page", _numbered_at_the_end),),
    "a root counts as read when it shows its child": (Patch("producers.demands.Demand.unmet", _always({})),),
    "an answer with errors is not used": (Patch("clients.sonar_errors.data_of", _whatever_data_came),),
    "the watermark waits for what is not read": (Patch("producers.demands.Demands.waiting", _nobody),),
    "what may not be read holds the watermark": (
        Patch("producers.following.Following.standing", _nothing_stands),
        Patch("producers.demands.Demands.waiting", _nobody),
    ),
    "a page has the rows it promises": (Patch("producers.reader.entities_of", _whatever_came),),
    "the time is Sonar's": (Patch("producers.following.Following.__init__", _by_our_clock),),
    "ties are told apart by their ids": (Patch("producers.documents.changed_since", _by_time_alone),),
    "looks overlap": (Patch("producers.lateness.Lateness.wide_for", _always(timedelta(0))),),
    "everything is swept": (Patch("producers.sweep.Sweep.step", _always_soon(lambda: None)),),
    "a page goes on behind the last row, not at a number": (Patch("producers.snapshot.Snapshot._range", _at_a_number),),
    "more deletes than usual are held": (Patch("producers.brake.Brake.lets_pass", _always_soon(lambda: True)),),
    "a collection that looks empty is not believed": (
        Patch("producers.noticing.Noticing.is_peopled", _always_soon(lambda: True)),
    ),
    "a read by id decides about a delete": (Patch("producers.rereading.Rereading._present", _as_the_log_says),),
    "which Sonar it is, is remembered": (Patch("producers.identity._told_by", _always_soon(dict)),),
    "a cursor that is none halts": (Patch("producers.cursors._checked", _always({})),),
    "numbers begin above what the topics hold": (
        Patch("producers.sequence.Sequence.reserve", _whatever_is_on_the_topics),
    ),
    "who has lost the lease publishes nothing": (Patch("producers.lease.Lease.check", _always(None)),),
    "what the broker did not take is told": (Patch("plumbing.kafka.AckedProducer._raise_failure", _always(None)),),
    "a look that failed covers nothing": (Patch("producers.changes.Changes._changed", _nothing_changed),),
    "what fits no message is set aside": (Patch("producers.publisher._HEADROOM", lambda _: -(2**40)),),
    "what is found is read before more is looked for": (
        Patch("producers.following.Following._meet_all", _always_soon(lambda: 0)),
    ),
    "what lacks a required field stands still": (Patch("producers.source.lacking", _as_optional),),
    "what is there again is read again": (Patch("producers.drift.Drift._compare", _nothing_again),),
    "fractions keep all their digits": (Patch("clients.sonar_errors.data_of", _as_amounts),),
    "an empty text is a value": (Patch("schemas.avro.rows.RowWriter.write", _empty_as_none),),
    "where a child was is known": (
        Patch("producers.index.Index.child", _never_seen),
        Patch("producers.index.Index.robbed", _always([])),
    ),
    "what is an account's lies in its partition": (Patch("producers.publisher.owner_of", _always(None)),),
    "the arrival of a parent wakes its children": (Patch("sinks.store.Ledger.wake", _always_soon(lambda: 0)),),
}


def taken_away(guard: str, patches: pytest.MonkeyPatch) -> None:
    """Replace every place of a guard by its unguarded version, until `patches` are undone."""
    for patch in GUARDS[guard]:
        patches.setattr(patch.at, patch.unguarded(resolved(patch.at)))
