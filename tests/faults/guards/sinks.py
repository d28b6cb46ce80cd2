"""Guards of the sinks, and of how they speak to Splynx and its database."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from clients.mysql import Database
from clients.mysql_errors import TransactionLost
from clients.splynx_query import Search
from plumbing.kafka import make_consumer
from schemas.ledger import LOST
from sinks.handles import listing_of
from sinks.plan import Outcome
from sinks.stream import without_errors
from sinks.threeway import Merged
from tests.faults.guards.patch import Guards, Patch, always, always_soon


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


def _patient_server(real: Any) -> Any:
    return lambda patience_seconds: real(3600.0)


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


def _summed_up(real: Any) -> Any:
    async def add_deposits(tx: Any, deltas: Any) -> None:
        for customer in deltas:
            await tx.execute(
                "UPDATE customer_billing SET deposit = (SELECT COALESCE(SUM(total), 0) FROM billing_transactions"
                " WHERE customer_id = %s AND deleted = '0') WHERE customer_id = %s",
                (customer, customer),
            )

    return add_deposits


def _every_one(real: Any) -> Any:
    return lambda self: self._told.clear()


def _closed_unseen(real: Any) -> Any:
    async def heal(self: Any, intent: Any, token: int) -> None:
        async with self._db.transaction() as tx:
            await self._ledger.close_intent(tx, intent.id, LOST)

    return heal


def _by_its_login_too(real: Any) -> Any:
    async def find(self: Any, target: Any, key: str, document: Any) -> Any:
        found = await real(self, target, key, document)
        if found is None and "login" in document:
            rows = await self._client.list(listing_of(target), Search(main={"login": document["login"]}))
            found = next((int(row["id"]) for row in rows), None)
        return found

    return find


SINKS: Guards = {
    "the checkpoint in the ledger": (Patch("sinks.store.Ledger.checkpoints", always_soon(dict)),),
    "intents are healed by a search": (
        Patch("sinks.healing.Healing.heal", _closed_unseen),
        Patch("sinks.handles.Handles.find", always_soon(lambda: None)),
    ),
    "what somebody made is not taken for ours": (
        Patch("sinks.handles.Handles.find", _by_its_login_too),
        Patch("sinks.rest.RestRecords._see_that_it_is_as_wanted", always_soon(lambda: None)),
    ),
    "a lost call is waited for until it is settled": (
        Patch("sinks.handles.Handles.until_settled", always_soon(lambda: None)),
    ),
    "what is settled is not written again": (
        Patch("sinks.writer.verdict", always(None)),
        Patch("sinks.plan.document_hash", _another_each_time),
    ),
    "the highest sequence wins": (
        Patch("sinks.writer.verdict", always(None)),
        Patch("sinks.writer.Writer._winners", _the_last_wins),
        Patch("sinks.writer.newest_of", always(0)),
        Patch("sinks.store.Ledger.not_overtaken", always_soon(lambda: None)),
        Patch("sinks.entries.Entries.nobody_else", always_soon(lambda: None)),
        Patch("sinks.entries.Entries.as_compared", always_soon(lambda: None)),
    ),
    "the newest bundle is the last on its topic": (Patch("sinks.runner.publish_again", always_soon(lambda: 0)),),
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
        Patch("aiomysql.connection.Connection._close_on_cancel", always(None)),
    ),
    "who waits for a connection is not forgotten": (Patch("clients.mysql.Database.__init__", _in_the_pools_own_queue),),
    "rows and ledger commit together": (Patch("clients.mysql.Database.transaction", lambda _: Database.session),),
    "edits are looked for before a record is changed": (Patch("sinks.edits.Edits.looked_for", always_soon(Merged)),),
    "edits are looked for in both rows of a payment": (
        Patch("sinks.payment_edits.PaymentEdits.merged", always(Merged())),
    ),
    "poison gets its dead letter": (Patch("sinks.writer.Writer._letter", always(None)),),
    "an outcome is kept of poison too": (Patch("sinks.store.Ledger.put_outcomes", _without_dead_letters),),
    "a dry run compares with what is there": (Patch("sinks.preview.steps_of", _against_nothing),),
    "what is mended is written again": (Patch("sinks.writer.verdict", _what_is_not_newer_is_stale),),
    "what is found to be done is noted": (Patch("sinks.store.Ledger.journal", _own_entries_only),),
    "what a rollback did before it died is its undoing": (Patch("sinks.healing._entry", _as_a_write),),
    "the earliest image of a column counts": (Patch("sinks.undo._earliest", _only_the_last),),
    "what is away is waited for": (Patch("sinks.loop.Loop._insist", _only_once),),
    "the fence": (
        Patch("sinks.store.Ledger.hold", always_soon(lambda: None)),
        Patch("sinks.entries.Entries.nobody_else", always_soon(lambda: None)),
        Patch("sinks.entries.Entries.as_compared", always_soon(lambda: None)),
        Patch("sinks.store.Ledger.states", _whatever_is_locked),
    ),
    "who was blocked is blocked again": (Patch("sinks.beside.Beside._put_back", always_soon(lambda: None)),),
    "a promise of a dead process is kept": (Patch("sinks.beside.Beside.heal", _closed_unseen),),
    "who stands in another's way steps aside": (Patch("sinks.paths.in_the_way", always([])),),
    "a transaction that stands still is ended": (Patch("clients.mysql.session_statement", _patient_server),),
    "a call is not sent after its deadline": (Patch("clients.splynx.SplynxClient._send", _at_any_time),),
    "after the cutover nobody writes": (Patch("sinks.tables.fence.check_phase", always(None)),),
    "what was cut off a topic is missed": (
        Patch("sinks.loop.watermarks", always((0, 2**62))),
        Patch("sinks.stream.Stream.consumer", _from_what_is_left),
    ),
    "the brake": (Patch("sinks.brake.Brake.check", always(None)),),
    "the mark in Splynx": (Patch("sinks.runner.check_epoch", always_soon(list)),),
    "rows that carry Sonar ids are adopted only when asked": (
        Patch("sinks.runner.unknown_rows", always_soon(dict)),
        Patch("sinks.runner.check_epoch", always_soon(list)),
        Patch("sinks.runner.check_rebuilt", always_soon(list)),
    ),
    "a partition that stands still is noticed": (Patch("plumbing.standstill.Standstill.stuck", always([])),),
    "no more is taken from the topics than is written together": (Patch("sinks.stream.Stream.poll", _all_there_is),),
    "a text is written as its column holds it": (
        Patch("sinks.payment_rows.storable", lambda _: lambda value, charset: value),
    ),
    "a deposit moves by differences": (Patch("sinks.payments.add_deposits", _summed_up),),
    "a statement is as long as the server takes": (Patch("clients.mysql._parts", lambda _: lambda texts, _: [texts]),),
    "a letter stays told until what it is about is committed": (Patch("sinks.letters.DeadLetters.forget", _every_one),),
    "a user's limit of connections passes": (Patch("clients.mysql_errors._GONE", lambda real: real - {1226}),),
    "the arrival of a parent wakes its children": (Patch("sinks.store.Ledger.wake", always_soon(lambda: 0)),),
}
