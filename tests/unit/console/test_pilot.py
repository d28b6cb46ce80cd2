"""What a changed scope takes in and leaves out."""

import pytest

from console.pilot import enters, leaves, left_out
from schemas.catalogue import aggregate
from sinks.plan import AggregateState, Known

NONE = left_out(aggregate("account"))


def applied(hash: str) -> AggregateState:
    return AggregateState(1, hash, 1, "unchanged")


def row(state: str) -> Known:
    return Known("customer", "7", 70, "h", 1, state, 0, {})


@pytest.mark.parametrize(
    ("now", "state", "expected"),
    [
        pytest.param("whole", applied(NONE), True, id="left out before, taken in now"),
        pytest.param(NONE, applied(NONE), False, id="left out still"),
        pytest.param("whole", applied("older"), False, id="taken in all the time"),
        pytest.param("whole", None, False, id="on its way"),
    ],
)
def test_what_enters_was_left_out_by_what_the_sink_applied_last(
    now: str, state: AggregateState | None, expected: bool
) -> None:
    assert enters(now, state, NONE) is expected


@pytest.mark.parametrize(
    ("now", "known", "expected"),
    [
        pytest.param(NONE, [row("live")], True, id="left out, and in Splynx"),
        pytest.param(NONE, [row("gone")], False, id="left out, and withdrawn before"),
        pytest.param(NONE, [], False, id="left out, and never written"),
        pytest.param("whole", [row("live")], False, id="taken in"),
    ],
)
def test_what_leaves_is_in_splynx_and_followed_no_more(now: str, known: list[Known], expected: bool) -> None:
    assert leaves(now, known, NONE) is expected
