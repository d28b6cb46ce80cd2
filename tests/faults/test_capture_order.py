"""Rows that change while they are read: the newest wins, whoever read it first."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.faults.capture_town import Answer, Town
from tests.faults.seeds import seeds


@pytest.mark.fault(22)
@seeds(30, guards={"nothing is published below what was published": 1})
async def test_rows_that_change_before_inside_and_after_their_page_end_as_they_are(seed: int) -> None:
    """Deleted and created again under the same id, too; following works beside the snapshot."""
    town = Town(seed)
    busy = False

    def meanwhile(document: str, variables: Mapping[str, Any]) -> None:
        if town.random.random() < 0.5:
            town.live()

    def after_reading(document: str, answer: Answer) -> Answer:
        if town.random.random() < 0.5:
            town.live()
        return answer

    async def overtaken(document: str) -> None:
        """Following reads and publishes while a page of the snapshot is on its way."""
        nonlocal busy
        if busy or "query Page" not in document or town.random.random() < 0.5:
            return
        busy = True
        town.live()
        await town.following.poll()
        busy = False

    await town.begin()
    town.line.before, town.line.meddle, town.line.held_up = meanwhile, after_reading, overtaken
    await town.read()
    town.restart_line()
    await town.follow()
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(35)
@seeds(30, guards={"the sequence is taken when a request starts": 8})
async def test_a_slow_page_that_arrives_after_a_newer_reading_changes_nothing(seed: int) -> None:
    town = Town(seed)
    await town.read()
    town.shop.clock.tick(60)
    await town.follow(1)
    held_up = 0
    busy = False

    async def overtaken(document: str) -> None:
        nonlocal held_up, busy
        # Once: a later poll would look again at what was read beside this one, and mend it.
        if busy or held_up or "query Page" not in document or town.random.random() < 0.5:
            return
        busy = True  # what happens meanwhile is read at once
        held_up += 1
        town.live(6)
        await town.follow(1)
        busy = False

    town.line.held_up = overtaken
    town.snapshot._ways = 1
    await town.read(force="again")
    assert held_up
    # By the topics as they are: no later poll mends them.
    await town.assert_topics_tell_sonar()


@pytest.mark.fault(37)
@seeds(30, guards={"a root counts as read when it shows its child": 1, "the watermark waits for what is not read": 4})
async def test_a_child_that_its_root_shows_later_is_read_again_until_it_does(seed: int) -> None:
    """On even seeds by a process that begins when all that is left of the change is the watermark below it."""
    town = Town(seed)
    await town.read()
    await town.follow(2)
    old = {contact: str(town.shop.store.table("Contact")[contact]["name"]) for contact in town.contacts}
    changed = {town.edit() for _ in range(3)}
    behind = 1 + seed % 5

    def stale(document: str, answer: Answer) -> Answer:
        """The nested read answers from a copy that is behind."""
        body = orjson.loads(answer[2])
        if behind and "query Page" in document and body.get("data", {}).get("accounts"):
            for row in body["data"]["accounts"]["entities"]:
                for contact in row["contacts"]["entities"]:
                    if int(contact["id"]) in changed:
                        contact["name"], contact["_version"] = old[int(contact["id"])], "an older one"
        return answer[0], answer[1], orjson.dumps(body)

    town.line.meddle = stale
    while behind:
        held = town.following.low
        await town.follow(1)
        behind -= 1
    if seed % 2 == 0:
        town.restart()
    await town.follow(1)
    assert held is not None
    await town.assert_topics_tell_sonar()
    assert town.following.low is not None
    assert town.following.low > held
