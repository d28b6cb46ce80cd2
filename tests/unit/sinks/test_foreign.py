"""Labels that the ISP's staff gave stay, and what is ours is looked up once in a batch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from clients.mysql import Database, Transaction
from sinks.entries import Owner
from sinks.foreign import Foreign
from sinks.jobs import Job
from sinks.paths import Paths
from sinks.plan import Step, Verb
from sinks.rest import RestRecords
from sinks.store import Ledger
from tests.unit.sinks.records import AGGREGATE, PERSON


class Kept:
    """A ledger that has labels 1 and 2, and its database; both are slow, and looks are counted."""

    looks = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Transaction]:
        yield cast("Transaction", None)

    async def ids_of(self, tx: Transaction, entity: str) -> dict[str, int]:
        assert entity == "label"
        self.looks += 1
        await asyncio.sleep(0)
        return {"group:1": 1, "group:2": 2}


def _foreign(kept: Kept) -> Foreign:
    return Foreign(cast("Database", kept), cast("Ledger", kept))


async def _kept(foreign: Foreign, ours: list[int], theirs: list[int]) -> Any:
    body = {"customer_labels": ours}
    await foreign.keep({"customer_labels": "label"}, body, {"customer_labels": theirs})
    return body["customer_labels"]


async def test_what_others_gave_stays_and_what_sonar_no_longer_has_goes() -> None:
    foreign = _foreign(Kept())
    assert await _kept(foreign, [1], [2, 9]) == [1, 9]
    assert await _kept(foreign, [], [2, 9]) == [9]


async def test_many_customers_of_a_batch_need_one_look() -> None:
    kept = Kept()
    foreign = _foreign(kept)
    assert await asyncio.gather(*(_kept(foreign, [1], [n]) for n in range(10, 30))) == [[1, n] for n in range(10, 30)]
    assert kept.looks == 1


class Records:
    """Of REST: what would be written, and what was looked up for it."""

    def __init__(self, foreign: Foreign) -> None:
        self.begin = foreign.forget
        self._foreign = foreign

    async def write(self, step: Step, owner: Owner) -> bool:
        await _kept(self._foreign, [1], [9])
        return True


async def test_each_batch_looks_anew() -> None:
    kept = Kept()
    records = cast("RestRecords", Records(_foreign(kept)))
    paths = Paths(
        leaving=asyncio.Event(),
        ledger=cast("Ledger", kept), rest=records, payments=None, targets={}, rank={AGGREGATE.name: 0},
        disposable=False, concurrency=4,
    )  # fmt: skip
    jobs = [
        Job(Step(Verb.CREATE, PERSON, str(n), "", {}, None), Owner(AGGREGATE.name, n, 1, 0, 1), "t", n)
        for n in range(5)
    ]
    for batch in (1, 2):
        assert len(await paths.rest_results([[job] for job in jobs])) == 5
        assert kept.looks == batch
