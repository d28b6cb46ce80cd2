"""What is held is seen while it is, and no longer."""

from datetime import timedelta

from plumbing.metrics import REGISTRY
from schemas.ledger import AGREED, DEAD, OVERWRITTEN, PARKED, UNSETTLED
from sinks.held import show, show_links


def test_what_no_longer_waits_is_no_longer_shown() -> None:
    show({("payment", PARKED): 3, ("customer", DEAD): 1}, {"payment": timedelta(minutes=2)}, {}, 0, 0)
    show({("customer", DEAD): 1}, {}, {}, 0, 0)
    assert REGISTRY.get_sample_value("crossfade_held_records", {"entity": "payment", "state": PARKED}) == 0
    assert REGISTRY.get_sample_value("crossfade_held_records", {"entity": "customer", "state": DEAD}) == 1
    assert REGISTRY.get_sample_value("crossfade_longest_parked_seconds", {"entity": "payment"}) == 0


def test_the_longest_wait_of_each_entity_is_shown_in_seconds() -> None:
    show({("payment", PARKED): 3}, {"payment": timedelta(minutes=2)}, {}, 0, 0)
    assert REGISTRY.get_sample_value("crossfade_held_records", {"entity": "payment", "state": PARKED}) == 3
    assert REGISTRY.get_sample_value("crossfade_longest_parked_seconds", {"entity": "payment"}) == 120


def test_what_others_changed_is_counted_while_it_is_undecided_and_when_it_was_overwritten() -> None:
    show({}, {}, {("customer", UNSETTLED): 4, ("customer", OVERWRITTEN): 2, ("customer", AGREED): 9}, 0, 0)
    assert REGISTRY.get_sample_value("crossfade_conflicts", {"entity": "customer"}) == 4
    assert REGISTRY.get_sample_value("crossfade_edits_overwritten", {"entity": "customer"}) == 2
    assert REGISTRY.get_sample_value("crossfade_conflicts", {"entity": "payment"}) == 0


def test_the_journals_growth_is_shown() -> None:
    show({}, {}, {}, 65_536, 0)
    assert REGISTRY.get_sample_value("crossfade_journal_bytes") == 65_536


def test_calls_whose_answer_never_came_are_shown() -> None:
    show({}, {}, {}, 0, 2)
    assert REGISTRY.get_sample_value("crossfade_open_intents") == 2


def test_what_is_linked_is_counted_by_entity_and_no_more_once_it_is_not() -> None:
    show_links({"customer": 30})
    assert REGISTRY.get_sample_value("crossfade_crosswalk_records", {"entity": "customer"}) == 30
    show_links({})
    assert REGISTRY.get_sample_value("crossfade_crosswalk_records", {"entity": "customer"}) == 0
