"""Writers that were believed dead, a cutover, topics that were cut: who may not write any more writes nothing."""

import random
from dataclasses import replace
from functools import wraps
from typing import Any

import pytest

from sinks.errors import CutOver
from sinks.ledger_errors import HistoryLost
from tests.faults.alarms import ENDS, alarm, rings
from tests.faults.edits import of_somebody, twice_changed
from tests.faults.history import Happening, history, town_of
from tests.faults.owners import Owners, owners
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import at_turn, before, resolved
from tests.faults.target import Picture, assert_same
from tests.modes import in_both_modes

SWITCHES = 3
PUT = "clients.splynx.SplynxClient.put"
STEPS = (
    ("clients.splynx.SplynxClient.post", "before"),
    ("clients.splynx.SplynxClient.post", "after"),
    ("clients.splynx.SplynxClient.put", "before"),
    ("clients.splynx.SplynxClient.put", "after"),
    ("sinks.paths.Paths.rest_results", "after"),
    ("sinks.writer.Writer._compare", "after"),
)
"""Where a process may stand still while another takes over; none of them is in a transaction, whose locks would end
it there."""


class Takeovers:
    """Lets a new owner take over, now and then, while the one before is in the middle of a step."""

    def __init__(self, made: Owners, chance: random.Random) -> None:
        self._made, self._chance = made, chance
        self._gaps = [chance.randint(1, 9) for _ in range(SWITCHES)]
        """Steps until the next takeover."""

    def arm(self, patches: pytest.MonkeyPatch) -> None:
        """At every step."""
        for step, when in STEPS:
            patches.setattr(step, self._interrupted(resolved(step), when))

    def _interrupted(self, real: Any, when: str) -> Any:
        @wraps(real)
        async def acting(*args: Any, **options: Any) -> Any:
            if when == "before":
                await self._perhaps()
            result = await real(*args, **options)
            if when == "after":
                await self._perhaps()
            return result

        return acting

    async def _perhaps(self) -> None:
        if self._gaps:
            self._gaps[-1] -= 1
            if self._gaps[-1] == 0:
                self._gaps.pop()
                await self.begin(self._chance.choice([1, 2, 50]))

    async def begin(self, batches: int) -> None:
        """A new owner takes over, and writes so many batches."""
        owner = await self._made.new()
        await owner.take()
        await owner.work(batches)

    @property
    def made(self) -> int:
        """How many there were."""
        return SWITCHES - len(self._gaps)


def of_customers(picture: Picture) -> Picture:
    """A picture that tells of customers alone by how many calls they were made.

    What has no `sonar_id` is found by its name, whoever made it: nobody knows then which call that was.
    """
    return picture | {"created": [row for row in picture["created"] if row["entity"] == "customer"]}


@pytest.mark.fault(8)
@pytest.mark.fault(30)
@rings(heals="whoever owns a partition now goes on")
@seeds(30, guards={"the fence": 1})
@in_both_modes
async def test_any_interleaving_of_owners_ends_with_one_target(
    impatient: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await impatient.after_nothing(seed)
    chance = random.Random(seed)
    async with owners(impatient, chance) as made:
        takeovers = Takeovers(made, chance)
        with monkeypatch.context() as patches:
            takeovers.arm(patches)
            await takeovers.begin(50)
        assert takeovers.made
        await takeovers.begin(50)  # the last one writes what is left, if anything is
    assert_same(of_customers(impatient.picture()), of_customers(expected))
    await impatient.assert_each_offset_has_one_outcome()


@pytest.mark.fault(8)
@pytest.mark.fault(30)
@rings(heals="whoever owns the partition now has written it")
@seeds(30, guards={"a call is not sent after its deadline": 1})
async def test_a_change_that_was_held_up_while_another_took_over_is_not_sent(
    impatient: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would put an older value over the one that the new owner has written since."""
    await impatient.after_nothing(seed)
    changed = twice_changed(of_somebody(seed))
    await impatient.run()
    impatient.add(changed)
    async with owners(impatient, random.Random(seed)) as made:
        held_up, successor = await made.new(), await made.new()
        held_up.at_once = 1

        async def takes_over(real: Any, *args: Any, **options: Any) -> Any:
            patches.undo()
            await successor.take()
            await successor.work(50)
            return await real(*args, **options)

        with monkeypatch.context() as patches:
            patches.setattr(PUT, partialmethod_of(takes_over, resolved(PUT)))
            await held_up.take()
            await held_up.work(1)
    number = changed[-1].sonar_id
    (row,) = impatient.rows(
        "SELECT v.value FROM customers_values v JOIN customers c ON c.id = v.id"
        f" WHERE c.login = 'sonar-{number}' AND v.name = 'sonar_status'"
    )
    assert row["value"] == "Second"
    await impatient.assert_each_offset_has_one_outcome()


def partialmethod_of(wrapper: Any, real: Any) -> Any:
    """A method that hands itself to `wrapper`, with what stood there before."""

    async def method(self: Any, *args: Any, **options: Any) -> Any:
        return await wrapper(real, self, *args, **options)

    return method


@pytest.mark.fault(8)
@rings(ENDS)
@seeds(30, guards={"after the cutover nobody writes": 1})
async def test_a_sink_that_is_at_work_when_the_cutover_comes_writes_nothing_more(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sink_site.after_nothing(seed)
    seen: list[Any] = []

    def cut_over() -> None:
        sink_site.change(f"UPDATE `{sink_site.splynx.ledger}`.meta SET value = 'live' WHERE name = 'phase'")
        seen.append(sink_site.picture())

    step = ("sinks.writer.Writer._commit", "sinks.rest.RestRecords.write")[seed % 2]
    before(monkeypatch, step, at_turn(2 + seed % 4, cut_over))
    await sink_site.halted_by(CutOver)
    assert_same(sink_site.picture(), seen[0])


@pytest.mark.fault(9)
@rings(ENDS)
@seeds(30, guards={"what was cut off a topic is missed": 1})
async def test_a_topic_that_lost_what_is_not_yet_written_stops_the_sink(sink_site: SinkSite, seed: int) -> None:
    await sink_site.after_nothing(seed)
    await sink_site.run()
    written = sink_site.picture()
    told = history(seed)
    top = max(one.sequence for one in told)
    later = [replace(one, sequence=top + 1 + place) for place, one in enumerate(told)]
    sink_site.add(later[: len(later) // 2])
    sink_site.empty_topics()
    sink_site.add(later[len(later) // 2 :])
    stopped = await sink_site.halted_by(HistoryLost)
    assert "ledger rebuild" in stopped.next_step
    assert_same(sink_site.picture(), written)


@pytest.mark.fault(36)
@rings(heals="what is older is stale")
@seeds(30, guards={"the highest sequence wins": 1})
async def test_a_payment_that_moved_is_its_new_owners_whatever_comes_late(sink_site: SinkSite, seed: int) -> None:
    """Its old owner's event lies in another partition, and arrives behind the new owner's."""
    town = town_of(seed)
    paid = random.Random(seed).choice(sorted(town.payments))
    one = town.payments[paid]
    old = one["account_id"]
    new = next(number for number in sorted(town.accounts) if number % 2 != old % 2)
    first = len(town.told)
    town.payment(paid, amount=4_321, reversed_payments=[], successful=True)
    town.payment(paid, account_id=new)
    told = town.told
    sink_site.play(told)
    await sink_site.run()
    expected = sink_site.picture()
    late: list[Happening] = [*told[:first], told[first + 1]]
    sink_site.play(late)
    await sink_site.run()
    sink_site.add([told[first]])
    stale = alarm("crossfade_messages_total", stage="sink", entity="payment", outcome="consumed")
    await sink_site.run()
    assert alarm("crossfade_messages_total", stage="sink", entity="payment", outcome="consumed") == stale + 1
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()
