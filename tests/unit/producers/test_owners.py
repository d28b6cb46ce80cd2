"""From a row to the one that owns it."""

from collections.abc import Iterator, Sequence

import pytest

from producers.layout import Branch, Leading
from producers.nested import NESTED_PAGE
from producers.owners import owner_of, owner_paths
from producers.reader import Reading
from schemas.aggregate import Aggregate, Owner
from schemas.catalogue import AGGREGATES
from schemas.selection import selection
from tests.unit.producers.scene import the_schema

_OF_CONTACTS = [Owner("contact.contactable_id", ("contact.contactable_type", "Account"))]
_OF_ADDRESSES = [
    Owner("assignable_id", ("assignable_type", "Account")),
    Owner("assignable_id", ("assignable_type", "RadiusAccount"), through="radius_accounts"),
    Owner("assignable_id", ("assignable_type", "Device"), through="devices"),
]


def _root_of(collection: str, id: int) -> int | None:
    return {("radius_accounts", 7): 70, ("devices", 7): 71}.get((collection, id))


def test_a_child_of_something_else_has_no_owner() -> None:
    assert owner_of(_OF_CONTACTS, {"contact": {"contactable_id": "5", "contactable_type": "Account"}}, _root_of) == 5
    other = {"contact": {"contactable_id": "5", "contactable_type": "NetworkSite"}}
    assert owner_of(_OF_CONTACTS, other, _root_of) is None
    assert owner_of(_OF_CONTACTS, {"contact": None}, _root_of) is None


def test_a_polymorphic_owner_is_found_by_its_type_and_through_the_child_that_it_names() -> None:
    def owner(type_name: str, id: str) -> int | None:
        return owner_of(_OF_ADDRESSES, {"assignable_type": type_name, "assignable_id": id}, _root_of)

    assert owner("Account", "7") == 7
    assert owner("RadiusAccount", "7") == 70
    assert owner("Device", "7") == 71
    assert owner("Device", "8") is None
    assert owner("Ghost", "7") is None


def test_a_row_is_asked_for_what_its_ways_need() -> None:
    assert {path for one in _OF_ADDRESSES for path in owner_paths(one)} == {"assignable_id", "assignable_type"}


def _referred_to(leading: Sequence[Leading], branches: Sequence[Branch], above: str) -> Iterator[str]:
    """Paths to rows that are named by a column, are no children, and have children of the root's kinds below them."""
    named = {one.name: one for one in branches}
    for one in leading:
        branch, path = named[one.name], f"{above}.{one.name}".lstrip(".")
        if not one.many and not one.collection and f"{branch.field}_id" in the_schema().fields(branch.owner_type):
            yield path
        yield from _referred_to(one.below, branch.branches, path)


@pytest.mark.parametrize("one", AGGREGATES, ids=lambda one: one.name)
def test_children_of_a_row_that_a_root_refers_to_are_not_taken_for_its_own(one: Aggregate) -> None:
    def related(type_name: str, field: str) -> str | None:
        found = the_schema().field_type(type_name, field)
        return None if found is None else found.name

    text = selection(one, the_schema().fields, NESTED_PAGE, related)
    reading = Reading(one, text, the_schema())
    assert list(_referred_to(reading.children, reading.branches, "")) == [], "they need the mark Foreign"
