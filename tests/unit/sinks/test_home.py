"""Of which topic a checkpoint is an offset."""

from typing import Any

import pytest

from sinks.home import places_of
from sinks.ledger_errors import HistoryLost


class Kept:
    """What these tests ask of a ledger: its named values, and the checkpoints of the one topic."""

    def __init__(self, done: dict[int, int], **ids: str) -> None:
        self.done, self.values = done, {f"topic {name}": value for name, value in ids.items()}

    async def checkpoints(self, _: object, __: str) -> dict[int, int]:
        return self.done

    async def set_meta(self, _: object, name: str, value: str) -> None:
        self.values[name] = value

    async def first_meta(self, _: object, name: str, value: str) -> str:
        return self.values.setdefault(name, value)


async def places(ledger: Any, topic_id: str) -> dict[int, int]:
    """Where the ledger goes on in `accounts`, which has this id now."""
    no_transaction: Any = None
    return await places_of(no_transaction, ledger, "account", "accounts", topic_id)


@pytest.mark.parametrize(
    "ledger",
    [
        pytest.param(Kept({0: 7}, account="one"), id="its own"),
        pytest.param(Kept({0: 7}), id="of a ledger of an earlier release, which kept no id"),
        pytest.param(Kept({}, account="before"), id="made anew before anything was read of it"),
    ],
)
async def test_a_topic_is_gone_on_with_and_from_then_on_no_other(ledger: Kept) -> None:
    assert await places(ledger, "one") == ledger.done
    ledger.done = {0: 8}
    assert await places(ledger, "one") == {0: 8}
    with pytest.raises(HistoryLost, match="accounts was made anew: the ledger goes on in that of id one, and this is"):
        await places(ledger, "another")
    with pytest.raises(HistoryLost):
        await places(ledger, "another")  # once told is not forgiven
