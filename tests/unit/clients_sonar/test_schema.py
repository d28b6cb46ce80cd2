"""Sonar's schema, from the introspection of the sandbox."""

import gc
import tracemalloc
from typing import Any

import orjson
import pytest
from gql import GraphQLRequest, gql
from graphql import GraphQLSchema, Token, build_schema, graphql_sync

from clients.sonar_errors import SonarQueryInvalid
from clients.sonar_schema import (
    INTROSPECTION,
    SonarSchema,
    SonarSchemaUnreadable,
    check_syntax,
    fingerprint,
    schema_of,
)
from sandbox.sonar.execute import Engine
from sandbox.sonar.types import SERVED
from tests.unit.producers.scene import the_schema
from tests.unit.sandbox_sonar.shop import Shop


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
    assert fingerprint(before.outline(["Account"])) != fingerprint(changed.outline(["Account"]))
    assert fingerprint(before.outline(["Contact"])) == fingerprint(changed.outline(["Contact"]))


def test_a_schema_is_built_again_only_when_sonar_tells_another() -> None:
    shop = Shop()
    first = schema_of(shop.ask(INTROSPECTION))
    assert schema_of(shop.ask(INTROSPECTION)) is first
    shop.engine = Engine(shop.store, SERVED.drifted(hide=["Account.name"], columns={}, values={}))
    changed = schema_of(shop.ask(INTROSPECTION))
    assert "name" in first.fields("Account") - changed.fields("Account")
    shop.engine = Engine(shop.store, SERVED)
    assert "name" in schema_of(shop.ask(INTROSPECTION)).fields("Account")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("{ accounts { entities { id shoe_size } } }", id="a field that is not there"),
        pytest.param("query A($n: String!) { accounts(id: $n) { entities { id } } }", id="a variable of another type"),
        pytest.param("{ accounts(colour: 1) { entities { id } } }", id="an argument that is not there"),
    ],
)
def test_a_document_that_sonar_cannot_answer_is_told_before_it_is_sent(document: str) -> None:
    with pytest.raises(SonarQueryInvalid):
        the_schema().check(document)


def test_a_document_that_sonar_can_answer_passes() -> None:
    the_schema().check("query A($n: Int64Bit) { accounts(id: $n) { entities { id contacts { entities { id } } } } }")


def test_a_document_is_held_against_the_schema_once(monkeypatch: pytest.MonkeyPatch) -> None:
    schema, read = SonarSchema(Shop().ask(INTROSPECTION)), list[str]()

    def counting(text: str) -> GraphQLRequest:
        read.append(text)
        return gql(text)

    monkeypatch.setattr("clients.sonar_schema.gql", counting)
    for document in ("{ accounts { entities { id } } }", "{ accounts { entities { name } } }") * 2:
        schema.check(document)
    for _ in range(2):
        with pytest.raises(SonarQueryInvalid):
            schema.check("{ accounts { entities { shoe_size } } }")
    assert len(read) == 2 + 2  # what does not fit is not remembered as if it did


def test_what_lives_through_one_document_does_not_pile_up_over_many() -> None:
    """What is alive while the young are looked at is young no more, and is looked at once that was done often."""

    def tokens() -> int:
        return sum(isinstance(one, Token) for one in gc.get_objects())

    the_schema()
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, 20, 100)
    gc.collect()
    known = tokens()
    try:
        for number in range(30):
            the_schema().check(f"query A{number} {{ accounts {{ entities {{ id }} }} }}")
        assert gc.get_count()[1] <= 1
        assert tokens() == known  # a document's refer to each other
    finally:
        gc.set_threshold(*before)


def test_what_is_no_document_is_our_mistake_and_not_sonars() -> None:
    with pytest.raises(ValueError, match="not a GraphQL document"):
        the_schema().check("{ accounts {")
    with pytest.raises(ValueError, match="not a GraphQL document"):
        check_syntax("{ accounts {")


def test_only_what_queries_lead_to_is_kept() -> None:
    schema = SonarSchema(
        introspected(
            build_schema(
                "type Query { dogs: [Dog!]! } interface Pet { legs: Leg } type Dog implements Pet { legs: Leg }"
                " type Cat implements Pet { legs: Leg, lives: Int } type Leg { of: Pet }"
                " type Mutation { feed(with: Food): Meal } input Food { grams: Int } type Meal { grams: Int }"
            )
        )
    )
    assert [name for name in ("Query", "Pet", "Dog", "Cat", "Leg", "Mutation", "Meal") if name in schema] == [
        "Query",
        "Pet",
        "Dog",
        "Cat",
        "Leg",
    ]


def test_what_a_schema_says_again_and_again_is_kept_once() -> None:
    fields = " ".join(
        f"field{number}(search: String, sorter: [Order!], reverse: Boolean): Int" for number in range(2_000)
    )
    text = orjson.dumps(introspected(build_schema(f"type Query {{ {fields} }} input Order {{ by: String }}")))
    tracemalloc.start()
    try:
        data = orjson.loads(text)
        told, _ = tracemalloc.get_traced_memory()
        schema = SonarSchema(data)
        del data
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(schema.fields("Query")) == 2_000
    assert kept < told


def introspected(schema: GraphQLSchema) -> dict[str, Any]:
    found = graphql_sync(schema, INTROSPECTION)
    assert found.data is not None
    return found.data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"__schema": {"queryType": {"name": "Query"}, "types": []}}, id="no types"),
    ],
)
def test_an_introspection_that_is_not_whole_is_named_as_such(data: dict[str, Any]) -> None:
    with pytest.raises(SonarSchemaUnreadable) as caught:
        SonarSchema(data)
    assert "introspection" in caught.value.next_step
