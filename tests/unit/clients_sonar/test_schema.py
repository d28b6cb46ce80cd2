"""Sonar's schema, from the introspection of the sandbox."""

from clients.sonar_schema import INTROSPECTION, SonarSchema
from sandbox.sonar.execute import Engine
from sandbox.sonar.types import SERVED
from tests.unit.sandbox_sonar.shop import Shop


def the_schema() -> SonarSchema:
    return SonarSchema(Shop().ask(INTROSPECTION))


def test_a_connection_leads_to_the_type_of_its_entities() -> None:
    found = the_schema().field_type("Account", "contacts")
    assert found is not None
    assert (found.name, found.many) == ("Contact", True)


def test_a_relation_to_one_leads_to_its_type() -> None:
    found = the_schema().field_type("Account", "account_status")
    assert found is not None
    assert (found.name, found.many) == ("AccountStatus", False)


def test_a_type_is_listed_by_its_collection() -> None:
    schema = the_schema()
    assert schema.collection_of("Contact") == "contacts"
    assert schema.collection_of("SystemSetting") is None


def test_what_does_not_exist_has_no_fields() -> None:
    assert the_schema().fields("Nobody") == frozenset()
    assert "Nobody" not in the_schema()


def test_the_fingerprint_changes_with_the_types_that_are_read_and_with_no_others() -> None:
    shop = Shop()
    before = SonarSchema(shop.ask(INTROSPECTION))
    shop.engine = Engine(shop.store, SERVED.drifted(hide=["Account.name"], columns={}, values={}))
    changed = SonarSchema(shop.ask(INTROSPECTION))
    assert before.fingerprint(["Account"]) != changed.fingerprint(["Account"])
    assert before.fingerprint(["Contact"]) == changed.fingerprint(["Contact"])
