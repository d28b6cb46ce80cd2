"""Values at the edge of what a column may hold: each lies on the topics as Sonar has it, or its row is set aside."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from sandbox.sonar.declarations import Column
from sandbox.sonar.types import SERVED
from sandbox.world.populate import populate
from schemas.catalogue import aggregate
from tests.faults.capture_town import MeddledClient
from tests.faults.seeds import seeds
from tests.unit.producers.folding import differences, expected
from tests.unit.producers.scene import Scene
from tests.unit.sandbox_sonar.shop import Desk

AGGREGATES = [aggregate(name) for name in ("account", "payment", "debit", "tax", "network_site", "data_usage")]
KINDS = ("Account", "Contact", "Payment", "Debit", "Tax", "Address", "NetworkSite", "DataUsageHistory")
TEXTS = (
    "", "null", "NULL", "None", "0", "false", " both ends ", "trailing  ", "\t", "two\nlines\r\n", "\U0001f600 Ada",
    "e\u0301 is not \u00e9", "\u202eabc", "a\u0000b", "O'Neil \\ \"x\"", "\U00020000" * 70, "1e3", "0000-00-00",
)  # fmt: skip
"""Empty, what looks like nothing, blanks, four bytes to a character, what SQL and JSON escape."""
WHOLES = (0, -1, 2**31 - 1, -(2**31))
"""Money is one of these, a negative balance too."""
LONG = (*WHOLES, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63))
"""Bytes that were used: what no binary float of 64 bits can hold."""
FRACTIONS = (0.1 + 0.2, 8.375, -0.0, 0.005, 1e-7, 2.675, 1.005, 100.0, 33.333333333333336)
"""Sums of tenths, taxes of three decimals, halves that round either way."""
VALUES: dict[str, Sequence[Any]] = {
    "String": TEXTS, "Text": TEXTS, "Int": WHOLES, "Int64Bit": LONG, "Float": FRACTIONS,
    "Latitude": (-0.0, 89.9999999, 1e-7), "Longitude": (-179.9999999, 1e-7),
}  # fmt: skip


class Office(Scene):
    """An invented ISP of two accounts, over a line that a test may meddle with."""

    def __init__(self, seed: int) -> None:
        desk = Desk()
        populate(desk.store, seed=seed, accounts=2, full=True)
        desk.clock.tick(3600)
        super().__init__(page_size=20, desk=desk, aggregates=AGGREGATES)
        self.random = random.Random(seed)
        self.client = MeddledClient(desk)
        self.restart()

    def _values(self, column: Column) -> Sequence[Any]:
        found = VALUES.get(column.scalar, ()) if not column.listed else ()
        return found if column.required or not found else [*found, None]

    def unsettle(self) -> int:
        """Give rows of each kind other values, each column but references by chance; how many were written."""
        written = 0
        for name in KINDS:
            kind, table = SERVED.types[name], self.desk.store.table(name)
            plain = [one for one in kind.columns.values() if not one.name.endswith(("_id", "_type", "_at", "_version"))]
            plain = [one for one in plain if one.name != "id"]
            for id in self.random.sample(sorted(table), min(3, len(table))):
                chosen = [one for one in plain if self._values(one) and self.random.random() < 0.7]
                values = {one.name: self.random.choice(self._values(one)) for one in chosen}
                self.desk.store.update(name, id, **values)
                written += len(values)
        return written

    async def follow(self) -> None:
        for _ in range(2):
            self.desk.clock.tick(60)
            await self.following.poll()

    def assert_as_sonar_has_it(self) -> None:
        """Every field of every row.

        Raises:
            AssertionError: with the paths of those that are other ones.
        """
        for one in AGGREGATES:
            wanted, found = expected(self.desk.store, one), self.folded(one.name)
            assert found.keys() == wanted.keys()
            paths = [f"{one.name} {id}{path}" for id in wanted for path in differences(wanted[id], found[id])]
            assert paths == []


@pytest.mark.fault(29)
@seeds(30, guards={"fractions keep all their digits": 1, "an empty text is a value": 1})
async def test_odd_values_lie_on_the_topics_as_sonar_has_them(seed: int) -> None:
    """Read in full, and found by following."""
    office = Office(seed)
    assert office.unsettle() > 20
    await office.begin()
    await office.snapshot.run(AGGREGATES, asyncio.Event(), started=office.desk.clock.now, force=None)
    await office.follow()
    office.assert_as_sonar_has_it()
    assert office.unsettle() > 20
    await office.follow()
    office.assert_as_sonar_has_it()
