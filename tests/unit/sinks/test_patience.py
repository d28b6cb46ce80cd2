"""What is parked is given up after a while; not while a guard of Splynx keeps what it waits for from coming."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.catalogue import TARGETS
from sinks.tables.held import HELD
from sinks.waiting import Waiting

NOON = datetime(2026, 5, 1, 12)  # noqa: DTZ001 - as the ledger's columns keep an instant
NOTHING = frozenset[str]()


class Kept:
    """A ledger that holds one parked payment, its database, and the letters of it: all in one."""

    def __init__(self) -> None:
        self.clock = NOON
        values = {"entity": "payment", "record_key": "1", "aggregate": "payment", "since": NOON, "partition_no": 0}
        self.parked: list[dict[str, Any]] = [dict.fromkeys(HELD) | values]
        self.given_up: list[str] = []

    def now(self) -> datetime:
        return self.clock

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        yield None

    transaction = session

    async def wake(self, tx: None) -> int:
        return 0

    async def states(self, tx: None, keys: Any) -> dict[Any, Any]:
        return {}

    known = states

    async def held(
        self, tx: None, state: str, partitions: Any, limit: int, *, but: Any = (), behind: int = 0
    ) -> list[dict[str, Any]]:
        return [row for row in self.parked if state == "parked" and row["aggregate"] not in but]

    async def hold(self, tx: None, tokens: Any) -> None:
        return None

    async def still_parked(self, tx: None, rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
        return {(row["entity"], row["record_key"]) for row in rows}

    async def retried(self, work: Callable[[None], Awaitable[None]]) -> None:
        await work(None)

    async def put_held(self, tx: None, rows: list[tuple[Any, ...]]) -> None:
        self.given_up += [row[1] for row in rows]

    def add(self, **_: Any) -> None:
        return None

    async def flush(self) -> None:
        return None


async def settled(kept: Kept, waiting: Waiting, *, after_hours: float) -> list[str]:
    """What is given up so many hours after it was parked."""
    kept.clock = NOON + timedelta(hours=after_hours)
    await waiting.settle()
    return kept.given_up


def made(kept: Kept, monkeypatch: Any) -> Waiting:
    async def no_chains(*_: Any) -> dict[Any, Any]:
        return {("payment", "1"): []}

    monkeypatch.setattr("sinks.waiting.chains", no_chains)
    parts: Any = kept
    return Waiting(
        db=parts, ledger=parts, paths=parts, letters=parts, targets=TARGETS, tokens={0: 1}, patience=timedelta(hours=24)
    )


async def test_a_record_that_waits_too_long_is_given_up(monkeypatch: Any) -> None:
    kept = Kept()
    waiting = made(kept, monkeypatch)
    assert await settled(kept, waiting, after_hours=24) == []
    assert await settled(kept, waiting, after_hours=24.1) == ["1"]


@pytest.mark.parametrize("topic", ["payment", "account"])
async def test_nothing_is_given_up_while_a_topic_stands_still_and_patience_begins_anew(
    monkeypatch: Any, topic: str
) -> None:
    """Its own, or that of what it waits for."""
    kept = Kept()
    waiting = made(kept, monkeypatch)
    waiting.pause(frozenset({topic}))
    assert await settled(kept, waiting, after_hours=40) == []
    waiting.pause(frozenset({topic}))
    waiting.pause(NOTHING)  # at 40 hours
    assert await settled(kept, waiting, after_hours=64) == []
    assert await settled(kept, waiting, after_hours=64.1) == ["1"]
