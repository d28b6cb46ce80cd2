"""Work goes beside each other, in turn where it depends on one another, and ends soon after a failure."""

import asyncio
from typing import Any

import pytest

from schemas.catalogue import TARGETS
from sinks.lanes import in_lanes
from sinks.plan import Known
from sinks.planned import Planned, lane_of
from sinks.tables.crosswalk import Owned
from sinks.undo import Undo, Way


class Work:
    """Items `(lane, number)`; what was begun and ended, and how many were under way."""

    def __init__(self, fails: int | None = None) -> None:
        self.fails, self.log = fails, list[tuple[str, int]]()
        self.under_way = self.most = 0

    async def do(self, item: tuple[str, int]) -> int:
        self.log.append(item)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        self.under_way -= 1
        if item[1] == self.fails:
            raise RuntimeError(f"{item[1]} fails")
        return 10 * item[1]


async def test_lanes_go_beside_each_other_and_each_in_turn() -> None:
    work = Work()
    items = [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5), ("d", 6)]
    assert await in_lanes(items, lambda item: item[0], work.do, 3) == [10, 20, 30, 40, 50, 60]
    assert work.most == 3
    for lane in "ab":
        assert [item for item in work.log if item[0] == lane] == [item for item in items if item[0] == lane]


async def test_after_a_failure_nothing_is_begun_and_what_is_under_way_is_waited_for() -> None:
    work = Work(fails=1)
    with pytest.raises(RuntimeError, match="1 fails"):
        await in_lanes([("a", 1), ("b", 2), ("a", 3), ("b", 4), ("c", 5)], lambda item: item[0], work.do, 2)
    assert (work.log, work.under_way) == ([("a", 1), ("b", 2)], 0)


def planned(entity: str, key: str, before: dict[str, Any], **document: Any) -> Planned:
    owned = Owned(Known(entity, key, 1, "", 1, "live", 0, document), ("account", int(key)), 0, 1)
    return Planned(TARGETS[entity], key, owned, Undo(Way.RESTORE, before), ("r",), 1)


def test_what_belongs_to_one_customer_or_hands_values_on_is_undone_in_turn() -> None:
    ref = {"entity": "customer", "key": "7"}
    services = [planned("internet_service", key, {"status": "active"}, customer_id=ref) for key in ("1", "2")]
    assert {lane_of(one) for one in services} == {("customer", "7")}
    named = [planned("customer", key, {"name": "A"}) for key in ("1", "2")]
    assert len({lane_of(one) for one in named}) == 2
    # Of two that swap their log-ins one must give up its own before the other gets it.
    assert len({lane_of(planned("customer", key, {"login": key})) for key in ("1", "2")}) == 1
    assert len({lane_of(planned("label", key, {"label": key})) for key in ("1", "2")}) == 1
    # A payment's receipt is its own: those of several customers go beside each other.
    paid = [planned("payment", k, {"receipt_number": k}, customer_id=ref | {"key": k}) for k in ("1", "2")]
    assert len({lane_of(one) for one in paid}) == 2
