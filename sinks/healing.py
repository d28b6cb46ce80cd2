"""What became of calls whose answer was lost, found out by whoever writes a partition next."""

import asyncio
import os
import time
from collections.abc import Iterable, Mapping

import structlog

from clients.mysql import Database
from clients.splynx import SplynxClient
from plumbing.errors import Action, SyncError
from schemas.aggregate import Target
from schemas.ledger import DONE, LIVE, LOST
from sinks.beside import BESIDE, Beside
from sinks.handles import HEAL_PAUSE_SECONDS, Handles
from sinks.rest import RestRecords
from sinks.store import Intent, Ledger

log = structlog.get_logger("sink")


class Healing:
    """Takes partitions, and closes the intents that it finds open there."""

    def __init__(
        self, client: SplynxClient, db: Database, ledger: Ledger, rest: RestRecords, targets: Mapping[str, Target]
    ) -> None:
        self._client, self._db, self._ledger, self._targets = client, db, ledger, targets
        self._handles, self._beside = Handles(client), Beside(client, db, ledger, rest, targets)

    async def take(self, partitions: Iterable[int], who: str = "") -> dict[int, int]:
        """Become the writer of partitions: nobody else commits there from now on; `{partition: token}`."""
        owner = f"{who} {os.uname().nodename}:{os.getpid()}".strip()[:64]
        async with self._db.transaction() as tx:
            return {one: await self._ledger.take(tx, one, owner) for one in sorted(set(partitions))}

    async def heal_all(self, tokens: Mapping[int, int]) -> int:
        """Find out about all open calls of these partitions, `{partition: token}`; how many there were.

        Raises:
            Fenced, CutOver: another writer took over meanwhile, or nobody writes any more.
        """
        tokens = dict(tokens)  # a partition may go away meanwhile
        async with self._db.session() as tx:
            intents = await self._ledger.open_intents(tx, tokens)
        # Promises last: what they wait for is among the calls.
        for intent in sorted(intents, key=lambda one: one.method == BESIDE):
            await self.heal(intent, tokens[intent.partition])
        return len(intents)

    async def heal(self, intent: Intent, token: int) -> int | None:
        """What became of a call whose answer was lost. Waits until its deadline and the settle time are over.

        A creation is searched for meanwhile, unless it has no `sonar_id`: then it is looked for by its natural key
        before it is made again. The row found is entered in the crosswalk with an empty hash, so that its bundle, which
        comes again, is compared with it in full. A change needs no search: its row is read before it is changed again.

        Raises:
            Fenced, CutOver: `token` is not that of the partition any more, or nobody writes.
        """
        if intent.method == BESIDE:
            await self._put_back(intent, token)
            return None
        target = self._targets[intent.entity]
        searched = intent.method == "POST" and target.module is not None
        settled = intent.latest + self._client.settings.settle_seconds
        while True:
            found = await self._handles.find(target, intent.key, {}) if searched else None
            wait = settled - time.monotonic()
            if found is not None or wait <= 0:
                break
            await asyncio.sleep(min(wait, HEAL_PAUSE_SECONDS))
        async with self._db.transaction() as tx:
            await self._ledger.hold(tx, {intent.partition: token})
            if found is not None and await self._ledger.known_record(tx, (intent.entity, intent.key)) is None:
                await self._ledger.put_crosswalk(
                    tx,
                    [
                        (
                            intent.entity, intent.key, intent.aggregate, intent.sonar_id, found, "", intent.sequence,
                            LIVE, 0, "{}",
                        )
                    ],
                )  # fmt: skip
            await self._ledger.close_intent(tx, intent.id, DONE if found is not None else LOST)
        return found

    async def _put_back(self, intent: Intent, token: int) -> None:
        try:
            await self._beside.heal(intent, token)
        except SyncError as exc:
            if exc.action in (Action.RETRY, Action.HALT):
                raise
            # Splynx does not take it. The other calls are healed all the same; reconciliation names the difference.
            log.warning("sink.not_put_back", entity=intent.entity, record=intent.key, error=exc.code)
