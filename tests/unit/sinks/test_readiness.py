"""What is asked of Splynx before anything is written."""

from schemas.rules import configured_ids
from sinks.readiness import LISTS, entities
from tests.builders import rules


def test_every_kind_of_id_that_rules_can_name_is_looked_up() -> None:
    file = rules(
        partners={"default": 1, "by_company": {7: 9}},
        locations={"default": 2, "rules": [{"when": {"address.city": "Northtown"}, "use": {"id": 3}}]},
        payment_methods={"default": 5, "by_provider": {"Example": 6}},
        tariffs={"map": {101: {"internet": 12}, 102: "ignore"}},
        taxes={"map": {1: 4}},
    ).file
    assert {kind for kind, _, _ in configured_ids(file)} == set(LISTS)


def test_only_records_with_rows_of_their_own_are_asked_for() -> None:
    assert entities()["customer"] == "admin/customers/customer"
    assert "customer_info" not in entities()
