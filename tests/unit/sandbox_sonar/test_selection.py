"""What a document selects: relations, archived accounts, fragments, directives, aliases, aggregations, `me`."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.sonar.compile import Conditions
from tests.unit.sandbox_sonar.shop import START, Shop


@pytest.fixture
def family(shop: Shop) -> Shop:
    """A parent that is archived, and its child with a payment."""
    parent = shop.an_account("Gone", archived_at=START, archived_by_user_id=shop.user)
    child = shop.an_account("Here", parent_account_id=parent)
    shop.a_payment(child)
    shop.a_payment(parent)
    return shop


def test_archived_accounts_are_left_out_unless_asked_for(family: Shop) -> None:
    assert family.names("id: null") == ["Here"]
    assert family.names("include_archived: true") == ["Gone", "Here"]
    counts = (
        "a: accounts { page_info { total_count } } b: accounts(include_archived: true) { page_info { total_count } }"
    )
    found = family.ask(f"{{ {counts} }}")
    assert [found[key]["page_info"]["total_count"] for key in "ab"] == [1, 2]


def test_a_relation_to_an_archived_account_is_null_unless_asked_for(family: Shop) -> None:
    found = family.ask("""{
      accounts { entities { parent_account_id hidden: parent_account { name }
        parent_account(include_archived: true) { name } } }
      payments(sorter: {attribute: "id", direction: DESC}) { entities { account_id account { name } } }
      account_statuses { entities { accounts { entities { name } } } }
    }""")
    assert found["accounts"]["entities"] == [
        {"parent_account_id": "1", "hidden": None, "parent_account": {"name": "Gone"}}
    ]
    assert found["payments"]["entities"][0] == {"account_id": "1", "account": None}
    assert found["account_statuses"]["entities"] == [{"accounts": {"entities": [{"name": "Here"}]}}]


def test_a_polymorphic_owner_obeys_include_archived_too(family: Shop) -> None:
    family.a_contact(1)
    rows = family.ask("""{ contacts { entities {
        contactable { __typename id } shown: contactable(include_archived: true) { id } } } }""")["contacts"][
        "entities"
    ]
    assert rows == [{"contactable": None, "shown": {"id": "1"}}]


def test_filters_on_a_relation_to_one_make_it_null_when_they_fail(shop: Shop) -> None:
    shop.an_account()
    found = shop.ask("""{ accounts { entities {
        a: account_status(activates_account: true) { name }
        b: account_status(activates_account: false) { name }
        c: account_status(search: {string_fields: {attribute: "name", search_value: "act", match: true}}) { name }
    } } }""")
    assert found["accounts"]["entities"] == [{"a": {"name": "Active"}, "b": None, "c": {"name": "Active"}}]


def test_nested_connections_page_filter_sort_and_count_for_themselves(shop: Shop) -> None:
    account = shop.an_account()
    for number in range(5):
        shop.a_payment(account, number)
    found = shop.ask("""{ accounts { entities {
        all: payments(paginator: {page: 2, records_per_page: 2}) { entities { amount } page_info { total_count } }
        some: payments(search: {integer_fields: {attribute: "amount", search_value: 2, operator: GTE}},
          sorter: {attribute: "amount", direction: DESC}, paginator: {page: 1, records_per_page: 2}) {
            entities { amount } page_info { total_count total_pages } }
    } } }""")["accounts"]["entities"][0]
    assert found["all"] == {"entities": [{"amount": 2}, {"amount": 3}], "page_info": {"total_count": 5}}
    assert found["some"] == {
        "entities": [{"amount": 4}, {"amount": 3}],
        "page_info": {"total_count": 3, "total_pages": 2},
    }


def test_pivots_and_has_one_are_read_from_both_sides(shop: Shop) -> None:
    account, group = shop.an_account(), shop.a_group("VIP")
    shop.store.attach("Account", account, "account_groups", group)
    found = shop.ask("""{
      accounts { entities { account_groups { entities { name } } account_billing_parameter { id } } }
      account_groups { entities { accounts { entities { name } } } }
    }""")
    assert found == {
        "accounts": {
            "entities": [{"account_groups": {"entities": [{"name": "VIP"}]}, "account_billing_parameter": None}]
        },
        "account_groups": {"entities": [{"accounts": {"entities": [{"name": "Ada"}]}}]},
    }


def test_fragments_choose_by_the_type_behind_an_interface(shop: Shop) -> None:
    account = shop.an_account()
    for owner, type in ((account, "Account"), (shop.company, "Company")):
        shop.store.insert(
            "Address", addressable_id=owner, addressable_type=type, is_anchor=False, serviceable=False, type="MAILING"
        )
    found = shop.ask("""
      query { addresses { entities { addressable {
        __typename id ... on Account { name account_status { name } } ...company
        ... on AddressableInterface { created_at }
      } } } }
      fragment company on Company { isp: isp_type name }
    """)
    created = "2026-03-01T12:00:00+00:00"
    assert [row["addressable"] for row in found["addresses"]["entities"]] == [
        {
            "__typename": "Account",
            "id": "1",
            "name": "Ada",
            "account_status": {"name": "Active"},
            "created_at": created,
        },
        {"__typename": "Company", "id": "1", "isp": None, "name": "Lantern", "created_at": created},
    ]


def test_the_owner_of_a_log_is_null_once_it_is_gone(shop: Shop) -> None:
    shop.store.delete("AccountGroup", shop.a_group("A"))
    query = "{ logs(type: DELETED) { entities { loggable_id loggable { id } logged_entity_type } } }"
    assert shop.ask(query)["logs"]["entities"] == [
        {"loggable_id": "1", "loggable": None, "logged_entity_type": "AccountGroup"}
    ]


def test_deletes_can_be_followed_in_the_logs(shop: Shop) -> None:
    contact = shop.a_contact(shop.an_account())
    shop.clock.tick(60)
    shop.store.delete("Contact", contact)
    query = """query Deletes($t: Datetime!) { logs(type: DELETED, legacy: false,
        search: [{datetime_fields: [{attribute: "created_at", operator: GTE, search_value: $t}]}]
        sorter: [{attribute: "created_at", direction: ASC}, {attribute: "id", direction: ASC}]
        paginator: {page: 1, records_per_page: 500}) {
          entities { created_at logged_entity_type logged_entity_id loggable_type } page_info { total_count } } }"""
    found = shop.ask(query, t="2026-03-01T12:00:30Z")["logs"]
    assert found["entities"] == [
        {
            "created_at": "2026-03-01T12:01:00+00:00",
            "logged_entity_type": "Contact",
            "logged_entity_id": str(contact),
            "loggable_type": "Account",
        }
    ]
    assert shop.ask(query, t="2026-03-01T12:01:01Z")["logs"]["page_info"]["total_count"] == 0


@pytest.mark.parametrize("wanted", [True, False])
def test_directives_decide_per_request(shop: Shop, wanted: bool) -> None:
    shop.an_account()
    query = (
        "query($v: Boolean!) { accounts { entities { id name @include(if: $v) ... @skip(if: $v) { company_id } } } }"
    )
    found = shop.ask(query, v=wanted)["accounts"]["entities"]
    assert found == [{"id": "1", "name": "Ada"} if wanted else {"id": "1", "company_id": "1"}]


def test_one_field_selected_twice_is_merged(shop: Shop) -> None:
    shop.a_contact(shop.an_account())
    found = shop.ask("""{ accounts { entities { contacts { entities { id } } contacts { entities { name } } } }
        accounts { page_info { total_count } } }""")
    assert found["accounts"] == {
        "entities": [{"contacts": {"entities": [{"id": "1", "name": "Ada"}]}}],
        "page_info": {"total_count": 1},
    }


def test_typenames_are_known_on_every_level(shop: Shop) -> None:
    shop.an_account()
    found = shop.ask("{ __typename accounts { __typename entities { __typename } page_info { __typename page } } }")
    assert found == {
        "__typename": "Query",
        "accounts": {
            "__typename": "AccountConnection",
            "entities": [{"__typename": "Account"}],
            "page_info": {"__typename": "PageInfo", "page": 1},
        },
    }


def test_values_are_spelled_as_sonar_spells_them(shop: Shop) -> None:
    shop.an_account(
        activation_date="2026-02-28",
        activation_time="23:30:00",
        geopoint="41.5,-89.5",
        next_recurring_charge_amount=6500,
    )
    shop.a_phone(shop.a_contact(1), "0145550100")
    shop.store.insert(
        "CustomField",
        entity_type="Account",
        enum_options=["a", "b"],
        name="F",
        required=False,
        type="TEXT",
        unique=False,
    )
    found = shop.ask("""{
      accounts { entities { id created_at activation_date activation_time geopoint is_delinquent
        next_recurring_charge_amount parent_account_id } }
      phone_numbers { entities { number } } custom_fields { entities { enum_options type } } }""")
    assert found["accounts"]["entities"] == [
        {
            "id": "1",
            "created_at": "2026-03-01T12:00:00+00:00",
            "activation_date": "2026-02-28",
            "activation_time": "23:30:00",
            "geopoint": "41.5,-89.5",
            "is_delinquent": False,
            "next_recurring_charge_amount": 6500,
            "parent_account_id": None,
        }
    ]
    assert found["phone_numbers"]["entities"] == [{"number": "0145550100"}]
    assert found["custom_fields"]["entities"] == [{"enum_options": ["a", "b"], "type": "TEXT"}]


@pytest.mark.parametrize(
    ("field", "function", "value"),
    [
        ("amount", "SUM", "600"),
        ("amount", "AVG", "200"),
        ("amount", "MIN", "100"),
        ("amount", "MAX", "300"),
        ("payment_datetime", "MAX", "2026-03-02T00:00:00+00:00"),
        ("fee", "SUM", None),
    ],
)
def test_aggregations_answer_with_text(shop: Shop, field: str, function: str, value: str | None) -> None:
    account = shop.an_account()
    for amount, at in ((100, START), (200, datetime(2026, 3, 2, tzinfo=UTC)), (300, START)):
        shop.a_payment(account, amount, payment_datetime=at)
    found = shop.ask(f"""{{ payments(paginator: {{page: 1, records_per_page: 1}},
        aggregation: {{field_name: "{field}", aggregation_function: {function}}}) {{
          entities {{ id }} aggregations {{ field value aggregation_function counts {{ value }} }} }} }}""")
    expected = {"field": field, "value": value, "aggregation_function": function, "counts": None}
    assert (len(found["payments"]["entities"]), found["payments"]["aggregations"]) == (1, [expected])


def test_counts_come_in_buckets_with_figures_inside(shop: Shop) -> None:
    account = shop.an_account()
    for type, amount in (("CASH", 1), ("CHECK", 2), ("CASH", 3)):
        shop.a_payment(account, amount, payment_type=type)
    shop.a_payment(shop.an_account(), 50)
    found = shop.ask(f"""{{ payments(account_id: {account}, aggregation: {{field_name: "payment_type",
        aggregation_function: COUNT, sub_aggregators: {{field_name: "amount", aggregation_function: SUM}}}}) {{
          aggregations {{ counts {{ value count sub_aggregator_results {{ field value }} }} }} }} }}""")
    assert found["payments"]["aggregations"] == [
        {
            "counts": [
                {"value": "CASH", "count": "2", "sub_aggregator_results": [{"field": "amount", "value": "4"}]},
                {"value": "CHECK", "count": "1", "sub_aggregator_results": [{"field": "amount", "value": "2"}]},
            ]
        }
    ]


def test_numbers_cannot_be_counted(shop: Shop) -> None:
    query = '{ payments(aggregation: {field_name: "amount", aggregation_function: COUNT}) { aggregations { value } } }'
    assert shop.messages(query) == ["Attribute [amount] cannot be counted: COUNT works on string fields."]


def test_me_is_the_user_of_the_token(shop: Shop) -> None:
    assert shop.ask("{ me { id super_admin email: email_address } }")["me"] == {
        "id": "1",
        "super_admin": False,
        "email": "reader@example.com",
    }


DENIED = "{ accounts { entities { id contacts { entities { id } } account_status { name } } } }"


@pytest.mark.parametrize(
    ("conditions", "entities"),
    [
        pytest.param(Conditions(denied=frozenset({"Account.contacts"})), [None], id="non-null: the object goes"),
        pytest.param(
            Conditions(denied=frozenset({"Account.contacts"}), bubbles=False),
            [{"id": "1", "contacts": None, "account_status": {"name": "Active"}}],
            id="null in place",
        ),
        pytest.param(
            Conditions(denied=frozenset({"Account.account_status"})),
            [{"id": "1", "contacts": {"entities": []}, "account_status": None}],
            id="nullable",
        ),
    ],
)
def test_a_field_without_permission_comes_with_errors(shop: Shop, conditions: Conditions, entities: list[Any]) -> None:
    shop.an_account()
    answer = shop.answer(DENIED, conditions)
    assert answer["data"]["accounts"]["entities"] == entities
    assert "not authorized" in answer["errors"][0]["message"]


def test_a_collection_without_permission_leaves_no_data(shop: Shop) -> None:
    answer = shop.answer("{ accounts { entities { id } } }", Conditions(denied=frozenset({"accounts"})))
    assert answer == {"errors": [{"message": "You are not authorized to access accounts."}], "data": None}


def test_a_collection_may_fail_on_page_info_only(shop: Shop) -> None:
    conditions = Conditions(uncounted=frozenset({"accounts"}))
    assert "does not exist" in shop.answer("{ accounts { page_info { page } } }", conditions)["errors"][0]["message"]
    assert shop.ask("{ accounts { entities { id } } }", conditions) == {"accounts": {"entities": []}}


def test_a_collection_may_pretend_to_be_empty(shop: Shop) -> None:
    shop.an_account()
    found = shop.ask(
        "{ accounts { entities { id } page_info { total_count } } }", Conditions(emptied=frozenset({"accounts"}))
    )
    assert found["accounts"] == {"entities": [], "page_info": {"total_count": 0}}
