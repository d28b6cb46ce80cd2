"""From a row to the one that owns it."""

from producers.owners import owner_of, owner_paths
from schemas.aggregate import Owner

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
