"""The schema that clients see: Sonar's names and shapes, by introspection too."""

from dataclasses import replace
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLObjectType,
    build_client_schema,
    get_introspection_query,
    print_schema,
    validate_schema,
)  # fmt: skip

from sandbox.sonar.declarations import Declarations, ObjectType, parse
from sandbox.sonar.enums import ENUMS, PARTIAL
from sandbox.sonar.execute import Engine
from sandbox.sonar.reference_check import differences
from sandbox.sonar.schema import build_schema
from sandbox.sonar.types import SERVED, with_extra_types
from tests.unit.sandbox_sonar.shop import Shop


def test_the_schema_is_valid() -> None:
    assert validate_schema(build_schema(SERVED)) == []


def test_the_object_type_named_subscription_is_not_the_subscription_root(shop: Shop) -> None:
    found = shop.ask("{ __schema { subscriptionType { name } } subscriptions { entities { id } } }")
    assert found == {"__schema": {"subscriptionType": None}, "subscriptions": {"entities": []}}


def test_clients_can_rebuild_the_schema_by_introspection(shop: Shop) -> None:
    seen = build_client_schema(shop.ask(get_introspection_query()))
    account = seen.type_map["Account"]
    assert isinstance(account, GraphQLObjectType)
    assert str(account.fields["created_at"].type) == "Datetime!"
    assert seen.query_type is not None
    assert "include_archived" in seen.query_type.fields["accounts"].args
    assert "include_archived" not in seen.query_type.fields["contacts"].args


def test_one_type_can_be_asked_about_beside_data(shop: Shop) -> None:
    shop.an_account()
    query = "query($n: String!) { __type(name: $n) { name kind } accounts { entities { id } } }"
    for name, kind in (("Account", "OBJECT"), ("PaymentStatus", "ENUM")):
        found = shop.ask(query, n=name)
        assert found == {"__type": {"name": name, "kind": kind}, "accounts": {"entities": [{"id": "1"}]}}


def test_zones_are_told_by_their_descriptions() -> None:
    zones = build_schema(SERVED).type_map["Timezone"]
    assert isinstance(zones, GraphQLEnumType)
    told = {name: value.description for name, value in zones.values.items()}
    assert told["AMERICACHICAGO"] == "America/Chicago"
    assert told["ETCGMTPLUS5"] == "Etc/GMT+5"
    assert told["ETCGMTMINUS1"] == "Etc/GMT-1"
    assert told["AMERICAPORTAUPRINCE"] == "America/Port-au-Prince"


def test_nested_connections_have_no_search_mode() -> None:
    account = build_schema(SERVED).type_map["Account"]
    assert isinstance(account, GraphQLObjectType)
    assert "general_search_mode" not in account.fields["contacts"].args
    assert "reverse_relation_filters" in account.fields["company"].args


def test_thousands_of_foreign_types_do_not_get_in_the_way() -> None:
    shop = Shop()
    engine = Engine(shop.store, with_extra_types(SERVED, 300))
    assert len(engine.schema.type_map) > 600
    assert engine.execute("{ accounts { entities { id } } }") == {"data": {"accounts": {"entities": []}}}


def test_drift_hides_adds_retypes_and_lets_enums_grow(shop: Shop) -> None:
    shop.an_account()
    drifted = SERVED.drifted(
        hide=["contacts", "Account.addresses", "PaymentStatus.PENDING"],
        columns={"Account.nickname": "String", "Payment.amount": "Int64Bit!"},
        values={"PaymentStatus": ["DISPUTED"]},
    )
    engine = Engine(shop.store, drifted)
    assert "Cannot query field 'contacts'" in engine.execute("{ contacts { entities { id } } }")["errors"][0]["message"]
    assert engine.execute("{ accounts { entities { nickname } } }")["data"]["accounts"]["entities"] == [
        {"nickname": None}
    ]
    assert list(drifted.enums["PaymentStatus"]) == ["FAILED", "SUCCEEDED", "DISPUTED"]
    shop.a_payment(1, 5)
    assert engine.execute("{ payments { entities { amount } } }")["data"]["payments"]["entities"] == [{"amount": "5"}]
    shop.store.allow("PaymentStatus", "DISPUTED")
    shop.a_payment(1, status="DISPUTED")


def as_sdl(declared: Declarations) -> str:
    printed = print_schema(build_schema(declared))
    return f"schema {{ query: Query }}\n{printed}" if "schema {" not in printed else printed


def few() -> Declarations:
    """Some types, of each sort: a second is saved for each reading of the whole."""
    names = {"Account", "BillingSetting", "Log", "Payment", "SystemSetting"}

    def alone(kind: ObjectType) -> ObjectType:
        inside = {key: one for key, one in kind.relations.items() if one.target in names or "Interface" in one.target}
        return replace(kind, relations=inside)

    return Declarations({name: alone(SERVED.types[name]) for name in sorted(names)}, SERVED.enums)


FEW = few()


def test_the_check_against_the_real_schema_finds_nothing_where_all_are_alike(tmp_path: Path) -> None:
    sdl = tmp_path / "sonar.graphql"
    sdl.write_text(as_sdl(SERVED))
    assert differences(sdl) == []


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        pytest.param("  archived_at: Datetime\n", "", "Account.archived_at is not a field of Sonar's", id="field gone"),
        pytest.param(
            "  archived_at: Datetime\n", "  archived_at: Datetime\n  shoe: Int\n", "Account lacks the column shoe: Int",
            id="field added",
        ),
        pytest.param(
            "  archived_at: Datetime\n", "  archived_at: Datetime!\n",
            "Account.archived_at is Datetime here and Datetime! there", id="nullability",
        ),
        pytest.param("  BANKACCOUNT\n", "  BANKACCOUNT\n  BARTER\n", "PaymentType lacks BARTER", id="enum grown"),
        pytest.param("  BANKACCOUNT\n", "", "PaymentType.BANKACCOUNT is not a value of Sonar's", id="enum shrunk"),
        pytest.param("  AMERICACHICAGO\n", "  AMERICACHICAGO\n  MARS\n", "", id="large enums may be partial"),
        pytest.param(
            "  records_per_page: Int!\n}\n\ninput", "  records_per_page: Int\n}\n\ninput",
            "Paginator(records_per_page) is Int! = Undefined here and Int = Undefined there", id="input",
        ),
        pytest.param(
            "  payments(id: Int64Bit,", "  payments(id: Int,",
            "Account.payments(id) is Int64Bit = Undefined here and Int = Undefined there", id="argument",
        ),
    ],
)  # fmt: skip
def test_the_check_against_the_real_schema_sees_each_difference(
    tmp_path: Path, before: str, after: str, difference: str
) -> None:
    sdl, ours = tmp_path / "sonar.graphql", as_sdl(FEW)
    assert before in ours
    sdl.write_text(ours.replace(before, after, 1))
    found = differences(sdl, FEW)
    assert found == ([difference] if difference else [])


def test_large_enums_serve_legal_values_of_every_kind() -> None:
    sizes = {name: len(ENUMS[name]) for name in PARTIAL}
    assert sizes["Country"] > 200
    assert all(size > 10 for size in sizes.values()), sizes


def test_declarations_that_lead_nowhere_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Cat\.owner leads to Person, which is not declared"):
        Declarations(parse("type Cat = cats\n    is Loggable\n    owner -> Person by owner_id"), ENUMS)
    with pytest.raises(ValueError, match="through nothing"):
        parse("type Cat = cats\n    owner -> Person")
