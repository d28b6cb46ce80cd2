"""A capture that is killed: it goes on where the broker had everything, and reads at most one page of a range again."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.faults.capture_town import PAGE, Town
from tests.faults.seeds import seeds
from tests.faults.steps import at_turn, before, die

SAVE = "producers.cursors.Cursors.save"


@pytest.mark.fault(1)
@seeds(30, guards={"a range's cursor is saved at each page": 6})
async def test_a_snapshot_killed_in_a_page_reads_at_most_one_page_of_each_range_again(seed: int) -> None:
    """On each fourth seed before the first cursor of a range."""
    town = Town(seed)
    total = len(town.accounts) + len(town.payments)
    turn = at_turn(1 + seed // 4 if seed % 4 == 0 else 4 + seed % 7, die)

    def asked(document: str, variables: Mapping[str, Any]) -> None:
        if "query Page" in document:
            turn()

    town.line.before = asked
    errors = await town.supervised(town.read)
    assert len(errors) == 1
    await town.assert_topics_tell_sonar()
    published = len(town.events("account")) + len(town.events("payment"))
    assert published <= total + town.ranges * PAGE
    await town.follow()
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(2)
@seeds(30, guards={"a cursor moves after the broker's acknowledgement": 11})
async def test_a_kill_between_the_acknowledgement_and_the_cursor_loses_no_row(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On odd seeds while the broker answers: it has the cursors, and nothing else of what waits."""
    town = Town(seed)
    await town.begin()

    def cut() -> None:
        town.uneven.before_flush = at_turn(1, town.uneven.cut_short)

    def of_a_page(_: Any, name: str, document: Mapping[str, Any]) -> bool:
        return name.startswith("snapshot:") and document["read"] > 0

    def of_a_look(_: Any, name: str, document: Mapping[str, Any]) -> bool:
        return name == "follow"

    if seed % 2 == 0:
        before(monkeypatch, SAVE, at_turn(2 + seed % 6, die))
    elif seed % 4 == 1:
        before(monkeypatch, SAVE, at_turn(1 + seed % 9, cut), of_a_page)
    else:
        before(monkeypatch, SAVE, at_turn(1, cut), of_a_look)

    async def everything() -> None:
        await town.read()
        town.live(10)
        await town.follow()

    assert len(await town.supervised(everything)) == 1
    await town.assert_topics_tell_sonar()
