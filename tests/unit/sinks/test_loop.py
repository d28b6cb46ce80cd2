"""What the loop does about an error: again, or to the end of the process."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest

from clients.splynx_errors import SplynxModuleOff
from plumbing.errors import DependencyUnreachable, SyncError
from plumbing.kafka import DeliveryFailed, NotAcknowledged
from plumbing.metrics import REGISTRY
from schemas.catalogue import aggregate
from sinks.errors import AskedBack, Fenced, GuardsViolated
from sinks.guards import Violation
from sinks.ledger_errors import ForeignTarget, HistoryLost
from sinks.loop import Loop


class Nothing:
    """Stands in for everything that these tests do not touch."""

    def __init__(self) -> None:
        self.tokens: dict[int, int] = {}
        self.leaving = asyncio.Event()
        self.aggregates = {"accounts": aggregate("account"), "groups": aggregate("account_group")}
        self.waiting: frozenset[str] = frozenset()

    async def pause(self, aggregates: frozenset[str], why: str) -> None:
        self.waiting = aggregates

    def bystander(self, _: str) -> None:
        return None

    async def topic_ids(self, topics: set[str]) -> dict[str, str]:
        return dict.fromkeys(topics, "now")

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        yield

    async def checkpoints(self, _: object, topic: str) -> dict[int, int]:
        return {0: 7} if topic == "accounts" else {}

    async def first_meta(self, _: object, name: str, value: str) -> str:
        return "before" if name == "topic account" else value

    async def set_meta(self, _: object, name: str, value: str) -> None:
        """Nobody asks."""


class Scene:
    """A loop whose work, healing and guard each fail with what is left for them."""

    def __init__(self, *work: SyncError, heal: tuple[SyncError, ...] = (), guard: tuple[SyncError, ...] = ()) -> None:
        self.left = {"work": list(work), "heal": list(heal), "guard": list(guard)}
        self.done: list[str] = []
        self.violations: list[Violation] = []
        self.wrong: dict[str, str] = {}
        nothing: Any = Nothing()
        self.writer = nothing
        loop: Any = Loop(
            stream=nothing, db=nothing, ledger=nothing, writer=nothing, healing=nothing, look=nothing, wrong=self.wrong,
            guard=self._guard, publish_again=nothing,
        )  # fmt: skip
        self.leaving = nothing.leaving
        loop._heal = partial(self._step, "heal")
        self.loop = loop

    async def insist(self, *topics: str) -> int:
        """The work, again and again; about a message of each topic."""
        messages = [Mock(topic=lambda topic=topic: topic) for topic in topics]
        return int(await self.loop._insist(asyncio.Event(), partial(self._step, "work"), messages))

    async def _guard(self) -> list[Violation]:
        await self._step("guard")
        return self.violations

    async def _step(self, name: str) -> int:
        if self.left[name]:
            raise self.left[name].pop(0)
        self.done.append(name)
        return 7


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting takes no time."""

    async def at_once(_stop: asyncio.Event, _leaving: asyncio.Event, _seconds: float) -> bool:
        return False

    monkeypatch.setattr("sinks.loop._is_set_within", at_once)


async def test_what_the_broker_has_not_acknowledged_yet_is_waited_for() -> None:
    scene = Scene(NotAcknowledged("not yet"))
    assert await scene.insist() == 7
    assert scene.done == ["heal", "work"]


@pytest.mark.parametrize("error", [DeliveryFailed("refused"), Fenced("another sink"), GuardsViolated("one")])
async def test_what_waiting_does_not_mend_ends_the_process(error: SyncError) -> None:
    """A producer that lost one message refuses every later one, so the sink would wait for ever."""
    scene = Scene(error, error)
    with pytest.raises(type(error)):
        await scene.insist()
    assert len(scene.left["work"]) == 1


async def test_nothing_is_written_before_it_is_known_what_became_of_open_calls() -> None:
    scene = Scene(NotAcknowledged("once"), heal=(DependencyUnreachable("away"), DependencyUnreachable("away")))
    await scene.insist()
    assert (scene.done, scene.left["heal"]) == (["heal", "work"], [])


async def test_a_healing_that_cannot_go_on_ends_the_process() -> None:
    scene = Scene(NotAcknowledged("once"), heal=(ForeignTarget("another one"),))
    with pytest.raises(ForeignTarget):
        await scene.insist()
    assert scene.done == []


async def test_after_an_outage_splynx_is_looked_at_again_before_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.loop._OUTAGE_SECONDS", -1.0)
    scene = Scene(DependencyUnreachable("away"), guard=(ForeignTarget("a backup was restored"),))
    with pytest.raises(ForeignTarget):
        await scene.insist()
    assert scene.done == []


OFF = Violation("module Customers", "is off", "Switch it on", frozenset({"account"}), is_shut=True)


@pytest.mark.parametrize(
    ("topic", "waits"),
    [pytest.param("accounts", True, id="what it concerns"), pytest.param("groups", False, id="what it does not")],
)
async def test_a_module_that_is_met_switched_off_holds_up_the_batch_that_it_concerns(topic: str, waits: bool) -> None:
    scene = Scene(SplynxModuleOff("405", "Customers"))
    scene.violations = [OFF]
    if waits:
        with pytest.raises(GuardsViolated):
            await scene.insist(topic)
    else:
        await scene.insist(topic)
    assert scene.done == ["guard", "heal"] + ["work"] * (not waits)
    assert (scene.writer.waiting, scene.wrong) == ({"account"}, {"guards": "module Customers"})
    paused = {"stage": "sink", "code": SplynxModuleOff.code}
    assert REGISTRY.get_sample_value("crossfade_stage_paused", paused) == 0


async def test_a_module_that_is_off_and_that_no_guard_is_about_ends_the_process() -> None:
    scene = Scene(*[SplynxModuleOff("405")] * 3)
    with pytest.raises(SplynxModuleOff):
        await scene.insist("accounts")
    assert (scene.done, len(scene.left["work"])) == (["guard", "heal"], 1)


async def test_once_a_module_is_on_again_it_is_found_out_what_was_sent_there_before() -> None:
    scene = Scene()
    scene.violations = [OFF]
    await scene.loop._look_at_guards()
    assert scene.done == ["guard"]
    scene.violations = []
    await scene.loop._look_at_guards()
    await scene.loop._look_at_guards()
    assert scene.done == ["guard", "guard", "heal", "guard"]


@pytest.mark.parametrize(
    ("topic", "waits"),
    [pytest.param("accounts", True, id="what it concerns"), pytest.param("groups", False, id="what it does not")],
)
async def test_a_guard_that_does_not_hold_after_an_outage_holds_up_the_batch_that_it_concerns(
    monkeypatch: pytest.MonkeyPatch, topic: str, waits: bool
) -> None:
    monkeypatch.setattr("sinks.loop._OUTAGE_SECONDS", -1.0)
    scene = Scene(DependencyUnreachable("away"))
    scene.violations = [Violation("reminders", "is on", "Set it off", frozenset({"account"}))]
    if waits:
        with pytest.raises(GuardsViolated):
            await scene.insist(topic)
    else:
        await scene.insist(topic)
    assert ("work" in scene.done) is not waits
    assert (scene.writer.waiting, scene.wrong["guards"]) == ({"account"}, "reminders")


async def test_a_module_that_is_switched_off_under_a_look_at_conflicts_ends_that_look() -> None:
    scene = Scene()
    scene.writer.look_at_conflicts = partial(scene._step, "conflicts")
    scene.left["conflicts"] = [SplynxModuleOff("405")]
    scene.violations = [OFF]
    await scene.loop._insist(asyncio.Event(), scene.loop._look_at_conflicts)
    assert scene.done == ["guard", "heal"]


@pytest.mark.parametrize("waits", [pytest.param(False, id="all guards hold"), pytest.param(True, id="one does not")])
async def test_conflicts_are_looked_at_by_the_hour_unless_a_guard_holds_writing_up(waits: bool) -> None:
    scene = Scene()
    scene.violations = [Violation("reminders", "is on", "Set it off", frozenset({"account"}))] if waits else []
    scene.writer.look_at_conflicts = partial(scene._step, "conflicts")
    scene.left["conflicts"] = []
    scene.writer.tokens[0] = 1
    for guarded in (0.0, -math.inf):  # just now, and long ago
        scene.loop._guarded += guarded
        await scene.loop._round(asyncio.Event(), Mock(assignment=list), [])
    assert scene.done == ["guard"] + ["conflicts"] * (not waits)


@pytest.mark.parametrize(
    ("topic", "look"),
    [
        pytest.param(
            "accounts", pytest.raises(HistoryLost, match="accounts was made anew"), id="of the ledger's offsets"
        ),
        pytest.param("groups", nullcontext(), id="of which nothing was read"),
    ],
)
async def test_a_topic_that_was_made_anew_under_a_running_sink_is_found_with_the_guards(
    topic: str, look: AbstractContextManager[object]
) -> None:
    scene = Scene()
    scene.loop._topics = {topic}
    with look:
        await scene.loop._look_at_guards()


async def test_what_was_read_before_a_guard_was_found_not_to_hold_is_not_written() -> None:
    """The membership polls while a round is at work: what that gave lies outside of the consumer, pause or not."""
    scene, consumer = Scene(), Mock(assignment=list)
    written: list[str] = []
    scene.writer.tokens[0] = 1
    scene.violations = [Violation("reminders", "is on", "Set it off", frozenset({"account"}))]
    await scene.loop._look_at_guards()
    early = [Mock(**{"topic.return_value": topic, "partition.return_value": 0, "offset.return_value": 7})
             for topic in ("accounts", "groups")]  # fmt: skip

    async def batch(_: object, messages: list[Any]) -> int:
        written.extend(one.topic() for one in messages)
        return len(messages)

    scene.loop._batch, scene.loop._lag = batch, Mock()
    scene.loop._settled = math.inf
    scene.loop._guarded = math.inf
    scene.writer.settle = partial(scene._step, "settle")
    scene.loop._look = partial(scene._step, "look")
    scene.left |= {"settle": [], "look": []}
    scene.leaving.set()
    assert await scene.loop._round(asyncio.Event(), consumer, early) == 1
    assert written == ["groups"]
    (place,) = [call.args[0] for call in consumer.seek.call_args_list]
    assert (place.topic, place.partition, place.offset) == ("accounts", 0, 7)


async def test_who_waits_gives_its_partitions_up_when_they_are_asked_back() -> None:
    scene = Scene(*[DependencyUnreachable("away")] * 3)
    scene.leaving.set()
    with pytest.raises(AskedBack):
        await scene.insist()
    assert scene.done == []


async def test_who_was_overtaken_after_it_gave_up_goes_on_with_what_it_is_given_next() -> None:
    scene = Scene(Fenced("another sink"))
    scene.leaving.set()
    with pytest.raises(AskedBack):
        await scene.insist()
