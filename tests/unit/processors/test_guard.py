"""The wrapper around every event: four ways out, and none of them is an exception."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from plumbing.avro import Undecodable
from plumbing.dead_letters import TooManyDeadLetters
from plumbing.errors import ConfigurationError, DependencyUnreachable, SyncError
from plumbing.kafka import DeliveryFailed, NotAcknowledged
from processors import guard as guards
from processors.ahead import Ahead
from processors.context import Context
from processors.guard import Guard
from processors.history import Continuity
from processors.output import Output
from processors.transform import Codecs, Coordinates, DeadLetter
from processors.watchdog import Waits
from tests.builders import rules

AT = Coordinates("payment", "sonar.main.payment", 0, 5)


class Ended(BaseException):
    """The process is at its end."""


class Steps:
    """Does what it is told, call by call; an exception is raised. Stands for codecs and for output."""

    def __init__(self, *steps: BaseException | None) -> None:
        self.steps, self.published = list(steps), 0

    def _step(self) -> None:
        step = self.steps.pop(0) if self.steps else None
        if step is not None:
            raise step

    def decode(self, data: bytes | None) -> dict[str, Any]:
        self._step()
        raise Undecodable("cut off")

    def encode(self, value: dict[str, Any]) -> bytes:
        return b""

    def publish(self, at: Coordinates, key: bytes | None, result: object) -> None:
        assert isinstance(result, DeadLetter)
        self._step()
        self.published += 1

    def flush(self, timeout_seconds: float) -> None:
        self._step()


@pytest.fixture(autouse=True)
def _ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(code: int) -> None:
        raise Ended(int(code))

    monkeypatch.setattr("os._exit", end)
    monkeypatch.setattr(guards, "_FIRST_PAUSE_SECONDS", 0.01)


def a_guard(
    codecs: Steps, output: Steps, waits: Waits | None = None, oldest: Callable[[str, int], int] = lambda *_: 0
) -> Guard:
    context = Context(rules(), cast(Any, None), {"payment": Codecs(codecs, codecs)}, cast(Any, None))
    return Guard(context, cast(Output, output), Continuity(oldest), waits or Waits())


async def process(guard: Guard, at: Coordinates = AT) -> None:
    """An event with nothing behind it."""
    await guard.process(at, b"k", b"v", Ahead(guard.make, (), tuple))


async def end_of(work: Any) -> int:
    with pytest.raises(Ended) as ended:
        await work
    return int(ended.value.args[0])


async def test_an_event_that_cannot_pass_is_set_aside_and_the_loop_goes_on() -> None:
    output = Steps()
    await process(a_guard(Steps(), output))
    assert output.published == 1


async def test_while_a_dependency_is_away_the_event_waits_and_says_so() -> None:
    away = DependencyUnreachable("the registry does not answer")
    codecs, output, waits = Steps(away, away), Steps(NotAcknowledged("not yet")), Waits()
    seen: list[dict[str, str]] = []

    async def watch() -> None:
        while True:
            seen.append(waits.now())
            await asyncio.sleep(0.002)

    watching = asyncio.create_task(watch())
    await process(a_guard(codecs, output, waits))
    watching.cancel()
    assert {AT.topic: "dependency.unreachable"} in seen
    assert (output.published, waits.now()) == (1, {})


async def test_a_stop_while_it_waits_ends_the_process_and_acknowledges_nothing() -> None:
    guard = a_guard(Steps(*[DependencyUnreachable("away")] * 100), output := Steps())
    task = asyncio.create_task(process(guard))
    await asyncio.sleep(0.005)
    task.cancel()
    assert await end_of(task) == 75
    assert output.published == 0


async def test_a_cancelled_agent_ends_the_process_before_its_event_is_acknowledged() -> None:
    task = asyncio.create_task(process(a_guard(Steps(), output := Steps())))
    await asyncio.sleep(0)
    task.cancel()
    assert await end_of(task) == 75
    assert output.published == 0


async def test_a_process_that_is_to_stop_does_not_wait_on() -> None:
    guard = a_guard(Steps(*[DependencyUnreachable("away")] * 100), Steps())
    guard.stopping = lambda: True
    assert await end_of(process(guard)) == 75


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(TooManyDeadLetters("a flood"), id="the budget is spent"),
        pytest.param(ConfigurationError("wrong"), id="the set-up is wrong"),
        pytest.param(DeliveryFailed("refused"), id="the broker refused a message"),
        pytest.param(RuntimeError("Ada Example"), id="nobody thought of it"),
        pytest.param(KeyboardInterrupt(), id="not even an Exception"),
    ],
)
async def test_whatever_else_happens_ends_the_process_before_the_event_is_acknowledged(
    error: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    output = Steps(error)
    assert await end_of(process(a_guard(Steps(), output))) == 70
    assert output.published == 0
    out, err = capfd.readouterr()
    assert "process.halted" in out + err
    assert "Ada" not in out + err


async def test_lost_history_ends_the_process_before_anything_is_made_of_the_event() -> None:
    output = Steps()
    guard = a_guard(Steps(), output, oldest=lambda *_: 50)
    await process(guard)
    jumped = Coordinates("payment", AT.topic, 0, 50)
    assert await end_of(process(guard, jumped)) == 70
    assert output.published == 1


async def test_a_flush_waits_for_the_broker_as_long_as_it_takes() -> None:
    waits = Waits()
    guard = a_guard(Steps(), Steps(*[NotAcknowledged("not yet")] * 3), waits)
    await guard.flush()
    assert waits.now() == {}


async def test_a_stop_while_the_broker_is_away_ends_the_process_and_commits_nothing() -> None:
    guard = a_guard(Steps(), Steps(*[NotAcknowledged("not yet")] * 3))
    guard.stopping = lambda: True
    assert await end_of(guard.flush()) == 75


@pytest.mark.parametrize("error", [DeliveryFailed("refused"), ConfigurationError("wrong")])
async def test_a_message_that_was_lost_ends_the_process_before_the_commit(error: SyncError) -> None:
    assert await end_of(a_guard(Steps(), Steps(error)).flush()) == 70
