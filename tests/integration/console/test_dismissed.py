"""Dead letters that an operator closed: kept with who and why, out of every count, and open again when they return."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.deadletters import chosen_letters
from console.deadletters_dismiss import Decided, dismiss
from console.letter_states import DISMISSED, OPEN, SUPERSEDED, Letter
from console.shapes import members
from console.status import held_of
from plumbing.errors import ConfigurationError
from plumbing.kafka import partition_of
from sandbox.local.sandboxes import SplynxSandbox
from sandbox.local.stack import Addresses
from tests.conftest import MariaDbAccess
from tests.integration.sinks.pair import PARTITIONS, Pair, account, opened, payment

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def pair(
    splynx_sandbox: SplynxSandbox, mariadb: MariaDbAccess, stack: Addresses, instance: str, tmp_path: Path
) -> AsyncIterator[Pair]:
    """An instance with its topics, and a Splynx of its own."""
    async with opened(splynx_sandbox, mariadb, stack, instance, tmp_path) as pair:
        yield pair


async def decide(pair: Pair, letters: list[Letter], **how: Any) -> Decided:
    usual: dict[str, Any] = {"reason": "a test account", "by": "Ada", "take_back": False, "apply": True}
    return await dismiss(pair.settings, letters, **usual | how)


async def states(pair: Pair) -> dict[str, str]:
    """`{code: state of its letter}`."""
    return {one.code: one.state for one in await chosen_letters(pair.settings, closed=True)}


async def held(pair: Pair) -> set[tuple[str, str]]:
    return {(one["state"], one["code"]) for one in await held_of(pair.settings)}


async def test_a_dismissed_letter_counts_no_more_until_it_returns(pair: Pair) -> None:
    pair.send("account", 1, account(1), sequence=1)
    await pair.sink()
    pair.run(
        "INSERT INTO payments (customer_id, transaction_id, payment_type, receipt_number, date, real_create_datetime,"
        " amount, remind_amount, comment, field_1, field_2, field_3, field_4, field_5, note, memo)"
        " VALUES (1, 0, 1, 'SP11', '2026-01-02', '2026-01-02', 1, 0, '', '', '', '', '', '', '', '')"
    )
    pair.send("payment", 11, payment(11, 1, 100), sequence=1, owner=1)
    pair.raw("account", 1, b"\x07not avro")
    await pair.sink()
    taken, poison = ("dead", "sink.natural_key_taken"), ("dead", "avro.undecodable")
    assert await held(pair) == {taken, poison}
    letters = await chosen_letters(pair.settings)
    with pytest.raises(ConfigurationError, match="nobody says why"):
        await decide(pair, letters, reason=" ")
    shown = await decide(pair, letters, apply=False)
    assert [action for _, action in shown.actions] == ["dismiss", "dismiss"]
    assert await held(pair) == {taken, poison}

    document = (await decide(pair, letters)).document()
    assert document.keys() | {"version"} == {"version"} | members("deadletters dismiss")
    assert await held(pair) == {("dismissed", "sink.natural_key_taken")}
    assert set((await states(pair)).values()) == {DISMISSED}
    assert await chosen_letters(pair.settings) == []
    (first, _) = await chosen_letters(pair.settings, closed=True)
    assert first.dismissal is not None
    assert (first.dismissal.by, first.dismissal.reason) == ("Ada", "a test account")
    assert [action for _, action in (await decide(pair, [first])).actions] == ["nothing"]

    # The same record comes again, and is refused again: that is news.
    pair.send("payment", 11, payment(11, 1, 200), sequence=2, owner=1)
    await pair.sink()
    assert await states(pair) == {"sink.natural_key_taken": OPEN, "avro.undecodable": DISMISSED}
    assert await held(pair) == {taken}

    await decide(pair, await chosen_letters(pair.settings))
    assert await held(pair) == {("dismissed", "sink.natural_key_taken")}
    back = await decide(pair, await chosen_letters(pair.settings, closed=True), take_back=True, reason="it was none")
    assert [action for _, action in back.actions] == ["take back", "take back"]
    assert await held(pair) == {taken, poison}
    decisions = pair.rows("SELECT dismissed, by_whom, reason FROM {ledger}.dismissals ORDER BY id")
    assert [(row["dismissed"], row["reason"]) for row in decisions] == [
        *[(1, "a test account")] * 3, *[(0, "it was none")] * 2,
    ]  # fmt: skip


@pytest.mark.parametrize("value", [None, b"\x07not avro"], ids=["null", "unreadable"])
async def test_a_message_that_cannot_be_read_is_closed_when_what_comes_after_it_is_as_written(
    pair: Pair, value: bytes | None
) -> None:
    """A replay publishes the newest bundle again: nothing of it has changed, so nothing is written."""
    pair.send("account", 1, account(1), sequence=2)
    partition, key = partition_of(1, PARTITIONS), pair.keys["account"].encode({"id": 1})

    def send_what_cannot_be_read() -> None:
        pair.bus.produce(pair.topics.splynx("account"), partition=partition, key=key, value=value)
        pair.bus.flush()

    send_what_cannot_be_read()
    pair.send("account", 1, account(1), sequence=1)
    await pair.sink()
    assert await states(pair) == {"avro.undecodable": OPEN}, "what is older tells nothing of it"
    pair.send("account", 1, account(1), sequence=2)
    assert await states(pair) == {"avro.undecodable": OPEN}, "the sink has not come to it"
    await pair.sink()
    assert await states(pair) == {"avro.undecodable": SUPERSEDED}
    send_what_cannot_be_read()
    await pair.sink()
    letters = await chosen_letters(pair.settings, closed=True)
    assert [one.state for one in letters] == [SUPERSEDED, OPEN]
