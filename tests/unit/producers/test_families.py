"""What the index holds in memory: the same as dictionaries would, and in a small part of their room."""

import tracemalloc
from collections.abc import Mapping

import hypothesis.strategies as st
import pytest
from hypothesis import given

from producers.families import Child, Family, Root, Strays
from producers.packed import Packed
from producers.versions import NONE, number_of

KEYS = st.one_of(st.integers(1, 40), st.integers(1, 40).map(lambda few: few << 40), st.integers(1, 2**63 - 1))
IDS = st.integers(1, 6)
SHOWN = st.dictionaries(st.sampled_from(["contacts", "notes"]), st.dictionaries(IDS, st.integers(1, 9), max_size=4))


@given(st.lists(st.tuples(KEYS, st.integers(-(2**63), 2**63 - 1))))
def test_packed_numbers_are_those_that_a_dictionary_holds(pairs: list[tuple[int, int]]) -> None:
    packed, numbers = Packed("q"), dict(pairs)
    packed.widen()
    for key, number in pairs:
        place = packed.place_of(key)
        packed.columns[0][place] = number
    assert len(packed) == len(numbers)
    assert {key: packed.columns[0][packed.find(key)] for key in numbers} == numbers
    assert not any(packed.find(key) for key in {*range(1, 100)} - set(numbers))


class Plain:
    """A family in dictionaries: who shows a child is found by looking at all roots."""

    def __init__(self) -> None:
        self.shows: dict[int, dict[tuple[str, int], int]] = {}
        self.sequence: dict[int, int] = {}

    def put(self, id: int, sequence: int, children: Mapping[str, Mapping[int, int]] | None) -> None:
        self.sequence[id] = sequence
        self.shows.setdefault(id, {})
        if children is None:
            return
        self.shows[id] = {}
        for name, ids in children.items():
            for child, version in ids.items():
                holders = [one for one, shown in self.shows.items() if (name, child) in shown]
                if any(self.sequence[one] > sequence for one in holders):
                    continue
                for one in holders:
                    del self.shows[one][name, child]
                self.shows[id][name, child] = version


@given(st.lists(st.tuples(IDS, st.integers(1, 9), st.none() | SHOWN)))
def test_a_child_belongs_to_the_root_that_was_read_last_and_shows_it(
    readings: list[tuple[int, int, Mapping[str, Mapping[int, int]] | None]],
) -> None:
    family, plain = Family(), Plain()
    for id, sequence, children in readings:
        family.put(id, Root(id, 1, sequence, 1), children)
        plain.put(id, sequence, children)
    belongs = {child: Child(root, version) for root, shown in plain.shows.items() for child, version in shown.items()}
    for name in ("contacts", "notes"):
        known = {id: family.child(name, id) for id in range(1, 7)}
        assert known == {id: belongs.get((name, id)) for id in range(1, 7)}
        assert [*family.shown(name)] == sorted(id for collection, id in belongs if collection == name)
        assert family.count(name) == len(family.shown(name))
    for root, shown in plain.shows.items():
        assert {
            (name, id): version for name, ids in family.children(root).items() for id, version in ids.items()
        } == shown


def test_of_two_roots_that_show_a_child_the_one_read_earlier_has_to_be_read_again() -> None:
    family = Family()
    family.put(1, Root(1, 1, 5, 1), {"contacts": {7: 1}})
    family.put(2, Root(2, 1, 4, 1), {"contacts": {7: 2}})
    assert (family.child("contacts", 7), family.robbed) == (Child(1, 1), {2: {("contacts", 7)}})
    family.put(2, Root(2, 1, 6, 1), {"contacts": {7: 3}})
    assert (family.child("contacts", 7), family.robbed) == (Child(2, 3), {1: {("contacts", 7)}})
    family.put(1, Root(1, 1, 7, 1), {})
    assert (family.child("contacts", 7), family.robbed) == (Child(2, 3), {})


@pytest.mark.parametrize("deleted_first", [True, False])
def test_a_root_that_is_deleted_need_not_be_read_again_for_what_another_took(deleted_first: bool) -> None:
    """As it is after two accounts were merged; also where the index is read back."""
    family, gone = Family(), Root(1, NONE, 6, NONE)
    family.put(1, Root(1, 1, 5, 1), {"contacts": {7: 1}})
    if deleted_first:
        family.put(1, gone, None)
    family.put(2, Root(2, 1, 7, 1), {"contacts": {7: 2}})
    if not deleted_first:
        family.put(1, gone, None)
    assert (family.child("contacts", 7), family.robbed) == (Child(2, 2), {})
    family.put(1, gone, {"contacts": {7: 1}})
    assert (family.child("contacts", 7), family.robbed) == (Child(2, 2), {})


@given(st.lists(st.tuples(IDS, st.none() | st.builds(Child, st.none() | IDS, st.integers(-5, 5)))))
def test_strays_are_those_that_were_noted_last(noted: list[tuple[int, Child | None]]) -> None:
    strays, plain = Strays(), dict(noted)
    for id, child in noted:
        strays.put(id, child)
    known = {id: child for id, child in plain.items() if child is not None}
    assert {id: strays.get(id) for id in range(1, 7)} == {id: known.get(id) for id in range(1, 7)}
    assert (len(strays), [*strays.owned()]) == (len(known), sorted(id for id, one in known.items() if one.root))


def test_more_kinds_of_children_than_a_key_has_room_for_are_refused() -> None:
    with pytest.raises(AssertionError):
        Family().put(1, Root(1, 1, 1, 1), {f"c{number}": {1: 1} for number in range(64)})


def test_a_version_is_a_number_that_is_never_none() -> None:
    assert number_of("1f") == number_of("1f")
    assert NONE not in {number_of("1f"), number_of("1e"), number_of("")}


@pytest.mark.parametrize("id", [1, 2**27, 2**31, 2**33, 2**56])
def test_ids_may_be_as_large_as_sonars(id: int) -> None:
    family, strays = Family(), Strays()
    family.put(1, Root(None, 1, 5, 1), {"contacts": {1: 7, id + 1: 8}})
    family.put(id + 2, Root(id, 2, 6, 3), {"contacts": {1: 9}, "notes": {id: 4}})
    assert (family.root(1), family.root(id + 2)) == (Root(None, 1, 5, 1), Root(id, 2, 6, 3))
    assert (family.child("contacts", 1), family.child("contacts", id + 1)) == (Child(id + 2, 9), Child(1, 8))
    assert (family.count("contacts"), family.count("notes"), [*family.shown("notes")]) == (2, 1, [id])
    assert family.robbed == {1: {("contacts", 1)}}
    for number, root in ((1, None), (id + 1, id), (1, id + 2)):
        strays.put(number, Child(root, number))
    assert (strays.get(1), strays.get(id + 1), len(strays)) == (Child(id + 2, 1), Child(id, id + 1), 2)


def test_what_is_done_again_with_more_room_is_counted_once() -> None:
    family = Family()
    family.put(2**31, Root(5, 1, 1, 1), {"contacts": {3: 1}})
    assert family.count("contacts") == 1


def test_a_row_takes_a_few_dozen_bytes() -> None:
    """Real ISPs have more than a million roots, and as many children of them."""
    tracemalloc.start()
    try:
        family = Family()
        for id in range(1, 5_001):
            family.put(id, Root(id, id, id, id), {"debits": {id: id}})
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / 5_000 < 95


def test_ids_come_in_order_whatever_their_size() -> None:
    family, ids = Family(), [70_000, 3, 2**40, 16_384, 16_383, 1]
    for id in ids:
        family.put(id, Root(None, 1, 1, 1), {"payments": {id: 1}})
    assert list(family.live()) == sorted(ids)
    assert list(family.shown("payments")) == sorted(ids)


def test_the_ids_of_a_large_collection_take_little_on_their_way() -> None:
    family, count = Family(), 50_000
    for id in range(1, count + 1):
        family.put(id, Root(None, 1, 1, 1), None)
    tracemalloc.start()
    try:
        assert len(family.live()) == count
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / count < 24  # a list of Python's numbers: 40, and the answer's own 8
