"""Statements about many rows name them in one order, so that writers beside each other wait and do not deadlock."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, cast

import pytest

from clients.mysql import Transaction
from sinks.deposits import add_deposits, lock_deposits
from sinks.payment_rows import live_rows
from sinks.store import Ledger

LEDGER = Ledger("ledger", "run")
SHUFFLED = [5, 300, 1, 42, 7, 1000, 8]
CENT = Decimal("0.01")
KEYS = [f"{number:04}" for number in SHUFFLED]


class Asked:
    """What a transaction is asked: of each statement its rows' or values' keys, as the server meets them."""

    def __init__(self) -> None:
        self.statements: list[list[Any]] = []

    async def insert_many(self, sql: str, rows: Sequence[Any]) -> None:
        self.statements.append([row[1] for row in rows])

    async def execute(self, sql: str, values: Sequence[Any]) -> None:
        # Of `WHEN customer THEN difference` pairs and the customers behind them only these.
        self.statements.append([one for one in values if one != "one"][-len(SHUFFLED) :])

    async def fetch(self, sql: str, values: Sequence[Any]) -> list[Any]:
        self.statements.append([one for one in values if one != "one"])
        return []

    async def fetch_one(self, sql: str, values: Sequence[Any]) -> None:
        """Nothing is there, so that more is asked."""
        await self.fetch(sql, values)


def _rows(width: int, *, numbered: bool) -> list[tuple[Any, ...]]:
    keys = SHUFFLED if numbered else KEYS
    return [("one", key, *[0] * (width - 2)) for key in keys]


@pytest.mark.parametrize(
    "asking",
    [
        pytest.param(lambda tx: live_rows(tx, SHUFFLED, lock=True), id="payments that are there"),
        pytest.param(lambda tx: lock_deposits(tx, set(SHUFFLED)), id="deposits that are locked"),
        pytest.param(lambda tx: add_deposits(tx, dict.fromkeys(SHUFFLED, CENT)), id="deposits that are changed"),
        pytest.param(lambda tx: LEDGER.put_crosswalk(tx, _rows(10, numbered=False)), id="crosswalk"),
        pytest.param(lambda tx: LEDGER.put_aggregates(tx, _rows(7, numbered=True)), id="aggregates"),
        pytest.param(lambda tx: LEDGER.enter_aggregates(tx, _rows(7, numbered=True)), id="new aggregates"),
        pytest.param(lambda tx: LEDGER.states(tx, [("one", n) for n in SHUFFLED], lock=True), id="aggregates locked"),
        pytest.param(lambda tx: LEDGER.put_held(tx, _rows(15, numbered=False)), id="held records"),
        pytest.param(lambda tx: LEDGER.drop_held(tx, [("one", key) for key in KEYS]), id="records held no longer"),
    ],
)
async def test_rows_are_named_in_the_order_of_their_keys(asking: Callable[[Transaction], Awaitable[None]]) -> None:
    asked = Asked()
    await asking(cast(Transaction, asked))
    assert asked.statements
    assert all(keys in (sorted(SHUFFLED), sorted(KEYS)) for keys in asked.statements)
