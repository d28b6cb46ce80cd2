"""What the sink dropped behind the auditor's back is named."""

import pytest

from reconciliation.audit import Gap, Held, Outcomes, Place, Seen, audit

TOPIC = "splynx.main.account"


def at(offset: int) -> Place:
    return Place(TOPIC, 0, offset)


def a_bundle(offset: int, sonar_id: int, sequence: int, digest: str = "a") -> Seen:
    return Seen(at(offset), "account", sonar_id, sequence, 1, digest)


SEEN = [a_bundle(0, 5, 10), a_bundle(1, 6, 11), a_bundle(2, 5, 12)]
LEDGER = {("account", 5): Held(12, 1, "a"), ("account", 6): Held(11, 1, "a")}
WHOLE = Outcomes({(TOPIC, 0): [(0, 2, "applied")]}, {})


def test_a_ledger_that_followed_every_message_has_no_gap() -> None:
    assert audit(SEEN, LEDGER, WHOLE) == []


def test_a_dropped_newest_record_and_a_dropped_older_one_are_both_named() -> None:
    outcomes = Outcomes({(TOPIC, 0): [(1, 1, "applied")]}, {})
    ledger = {**LEDGER, ("account", 5): Held(9, 1, "a")}
    gaps = audit(SEEN, ledger, outcomes)
    assert [(one.place.offset, one.problem) for one in gaps] == [
        (0, "has no outcome"),
        (2, "has no outcome"),
        (2, "is the newest of its aggregate, and the ledger has another sequence"),
    ]


@pytest.mark.parametrize(
    ("held", "problem"),
    [
        pytest.param(None, "the ledger has none", id="nothing"),
        pytest.param(Held(10, 1, "a"), "the ledger has another sequence", id="an older one"),
        pytest.param(Held(12, 1, "b"), "the ledger has another hash", id="another content"),
    ],
)
def test_a_newest_bundle_that_the_ledger_lacks_is_named(held: Held | None, problem: str) -> None:
    ledger = {("account", 6): LEDGER[("account", 6)]} | ({("account", 5): held} if held else {})
    expected = Gap(at(2), "account", 5, f"is the newest of its aggregate, and {problem}")
    assert audit(SEEN, ledger, WHOLE) == [expected]


def test_an_offset_with_two_outcomes_is_named() -> None:
    twice = Outcomes({(TOPIC, 0): [(0, 2, "applied"), (1, 1, "stale")]}, {})
    assert [(one.place.offset, one.problem) for one in audit(SEEN, LEDGER, twice)] == [(1, "has 2 outcomes")]


def test_a_dead_letter_need_not_stand_in_the_ledger() -> None:
    dead = Outcomes(WHOLE.ranges, {at(3): "dead_lettered"})
    ranges = Outcomes({(TOPIC, 0): [(0, 3, "applied")]}, dead.exceptions)
    assert audit([*SEEN, a_bundle(3, 7, 13)], LEDGER, ranges) == []


def test_poison_needs_an_outcome_and_nothing_else() -> None:
    poison = Seen(at(3), "account")
    assert [one.place.offset for one in audit([*SEEN, poison], LEDGER, WHOLE)] == [3]
