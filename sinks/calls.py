"""Calls that write over REST: an intent is committed before each, and says afterwards what became of it.

A call is not sent after its deadline, and Splynx is done with it a settle time later. So whoever comes after a call
whose answer was lost waits that long, and then finds all that it did.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from clients.mysql import Database, Transaction
from clients.splynx_errors import SplynxUnreachable
from plumbing.errors import SyncError
from schemas.ledger import DONE, REFUSED
from sinks.entries import Entries, Owner
from sinks.plan import Step
from sinks.store import Ledger
from sinks.threeway import Told


@dataclass
class Call:
    """A call that may be sent until `latest`, an instant of the monotonic clock."""

    intent: int
    latest: float
    answer: str = ""
    """What the ledger keeps of Splynx's answer."""

    def hear(self, status: int) -> None:
        """It succeeded, with this HTTP status."""
        self.answer = str(status)


class Calls:
    """Begins and ends calls. `patience_seconds`: how long one may take."""

    def __init__(self, db: Database, ledger: Ledger, patience_seconds: float) -> None:
        self._db, self._ledger, self._entries = db, ledger, Entries(ledger)
        self._patience = patience_seconds

    @asynccontextmanager
    async def begun(
        self,
        method: str,
        step: Step,
        owner: Owner,
        target_id: int | None = None,
        sent: Mapping[str, Any] | None = None,
        action: str = "",
        before: Mapping[str, Any] | None = None,
        told: Sequence[Told] = (),
    ) -> AsyncIterator[Call]:
        """The right to send one call in this block; `target_id`: the row that it changes, `sent`: what it changes, or
        what is entered of what it makes. `action`, `before`: what the journal is to hold of a change; whoever finds out
        that it was done enters that. `told`: edits in the row, kept with the intent; what the call was to overwrite
        waits for a decision again when it surely was not done.

        The intent stays open when the block ends well, for `done` belongs into the transaction that keeps what was
        written. It stays open, too, when nobody knows what happened. An answer that refuses closes it.

        Raises:
            Fenced, CutOver, Overtaken, NameShared: nothing may be sent.
        """
        latest = time.monotonic() + self._patience  # before the server sets the deadline, so never behind it
        async with self._db.transaction() as tx:
            await self._entries.may_write(tx, owner)
            if target_id is not None:
                await self._entries.not_shared(tx, step, target_id)
            intent = await self._ledger.begin(
                tx,
                key=(step.target.entity, step.key),
                owner=(owner.aggregate, owner.sonar_id),
                sequence=owner.sequence,
                method=method,
                partition=owner.partition,
                token=owner.token,
                patience=timedelta(seconds=self._patience),
                target_id=target_id,
                sent=sent,
                action=action,
                before=before,
            )
            if target_id is not None:
                await self._entries.tell(tx, (step.target.entity, step.key), owner, target_id, told)
        call = Call(intent, latest)
        try:
            async with self._db.session() as tx:
                await self._entries.nobody_else(tx, owner, (step.target.entity, step.key), step.known, begun=True)
            yield call
        except SyncError as exc:
            call.answer = f"{exc.code}: {exc}"
            if isinstance(exc, SplynxUnreachable) and not exc.nothing_happened:
                async with self._db.session() as tx:
                    await self._ledger.give_up(tx, intent, call.answer)
            else:
                async with self._db.transaction() as tx:
                    key, fields = (step.target.entity, step.key), [one.field for one in told]
                    await self._ledger.not_overwritten(tx, key, owner.sequence, self._ledger.run_id, fields)
                    await self._ledger.close_intent(tx, intent, REFUSED, call.answer)
            raise

    async def close(self, call: Call, state: str) -> None:
        """What became of a call."""
        async with self._db.session() as tx:
            await self._ledger.close_intent(tx, call.intent, state, call.answer)

    async def done(self, tx: Transaction, call: Call) -> None:
        """Splynx did it, as this transaction keeps."""
        await self._ledger.close_intent(tx, call.intent, DONE, call.answer)
