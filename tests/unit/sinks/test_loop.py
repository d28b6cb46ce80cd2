"""What the loop does about an error: again, or to the end of the process."""

import asyncio
from functools import partial
from typing import Any

import pytest

from plumbing.errors import DependencyUnreachable, SyncError
from plumbing.kafka import DeliveryFailed, NotAcknowledged
from sinks.errors import Fenced, ForeignTarget, GuardsViolated
from sinks.loop import Loop


class Nothing:
    """Stands in for everything that these tests do not touch."""

    aggregates: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def __init__(self) -> None:
        self.tokens: dict[int, int] = {}

    def bystander(self, _: str) -> None:
        return None


class Scene:
    """A loop whose work, healing and guard each fail with what is left for them."""

    def __init__(self, *work: SyncError, heal: tuple[SyncError, ...] = (), guard: tuple[SyncError, ...] = ()) -> None:
        self.left = {"work": list(work), "heal": list(heal), "guard": list(guard)}
        self.done: list[str] = []
        nothing: Any = Nothing()
        loop: Any = Loop(
            stream=nothing, db=nothing, ledger=nothing, writer=nothing, rest=nothing, look=nothing, wrong={},
            guard=partial(self._step, "guard"),
        )  # fmt: skip
        loop._heal = partial(self._step, "heal")
        self.loop = loop

    async def insist(self) -> int:
        """The work, again and again."""
        return int(await self.loop._insist(asyncio.Event(), partial(self._step, "work")))

    async def _step(self, name: str) -> int:
        if self.left[name]:
            raise self.left[name].pop(0)
        self.done.append(name)
        return 7


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting takes no time."""

    async def at_once(_stop: asyncio.Event, _seconds: float) -> bool:
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
    assert scene.done == ["heal"]
