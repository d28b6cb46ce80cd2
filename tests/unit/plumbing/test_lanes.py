"""Work goes beside each other, in turn where it depends on one another, and ends soon after a failure."""

import asyncio

import pytest

from plumbing.lanes import in_lanes


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
