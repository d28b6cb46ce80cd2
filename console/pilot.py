"""What changed rules take in or leave out: the bundles of now against those that the sink applied last."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from clients.mysql import Database
from console.replay_bundles import Key, Mapped
from plumbing.settings import Settings
from processors.context import Context
from processors.transform import DeadLetter
from schemas.aggregate import Aggregate
from schemas.bundle import Bundle, bundle_hash
from schemas.catalogue import aggregate
from schemas.ledger import LIVE
from schemas.topics import Topics
from sinks.plan import AggregateState, Known
from sinks.store import Ledger
from sinks.stream import Stream


def left_out(one: Aggregate) -> str:
    """The hash of the bundle of what is not carried: every kind of record is left out of the comparison."""
    return bundle_hash(Bundle(records={target.entity: None for target in one.targets}))


def enters(now: str, state: AggregateState | None, none: str) -> bool:
    """Whether rules take in what older ones left out. `now`: the hash of its bundle; `none`: see `left_out`.

    What the ledger has not seen is on its way anyway.
    """
    return state is not None and state.hash == none != now


def leaves(now: str, known: Sequence[Known], none: str) -> bool:
    """Whether rules leave out what is in Splynx: it stays there as it is, and is followed no more."""
    return now == none and any(one.state == LIVE for one in known)


class Pilot:
    """Sorts bundles of now by what the ledger says of them; counts them by aggregate."""

    def __init__(self, settings: Settings, context: Context, db: Database, ledger: Ledger) -> None:
        self._topics, self._db, self._ledger = Topics(settings.instance), db, ledger
        self._intake = Stream(settings, context.registry).intake
        self.entering: dict[str, set[int]] = {}
        """`{aggregate: Sonar ids}`"""
        self.leaving: Counter[str] = Counter()
        """`{aggregate: how many}`"""

    @staticmethod
    @asynccontextmanager
    async def open(settings: Settings, context: Context) -> AsyncIterator["Pilot"]:
        """Against the ledger as it is now; nothing is written.

        Raises:
            DependencyUnreachable, DependencyRefused: the ledger's database.
        """
        async with Database(settings.ledger_db) as db:
            yield Pilot(settings, context, db, Ledger(db.name, run_id=""))

    async def look(self, page: Sequence[Mapped]) -> None:
        """Sort one page. What the rules refuse is neither."""
        found: dict[Key, str] = {}
        for one in page:
            at = one.stored.at
            if isinstance(one.result, DeadLetter):
                continue
            topic, raw = self._topics.splynx(at.aggregate), one.stored.key or b""
            bundle = self._intake.delivery(topic, at.partition, at.offset, raw, one.result.value).bundle
            if bundle is not None and not bundle.bundle.deleted:
                found[one.key] = bundle.hash
        async with self._db.session() as tx:
            if not await self._ledger.exists(tx):
                return
            states, known = await self._ledger.states(tx, found), await self._ledger.known(tx, found)
        for key, now in found.items():
            none = left_out(aggregate(key[0]))
            if enters(now, states.get(key), none):
                self.entering.setdefault(key[0], set()).add(key[1])
            elif leaves(now, known.get(key, ()), none):
                self.leaving[key[0]] += 1

    def has(self, key: Key) -> bool:
        """Whether it was left out before, and no longer is."""
        return key[1] in self.entering.get(key[0], ())
