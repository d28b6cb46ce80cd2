"""Which dead letters still matter: those of which nothing newer passed."""

from dataclasses import replace

import pytest

from console.deadletters_dismiss import action_of
from console.letter_states import DISMISSED, OPEN, PASSED, SUPERSEDED, Applied, Facts, Held, Letter, collapsed, settled
from sinks.tables.dismissals import Dismissal

ROOT = ("account", 7)
EVENT = Letter(
    "process:3", "process", "mapping.invalid", "no date", "2026-03-04T05:06:07+00:00", "account",
    place=("sonar.main.account", 1, 40), root=ROOT, sequence=100,
)  # fmt: skip
ROW = replace(EVENT, id="capture:2", stage="capture", code="capture.too_large", place=None)
POISON = replace(EVENT, id="process:4", code="avro.undecodable", sequence=None)
RECORD = Letter(
    "sink:9", "sink", "splynx.record_refused", "login", "2026-03-04T05:06:07+00:00", "customer", record="7",
    place=("splynx.main.account", 1, 12),
)  # fmt: skip
BUNDLE = replace(RECORD, id="sink:8", entity="account", record=None, root=ROOT)


def applied(sequence: int, *, partition: int = 1, offset: int = 50) -> Facts:
    return Facts({ROOT: Applied(sequence, partition, offset)}, owners={("customer", "7"): ROOT})


def again(sequence: int) -> Facts:
    """Behind the place of BUNDLE; what was applied lies before it."""
    return replace(applied(100, offset=9), behind={("splynx.main.account", 1, 12): sequence})


@pytest.mark.parametrize(
    ("letter", "facts", "state"),
    [
        pytest.param(EVENT, Facts(), OPEN, id="nothing was ever written"),
        pytest.param(EVENT, applied(99), OPEN, id="what came before it was written"),
        pytest.param(EVENT, applied(100), PASSED, id="it passed after all"),
        pytest.param(EVENT, applied(101), SUPERSEDED, id="a newer event was written"),
        pytest.param(ROW, applied(100), OPEN, id="capture: what was read before was written"),
        pytest.param(ROW, applied(101), SUPERSEDED, id="capture: a newer reading was written"),
        pytest.param(ROW, Facts(seen={ROOT: 101}), SUPERSEDED, id="capture: of what has no rows in Splynx, it is read"),
        pytest.param(ROW, Facts(seen={ROOT: 99}), OPEN, id="capture: of what has no rows, only an older one is read"),
        pytest.param(POISON, applied(500), OPEN, id="unreadable, and nothing came after it"),
        pytest.param(POISON, replace(applied(500), seen={ROOT: 500}), SUPERSEDED, id="unreadable, then a good one"),
        pytest.param(POISON, replace(applied(400), seen={ROOT: 500}), OPEN, id="unreadable, a good one on its way"),
        pytest.param(replace(POISON, root=None), applied(500), OPEN, id="nobody knows whose it is"),
        pytest.param(BUNDLE, applied(100, offset=12), OPEN, id="a bundle, and nothing behind it"),
        pytest.param(BUNDLE, applied(100, offset=13), SUPERSEDED, id="a bundle, and a good one behind it"),
        pytest.param(BUNDLE, applied(100, partition=0, offset=13), OPEN, id="a bundle, and one of another partition"),
        pytest.param(BUNDLE, again(100), SUPERSEDED, id="a bundle, and what was written before came again behind it"),
        pytest.param(BUNDLE, again(99), OPEN, id="a bundle, and something older came behind it"),
        pytest.param(RECORD, replace(applied(100), written={("customer", "7")}), PASSED, id="a record, written since"),
        pytest.param(RECORD, applied(100), SUPERSEDED, id="a record that nothing asks for any more"),
    ],
)  # fmt: skip
def test_a_letter_is_open_until_something_newer_of_its_record_passed(letter: Letter, facts: Facts, state: str) -> None:
    (found,) = settled([letter], facts)
    assert found.state == state


def test_a_record_that_the_ledger_holds_as_dead_is_open_with_its_root_and_sequence() -> None:
    dead = {("customer", "7"): Held(("splynx.main.account", 1, 12), 100)}
    (found,) = settled([RECORD], replace(applied(100, offset=12), dead=dead))
    assert (found.state, found.root, found.sequence) == (OPEN, ROOT, 100)


def test_of_two_letters_about_a_record_the_one_of_the_bundle_that_is_held_counts() -> None:
    older = replace(RECORD, id="sink:5", place=("splynx.main.account", 1, 4))
    dead = {("customer", "7"): Held(("splynx.main.account", 1, 12), 100)}
    states = [one.state for one in settled([older, RECORD], replace(applied(100, offset=12), dead=dead))]
    assert states == [SUPERSEDED, OPEN]


def test_of_several_letters_about_one_root_the_newest_counts_whatever_its_stage() -> None:
    newer = replace(ROW, sequence=101)
    states = [one.state for one in settled([EVENT, newer], applied(50))]
    assert states == [SUPERSEDED, OPEN]


def test_letters_about_one_message_or_one_record_are_one_that_knows_how_many_there_were() -> None:
    again = replace(EVENT, id="process:8", code="mapping.failed")
    tried = replace(RECORD, id="sink:12", place=("splynx.main.account", 1, 30))
    other = replace(RECORD, id="sink:11", record="8")
    found = collapsed([EVENT, RECORD, POISON, again, other, tried, ROW])
    assert [(one.id, one.times) for one in found] == [
        ("process:8", 3),
        ("sink:11", 1),
        ("sink:12", 2),
        ("capture:2", 1),
    ]


def test_a_dismissed_letter_is_closed_and_a_new_one_about_the_same_is_open() -> None:
    facts = Facts(dismissed={EVENT.mark: Dismissal("Ada", "2026-03-05T00:00:00Z", "a test account")})
    (found,) = settled([EVENT], facts)
    assert (found.state, found.document()["dismissal"]["by"]) == (DISMISSED, "Ada")
    (again,) = settled([replace(EVENT, id="process:9")], facts)
    (anew,) = settled([replace(EVENT, at="2026-09-04T05:06:07+00:00")], facts)  # its topic was made anew
    assert (again.state, anew.state) == (OPEN, OPEN)


def test_what_something_newer_closed_is_not_told_as_dismissed() -> None:
    facts = replace(applied(101), dismissed={EVENT.mark: Dismissal("Ada", "2026-03-05T00:00:00Z", "a test account")})
    assert [one.state for one in settled([EVENT], facts)] == [SUPERSEDED]


@pytest.mark.parametrize(
    ("state", "dismissing", "taking_back"),
    [
        pytest.param(OPEN, "dismiss", "nothing", id="open"),
        pytest.param(DISMISSED, "nothing", "take back", id="dismissed"),
        pytest.param(SUPERSEDED, "closed", "closed", id="something newer closed it"),
    ],
)
def test_a_decision_changes_only_what_is_not_so_already(state: str, dismissing: str, taking_back: str) -> None:
    letter = replace(EVENT, state=state)
    assert (action_of(letter, take_back=False), action_of(letter, take_back=True)) == (dismissing, taking_back)
