"""What the loop does about an error: again, or to the end of the process."""

import asyncio
from typing import Any

import pytest

from plumbing.errors import SyncError
from plumbing.kafka import DeliveryFailed, NotAcknowledged
from sinks.errors import Fenced, GuardsViolated
from sinks.loop import Loop


class Nothing:
    """Stands in for everything that these tests do not touch."""

    aggregates: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def __init__(self) -> None:
        self.tokens: dict[int, int] = {}

    def bystander(self, _: str) -> None:
        return None


def _insisting(*errors: SyncError) -> tuple[Any, list[SyncError]]:
    nothing: Any = Nothing()
    loop: Any = Loop(
        stream=nothing, db=nothing, ledger=nothing, writer=nothing, rest=nothing, guard=nothing, look=nothing, wrong={}
    )
    left = list(errors)

    async def healed() -> int:
        return 0

    async def work() -> int:
        if left:
            raise left.pop(0)
        return 7

    loop._heal = healed
    return loop._insist(asyncio.Event(), work), left


async def test_what_the_broker_has_not_acknowledged_yet_is_waited_for() -> None:
    insisting, left = _insisting(NotAcknowledged("not yet"))
    assert await insisting == 7
    assert not left


@pytest.mark.parametrize("error", [DeliveryFailed("refused"), Fenced("another sink"), GuardsViolated("one")])
async def test_what_waiting_does_not_mend_ends_the_process(error: SyncError) -> None:
    """A producer that lost one message refuses every later one, so the sink would wait for ever."""
    insisting, left = _insisting(error, error)
    with pytest.raises(type(error)):
        await insisting
    assert len(left) == 1
