"""What becomes of a field that somebody may have edited in Splynx: each case of base, source and target."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ledger import AGREED, KEPT, OVERWRITTEN, TAKEN, UNSETTLED
from schemas.ownership import Ownership
from schemas.records import FieldOwner
from schemas.rules import ConflictPolicy
from sinks.bodies import same
from sinks.threeway import Decision, Merged, Side, Standing, Told, came_through, flat, merge, shown, without
from tests.unit.sinks.records import PERSON

VALUES = st.sampled_from(["", "a", "b", "c"])
POLICIES: tuple[ConflictPolicy, ...] = ("hold", "overwrite", "keep")


def merged(
    base: str,
    source: str,
    target: str,
    *,
    owner: FieldOwner = FieldOwner.SOURCE,
    policy: ConflictPolicy = "hold",
    **more: Any,
) -> Merged:
    """The merge of a person's name."""
    ownership = Ownership(policy=policy, owners={("person", "name"): owner})
    return merge(
        PERSON, ownership, base={"name": base}, source={"name": source}, current={"name": target}, **more, same=same
    )


def states(found: Merged) -> list[str]:
    return [one.state for one in found.told]


def standing(state: str = UNSETTLED, *, source: str = "s", target: str = "t") -> dict[str, Standing]:
    return {"name": Standing(7, state, "b", source, target)}


@pytest.mark.parametrize(("base", "source", "target"), [("b", "b", "b"), ("b", "s", "b"), ("b", "s", "s")])
@pytest.mark.parametrize("owner", [FieldOwner.SOURCE, FieldOwner.SHARED, FieldOwner.LOCKED])
@pytest.mark.parametrize("policy", POLICIES)
def test_what_nobody_edited_or_both_sides_agree_on_is_no_conflict(
    base: str, source: str, target: str, owner: FieldOwner, policy: ConflictPolicy
) -> None:
    assert merged(base, source, target, owner=owner, policy=policy) == Merged()


@pytest.mark.parametrize("source", ["b", "s"])
@pytest.mark.parametrize(
    ("policy", "state", "left"),
    [("hold", UNSETTLED, {"name"}), ("keep", KEPT, {"name"}), ("overwrite", OVERWRITTEN, set())],
)
def test_an_edit_of_what_sonar_owns_is_decided_by_the_policy(
    source: str, policy: ConflictPolicy, state: str, left: set[str]
) -> None:
    found = merged("b", source, "t", policy=policy)
    assert (states(found), found.left) == ([state], left)
    (told,) = found.told
    assert (told.base, told.source, told.target) == ("b", source, "t")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_locked_field_is_put_back_and_told_whatever_the_policy(policy: ConflictPolicy) -> None:
    found = merged("b", "b", "t", owner=FieldOwner.LOCKED, policy=policy)
    assert (states(found), found.left) == ([OVERWRITTEN], set())


@pytest.mark.parametrize("target", ["b", "t"])
def test_a_field_of_splynx_is_never_written_again(target: str) -> None:
    assert merged("b", "s", target, owner=FieldOwner.TARGET) == Merged(left={"name"})
    unknown = merge(
        PERSON, Ownership(owners={("person", "name"): FieldOwner.TARGET}), base={}, source={"name": "s"},
        current={"name": target}, same=same,
    )  # fmt: skip
    assert unknown.left == {"name"}


def test_of_a_shared_field_the_last_change_wins_and_two_changes_are_a_conflict() -> None:
    assert merged("b", "b", "t", owner=FieldOwner.SHARED) == Merged(left={"name"})
    assert states(merged("b", "s", "t", owner=FieldOwner.SHARED)) == [UNSETTLED]


def test_where_nobody_knows_what_was_written_sonars_value_is() -> None:
    found = merge(PERSON, Ownership(), base={}, source={"name": "s"}, current={"name": "t"}, same=same)
    assert found == Merged()


def test_a_newer_event_goes_on_with_an_open_conflict() -> None:
    (told,) = merged("s", "s2", "t2", standing=standing()).told
    assert told == Told("name", "b", "s2", "t2", UNSETTLED, None, 7)


@pytest.mark.parametrize("target", ["s", "b"])
@pytest.mark.parametrize("state", [UNSETTLED, KEPT])
def test_a_conflict_ends_by_itself_when_both_agree_or_the_edit_was_taken_back(target: str, state: str) -> None:
    found = merged("s", "s", target, standing=standing(state, source="another"))
    assert (states(found), found.left) == ([AGREED], set())


def test_what_was_decided_for_splynx_stays_until_sonar_has_another_value() -> None:
    assert merged("s", "s", "t9", standing=standing(KEPT)) == Merged(left={"name"})
    (told,) = merged("s", "s2", "t", standing=standing(KEPT)).told
    assert (told.state, told.base, told.row) == (UNSETTLED, "b", None)


@pytest.mark.parametrize(("side", "state", "left"), [(Side.SOURCE, TAKEN, set()), (Side.TARGET, KEPT, {"name"})])
def test_a_decision_holds_for_the_value_that_was_looked_at(side: Side, state: str, left: set[str]) -> None:
    decided = {"name": Decision(side, "t", "ada")}
    found = merged("s", "s", "t", standing=standing(), decided=decided)
    assert (states(found), found.left, found.told[0].by) == ([state], left, "ada")
    since = merged("s", "s", "t2", standing=standing(), decided=decided)
    assert (states(since), since.left) == ([UNSETTLED], {"name"})


def test_a_field_that_the_rules_gave_away_has_no_conflict_any_more() -> None:
    found = merged("s", "s", "t", owner=FieldOwner.TARGET, standing=standing())
    assert (states(found), found.left) == ([AGREED], {"name"})


@given(VALUES, VALUES, VALUES, st.sampled_from(FieldOwner), st.sampled_from(POLICIES), st.booleans(), VALUES)
def test_no_edit_is_overwritten_without_being_told(
    base: str, source: str, target: str, owner: FieldOwner, policy: ConflictPolicy, stood: bool, decided: str
) -> None:
    known = {"name": Standing(7, UNSETTLED, base, source, target)} if stood else {}
    found = merged(
        base, source, target, owner=owner, policy=policy, standing=known,
        decided={"name": Decision(Side.SOURCE, decided, "ada")},
    )  # fmt: skip
    is_edit = target not in {base, source}
    if is_edit and "name" not in found.left:
        assert [(one.target, one.state) for one in found.told] in ([(target, OVERWRITTEN)], [(target, TAKEN)])
    assert not is_edit or found.left or found.told


BODY = {"name": "A", "city": "X", "additional_attributes": {"gate": "1", "city": "own"}}


def test_fields_of_a_request_are_named_one_way_and_taken_out_by_these_names() -> None:
    assert flat(BODY) == {"name": "A", "city": "X", "gate": "1", "additional_attributes.city": "own"}
    assert without(BODY, {"name", "gate"}) == {"city": "X", "additional_attributes": {"city": "own"}}
    assert without(BODY, {"gate", "additional_attributes.city"}) == {"name": "A", "city": "X"}


def test_an_additional_field_that_splynx_does_not_list_is_empty() -> None:
    row = {"id": 7, "name": "B", "city": "X", "additional_attributes": {"city": "own", "foreign": "f"}}
    assert shown(BODY, row) == {"name": "B", "city": "X", "gate": "", "additional_attributes.city": "own"}
    assert shown(BODY, {"name": "B"}) == {"name": "B"}


def test_what_a_call_of_ours_asked_for_whose_answer_was_lost_is_nobodys_edit() -> None:
    row = {"name": "second", "city": "by hand", "additional_attributes": {"gate": "2", "code": "by hand"}}
    lost: list[dict[str, Any]] = [
        {"name": "first"},
        {"name": "second", "city": "second", "additional_attributes": {"gate": 2, "code": "2", "gone": ""}},
    ]
    assert came_through(lost, row, same) == {"name", "gate", "gone"}
    assert came_through([], row, same) == set()
