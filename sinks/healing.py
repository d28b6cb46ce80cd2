"""What became of calls whose answer was lost, found out by whoever writes a partition next."""

import asyncio
import os
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import structlog

from clients.mysql import Database, Transaction
from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing
from plumbing import metrics
from plumbing.errors import Action, SyncError
from schemas.aggregate import Target
from schemas.ledger import DONE, LIVE, LOST
from sinks.beside import Beside
from sinks.bodies import same
from sinks.errors import RowMissing
from sinks.handles import HEAL_PAUSE_SECONDS, Handles
from sinks.rest import RestRecords
from sinks.rest_documents import Making, RestDocuments
from sinks.store import Intent, JournalEntry, Ledger, dumped
from sinks.tables.intents import BESIDE
from sinks.threeway import came_through, flat
from sinks.undo import REDO, UNDO
from sinks.undo_rows import image_of_done

log = structlog.get_logger("sink")


def _entry(intent: Intent, target_id: int, action: str, before: Any, undoes: int | None = None) -> JournalEntry:
    return JournalEntry(intent.entity, intent.key, target_id, action, before, intent.sequence, undoes, by=intent.run)


class Healing:
    """Takes partitions, and closes the intents that it finds open there."""

    def __init__(
        self, client: SplynxClient, db: Database, ledger: Ledger, rest: RestRecords, targets: Mapping[str, Target]
    ) -> None:
        self._client, self._db, self._ledger, self._targets = client, db, ledger, targets
        self._handles, self._beside = Handles(client), Beside(client, db, ledger, rest, targets)
        self._documents = RestDocuments(client, db, ledger, rest, targets)

    async def take(self, partitions: Iterable[int], who: str = "") -> dict[int, int]:
        """Become the writer of partitions: nobody else commits there from now on; `{partition: token}`."""
        owner = f"{who} {os.uname().nodename}:{os.getpid()}".strip()[:64]
        async with self._db.transaction() as tx:
            return {one: await self._ledger.take(tx, one, owner) for one in sorted(set(partitions))}

    async def heal_all(self, tokens: Mapping[int, int], but: Collection[str] = ()) -> int:
        """Find out about all open calls of these partitions, `{partition: token}`; how many there were.

        `but`: aggregates whose calls stay open, for Splynx shows nothing of them now.

        Raises:
            Fenced, CutOver: another writer took over meanwhile, or nobody writes any more.
        """
        tokens = dict(tokens)  # a partition may go away meanwhile
        async with self._db.session() as tx:
            intents = await self._ledger.open_intents(tx, tokens)
            # While Splynx is away no round comes to its end, at which this is counted, too.
            metrics.OPEN_INTENTS.set(await self._ledger.unfinished(tx))
        # Promises last: what they wait for is among the calls.
        for intent in sorted(intents, key=lambda one: one.method == BESIDE):
            if intent.aggregate not in but:
                await self.heal(intent, tokens[intent.partition])
        return len(intents)

    async def heal(self, intent: Intent, token: int) -> int | None:
        """What became of a call whose answer was lost. Waits until its deadline and the settle time are over.

        A creation is searched for meanwhile, unless it has no `sonar_id`: then it is looked for by its natural key
        before it is made again. The row found is entered in the crosswalk with an empty hash, so that its bundle, when
        one comes, is compared with it in full: it may be a newer one, which wants another row, or none. A change needs
        no search: its row is read before it is changed again, for its hash is forgotten. But what it did is entered in
        the journal, which would else know nothing of it, with what the row was before.

        Raises:
            Fenced, CutOver: `token` is not that of the partition any more, or nobody writes.
        """
        if intent.method == BESIDE:
            await self._put_back(intent, token)
            return None
        settled = intent.latest + self._client.settings.settle_seconds
        while True:
            found = await self._find(intent)
            wait = settled - time.monotonic()
            if found is not None or wait <= 0:
                break
            await asyncio.sleep(min(wait, HEAL_PAUSE_SECONDS))
        row = await self._row(intent)
        async with self._db.transaction() as tx:
            await self._ledger.hold(tx, {intent.partition: token})
            if found is not None:
                await self._enter(tx, intent, found)
            if row is not None:
                await self._see_what_was_done(tx, intent, row)
            if intent.method == "PUT":
                await self._doubt(tx, intent)
            await self._ledger.close_intent(tx, intent.id, DONE if found is not None else LOST)
        return found

    async def _find(self, intent: Intent) -> int | None:
        """The row that a creation made; None where there is none yet, or nothing to search by."""
        target = self._targets[intent.entity]
        if intent.method != "POST":
            return None
        if handle := _made(intent).handle:
            return await self._documents.find(target, handle)
        return None if target.module is None else await self._handles.find(target, intent.key, {})

    async def _enter(self, tx: Transaction, intent: Intent, found: int) -> None:
        """Enter a row that was made, unless the ledger has it, or what came after it. Its run takes it back."""
        made = _made(intent)
        known = await self._ledger.known_record(tx, (intent.entity, intent.key))
        if known is not None and known.revision >= made.revision:
            return
        owner = (intent.aggregate, intent.sonar_id)
        entered = (found, "", intent.sequence, made.state, made.revision, dumped(made.kept))
        await self._ledger.put_crosswalk(tx, [(intent.entity, intent.key, *owner, *entered)])
        await self._ledger.journal(tx, [_entry(intent, found, made.action, made.before, made.undoes)])
        # Its bundle is no longer taken for written.
        if made.action.startswith((UNDO, REDO)):
            await self._ledger.mark_rolled_back(tx, [owner])
        else:
            await self._ledger.doubt_outcome(tx, owner)

    async def _doubt(self, tx: Transaction, intent: Intent) -> None:
        """Have a row that a call may have changed compared in full, even if what comes next was written before it."""
        owner = (intent.aggregate, intent.sonar_id)
        await self._ledger.forget_hash(tx, (intent.entity, intent.key))
        state = (await self._ledger.states(tx, [owner])).get(owner)
        if state is not None and state.sequence == intent.sequence:
            # Of rules that are mended again, or of a rollback that was not gone on with: what comes may be an equal.
            if intent.action.startswith((UNDO, REDO)):
                await self._ledger.mark_rolled_back(tx, [owner])
            else:
                await self._ledger.doubt_outcome(tx, owner)

    async def _row(self, intent: Intent) -> Mapping[str, Any] | None:
        """The row that a change was about, as it is now; None where it is gone, or others enter what was done."""
        if intent.before is None or intent.target_id is None:
            return None
        try:
            return await self._client.get(*await self._handles.item(self._targets[intent.entity], intent.target_id, {}))
        except (RecordMissing, RowMissing):
            return None

    async def _see_what_was_done(self, tx: Transaction, intent: Intent, row: Mapping[str, Any]) -> None:
        """Enter what a change did, as it was before, and what the row has by it of values that Splynx takes once only.

        Edits in what it did not do are not overwritten.
        """
        assert intent.sent is not None
        assert intent.before is not None
        assert intent.target_id is not None
        image = image_of_done(intent.sent, intent.before, row, whole=self._targets[intent.entity].money)
        if image:
            await self._ledger.journal(tx, [_entry(intent, intent.target_id, intent.action, image)])
        done = came_through([intent.sent], row, same)
        key, (run_id, _) = (intent.entity, intent.key), intent.run
        await self._ledger.not_overwritten(tx, key, intent.sequence, run_id, flat(intent.sent).keys() - done)
        once = {name: intent.sent[name] for name in done.intersection(self._targets[intent.entity].once)}
        known = await self._ledger.known_record(tx, key, lock=True) if once else None
        if known is not None:
            # Who stands aside is brought back when it cannot be written, and only the ledger tells that it does.
            now = (known.target_id, "", known.sequence, known.state, known.revision, dumped(known.document | once))
            await self._ledger.put_crosswalk(tx, [(*key, intent.aggregate, intent.sonar_id, *now)])

    async def _put_back(self, intent: Intent, token: int) -> None:
        try:
            await self._beside.heal(intent, token)
        except SyncError as exc:
            if exc.action in (Action.RETRY, Action.HALT):
                raise
            # Splynx does not take it. The other calls are healed all the same; reconciliation names the difference.
            log.warning("sink.not_put_back", entity=intent.entity, record=intent.key, error=exc.code)


def _made(intent: Intent) -> Making:
    """What is to be entered of the row that a creation made."""
    return Making(**intent.sent) if intent.sent else Making({}, 0, LIVE, "create", {}, None)
