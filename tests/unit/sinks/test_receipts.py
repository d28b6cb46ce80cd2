"""Who may take which receipt number when several payments change theirs at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.receipts import RECEIPT_MAX, granted

LONG = "x" * (RECEIPT_MAX + 1)


@pytest.mark.parametrize(
    ("wanted", "holders", "may"),
    [
        pytest.param({1: "B"}, {}, {1}, id="nobody has it"),
        pytest.param({1: "B", 2: "A"}, {"A": [1], "B": [2]}, {1, 2}, id="a swap"),
        pytest.param({1: "B", 2: "C", 3: "A"}, {"A": [1], "B": [2], "C": [3]}, {1, 2, 3}, id="a ring"),
        pytest.param({1: "B", 2: "C"}, {"A": [1], "B": [2]}, {1, 2}, id="a chain with a free end"),
        pytest.param({1: "B", 2: "C"}, {"A": [1], "B": [2], "C": [9]}, set(), id="a chain that ends at somebody's"),
        pytest.param({1: "B", 2: "A"}, {"A": [1], "B": [2, 9]}, set(), id="a swap with what is there twice"),
        pytest.param({1: "C", 2: "C"}, {}, {1}, id="two want one"),
        pytest.param({1: LONG}, {}, set(), id="too long"),
        pytest.param({1: LONG, 2: "A"}, {"A": [1]}, set(), id="behind one that is too long"),
        pytest.param({1: "a"}, {"a": [1]}, {1}, id="its own, spelled otherwise"),
    ],
)
def test_a_receipt_is_taken_when_nobody_is_left_who_has_it(
    wanted: dict[int, str], holders: dict[str, list[int]], may: set[int]
) -> None:
    assert granted(wanted, holders) == may


@given(st.dictionaries(st.integers(0, 7), st.sampled_from("ABCDEFGHXY"), max_size=8))
def test_however_they_move_no_two_payments_have_one_receipt(wanted: dict[int, str]) -> None:
    has = dict(enumerate("ABCDEFGH"))
    holders = {receipt: [id] for id, receipt in has.items()}
    after = has | {id: wanted[id] for id in granted(wanted, holders)}
    assert len(set(after.values())) == len(after)
