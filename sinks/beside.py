"""What Splynx changes beside a document that is made over REST, and is put back: who pays is blocked no more.

An intent of its own is committed before the document is sent, and stays open until the record is as before. So a crash
in between, or a lost answer, leaves nobody active whom Sonar calls blocked: whoever comes after puts it back.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from clients.mysql import Database
from clients.splynx import SplynxClient
from plumbing.errors import Action, SyncError
from schemas.aggregate import Disturbed, Target
from schemas.ledger import DONE, LIVE, LOST
from sinks.entries import Entries, Owner
from sinks.handles import HEAL_PAUSE_SECONDS, Handles, endpoint_of
from sinks.plan import Document, Known, Step, Verb
from sinks.rest import RestRecords
from sinks.store import Intent, Key, Ledger
from sinks.tables.intents import BESIDE


@dataclass(frozen=True)
class _Promise:
    intent: int
    key: Key
    disturbed: Disturbed


class Beside:
    """Puts back, for the targets that disturb others."""

    def __init__(
        self, client: SplynxClient, db: Database, ledger: Ledger, rest: RestRecords, targets: Mapping[str, Target]
    ) -> None:
        self._client, self._db, self._ledger, self._rest, self._targets = client, db, ledger, rest, targets
        self._entries, self._handles = Entries(ledger), Handles(client)
        self._turns: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def as_before(self, step: Step, body: Document, kept: Document, owner: Owner) -> AsyncIterator[None]:
        """Make a document in this block; at its end the record that it refers to is as it was.

        `kept`: the document with its references. Two documents of one customer wait for each other: the second would
        else see what the first one changed, take it for somebody's, and leave it so.
        """
        disturbed = step.target.disturbs
        ref = None if disturbed is None else kept.get(disturbed.reference)
        if disturbed is None or not isinstance(ref, Mapping):
            yield
            return
        key = (str(ref["entity"]), str(ref["key"]))
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            promise = await self._promised(step, key, disturbed, body, owner)
            try:
                yield
            except SyncError as exc:
                if promise is not None:
                    if exc.action in (Action.RETRY, Action.HALT):
                        await self._let_go(promise, step, owner)
                    else:
                        await self._put_back(promise, owner)
                raise
            if promise is not None:
                await self._put_back(promise, owner)

    async def heal(self, intent: Intent, token: int) -> None:
        """Keep a promise that was left behind, if the document came to be. Waits until it cannot come any more.

        Raises:
            Fenced, CutOver: `token` is not that of the partition any more, or nobody writes.
        """
        disturbed, told = self._targets[intent.entity].disturbs, intent.sent or {}
        settled = intent.latest + self._client.settings.settle_seconds
        while True:
            made = await self._handles.find(self._targets[intent.entity], intent.key, told["document"])
            wait = settled - time.monotonic()
            if made is not None or wait <= 0:
                break
            await asyncio.sleep(min(wait, HEAL_PAUSE_SECONDS))
        aggregate = (intent.aggregate, intent.sonar_id)
        async with self._db.transaction() as tx:
            await self._ledger.hold(tx, {intent.partition: token})
            state = (await self._ledger.states(tx, [aggregate])).get(aggregate)
            if made is None or disturbed is None:
                await self._ledger.close_intent(tx, intent.id, LOST)
                return
        # Whatever came after it: the promise is about what this document did.
        sequence = intent.sequence if state is None else max(intent.sequence, state.sequence)
        entity, key = told["beside"]
        owner = Owner(*aggregate, sequence, intent.partition, token)
        await self._put_back(_Promise(intent.id, (entity, key), disturbed), owner)

    async def _promised(
        self, step: Step, key: Key, disturbed: Disturbed, body: Document, owner: Owner
    ) -> _Promise | None:
        """None where Splynx will change nothing of it, or somebody edited it: that is told with its own record."""
        known = await self._known(key, disturbed)
        if known is None:
            return None
        row = await self._client.get(endpoint_of(self._targets[known.entity]), known.target_id)
        if row.get(disturbed.field) != disturbed.value:
            return None
        told = {"beside": key, "document": {name: body[name] for name in step.target.natural_key}}
        async with self._db.transaction() as tx:
            await self._entries.may_write(tx, owner)
            intent = await self._ledger.begin(
                tx,
                key=(step.target.entity, step.key),
                owner=(owner.aggregate, owner.sonar_id),
                sequence=owner.sequence,
                method=BESIDE,
                partition=owner.partition,
                token=owner.token,
                # The document's own call begins a little later: its deadline is behind by no more than this.
                patience=timedelta(seconds=2 * self._client.settings.timeout_seconds),
                sent=told,
            )
        return _Promise(intent, key, disturbed)

    async def _let_go(self, promise: _Promise, step: Step, owner: Owner) -> None:
        """Forget a promise whose document was not even sent: nobody waits for that to come.

        Perhaps it was made. When it is tried again, or by the next owner, the promise is looked at first.
        """
        async with self._db.session() as tx:
            key = (step.target.entity, step.key)
            if not await self._ledger.perhaps_made(tx, key, owner.partition, promise.intent):
                await self._ledger.close_intent(tx, promise.intent, LOST)

    async def _known(self, key: Key, disturbed: Disturbed) -> Known | None:
        """The record, if it is to be so by what was written last."""
        async with self._db.session() as tx:
            known = await self._ledger.known_record(tx, key)
        is_so = known is not None and known.state == LIVE and known.document.get(disturbed.field) == disturbed.value
        return known if is_so else None

    async def _put_back(self, promise: _Promise, owner: Owner) -> None:
        disturbed, call = promise.disturbed, None
        try:
            known = await self._known(promise.key, disturbed)
            if known is not None:
                target = self._targets[known.entity]
                item = (endpoint_of(target), known.target_id)
                row: Mapping[str, Any] = await self._client.get(*item)
                # Another value is somebody's, who was quicker.
                if row.get(disturbed.field) == disturbed.becomes:
                    step = Step(Verb.CHANGE, target, known.key, known.hash, known.document, known)
                    sent = {disturbed.field: disturbed.value}
                    call = await self._rest.put(step, owner, known.target_id, item, sent)
        except SyncError as exc:
            if exc.action not in (Action.RETRY, Action.HALT):
                # Splynx does not take it: told with the document, and again when the record is compared.
                async with self._db.session() as tx:
                    await self._ledger.close_intent(tx, promise.intent, LOST)
            raise
        async with self._db.transaction() as tx:
            await self._rest.done(tx, call)
            await self._ledger.close_intent(tx, promise.intent, DONE)
