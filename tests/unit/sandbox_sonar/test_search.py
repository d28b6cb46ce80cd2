"""`search`, `general_search`, relation filters and equality arguments, each operator by its effect."""

from datetime import date, timedelta

import pytest

from sandbox.sonar.compile import Conditions
from tests.unit.sandbox_sonar.shop import START, Shop


@pytest.fixture
def town(shop: Shop) -> Shop:
    """Three accounts that differ in every column the tests search by."""
    shop.an_account(
        "Ada", data_usage_percentage=10, is_delinquent=True, next_bill_date=date(2026, 4, 1), geopoint="41.5,-89.5"
    )
    shop.an_account(
        "Bea Quill", at=START + timedelta(hours=1), data_usage_percentage=20, next_bill_date=date(2026, 5, 1)
    )
    shop.an_account("Cy", at=START + timedelta(hours=2), geopoint="10.0,10.0")
    return shop


def integer(operator: str, value: int, attribute: str = "data_usage_percentage") -> str:
    return f'search: {{integer_fields: {{attribute: "{attribute}", search_value: {value}, operator: {operator}}}}}'


@pytest.mark.parametrize(
    ("operator", "found"),
    [
        ("GTE", ["Bea Quill"]),
        ("GT", []),
        ("LTE", ["Ada", "Bea Quill"]),
        ("LT", ["Ada"]),
        ("EQ", ["Bea Quill"]),
        ("NEQ", ["Ada", "Cy"]),
    ],
)
def test_integer_fields_compare(town: Shop, operator: str, found: list[str]) -> None:
    assert town.names(integer(operator, 20)) == found


def test_ids_compare_as_numbers_although_they_travel_as_text(town: Shop) -> None:
    for number in range(4, 12):
        town.an_account(f"N{number}")
    assert town.names('search: {integer_fields: {attribute: "id", search_value: "9", operator: GT}}') == ["N10", "N11"]


@pytest.mark.parametrize(
    ("field", "found"),
    [
        pytest.param('search_value: "A", match: true', ["Ada", "Bea Quill"], id="contains, whatever the case"),
        pytest.param('search_value: "ada", match: true, partial_matching: false', ["Ada"], id="whole"),
        pytest.param('search_value: "bea", match: true, partial_matching: false', [], id="whole means whole"),
        pytest.param('search_value: "a", match: false', ["Cy"], id="excluded"),
    ],
)
def test_string_fields_match(town: Shop, field: str, found: list[str]) -> None:
    assert town.names(f'search: {{string_fields: {{attribute: "name", {field}}}}}') == found


@pytest.mark.parametrize(("match", "found"), [("true", ["1"]), ("false", ["2", "3"])])
def test_a_null_does_not_match_and_so_is_not_excluded(shop: Shop, match: str, found: list[str]) -> None:
    account = shop.an_account()
    for description in ("cash box", None, "card"):
        shop.a_payment(account, description=description)
    search = f'{{string_fields: {{attribute: "description", search_value: "cash", match: {match}}}}}'
    rows = shop.ask(f"{{ payments(search: {search}) {{ entities {{ id }} }} }}")["payments"]["entities"]
    assert [row["id"] for row in rows] == found


def test_string_fields_find_enum_values_in_any_case(town: Shop) -> None:
    search = 'search: {string_fields: {attribute: "type", search_value: "Residential", match: true}}'
    assert town.names(search, "account_types") == ["Home"]


@pytest.mark.parametrize(
    "value", ["2026-03-01T13:00:00+00:00", "2026-03-01T13:00:00+0000", "2026-03-01T08:00:00-05:00"]
)
def test_datetime_fields_understand_every_offset(town: Shop, value: str) -> None:
    search = f'{{attribute: "updated_at", operator: GTE, search_value: "{value}"}}'
    assert town.names(f"search: {{datetime_fields: {search}}}") == ["Bea Quill", "Cy"]


def test_date_fields_compare_days(town: Shop) -> None:
    search = '{attribute: "next_bill_date", operator: LT, search_value: "2026-04-15"}'
    assert town.names(f"search: {{date_fields: {search}}}") == ["Ada"]


def test_float_fields_compare_decimals_kept_as_text(shop: Shop) -> None:
    for latitude in ("9.5", "10.25"):
        shop.store.insert(
            "Address", is_anchor=False, latitude=latitude, serviceable=True, type="PHYSICAL", line1=latitude
        )
    search = '{float_fields: {attribute: "latitude", operator: GT, search_value: 9.75}}'
    found = shop.ask(f"{{ addresses(search: {search}) {{ entities {{ line1 }} }} }}")
    assert found["addresses"]["entities"] == [{"line1": "10.25"}]


@pytest.mark.parametrize(("operator", "found"), [("", ["Ada"]), ("operator: NEQ", ["Bea Quill", "Cy"])])
def test_boolean_fields_may_leave_the_operator_out(town: Shop, operator: str, found: list[str]) -> None:
    search = f'{{attribute: "is_delinquent", search_value: true, {operator}}}'
    assert town.names(f"search: {{boolean_fields: {search}}}") == found


@pytest.mark.parametrize(("match", "found"), [("true", ["100.64.1.10/32"]), ("false", ["2605:40c1::1"])])
def test_ip_address_fields_test_containment(shop: Shop, match: str, found: list[str]) -> None:
    account = shop.an_account()
    for reference in ("100.64.1.10/32", "2605:40c1::1"):
        shop.a_payment(account, reference=reference)
    search = f'{{ip_address_fields: {{attribute: "reference", search_value: "100.64.0.0/16", match: {match}}}}}'
    rows = shop.ask(f"{{ payments(search: {search}) {{ entities {{ reference }} }} }}")["payments"]["entities"]
    assert [row["reference"] for row in rows] == found


def test_geopoint_fields_are_the_corners_of_a_polygon(town: Shop) -> None:
    corners = "[{latitude: 41, longitude: -90}, {latitude: 42, longitude: -90}, {latitude: 42, longitude: -89}, \
{latitude: 41, longitude: -89}]"
    assert town.names(f"search: {{geopoint_fields: {corners}}}") == ["Ada"]


def test_unset_and_exists_tell_null_from_value(town: Shop) -> None:
    assert town.names('search: {unset_fields: "next_bill_date"}') == ["Cy"]
    assert town.names('search: {exists: ["next_bill_date", "geopoint"]}') == ["Ada"]


def test_an_empty_list_does_not_exist(shop: Shop) -> None:
    for name, options in (("A", ["x"]), ("B", []), ("C", None)):
        shop.store.insert(
            "CustomField",
            entity_type="Account",
            enum_options=options,
            name=name,
            required=False,
            type="TEXT",
            unique=False,
        )
    assert shop.names('search: {exists: "enum_options"}', "custom_fields") == ["A"]


def test_one_search_object_is_an_and_the_list_is_an_or(town: Shop) -> None:
    both = '{string_fields: {attribute: "name", search_value: "a", match: true}, exists: "geopoint"}'
    other = '{string_fields: {attribute: "name", search_value: "cy", match: true}}'
    assert town.names(f"search: {both}") == ["Ada"]
    assert town.names(f"search: [{both}, {other}]") == ["Ada", "Cy"]


def test_an_empty_search_filters_nothing(town: Shop) -> None:
    assert len(town.names("search: []")) == len(town.names("search: {}")) == 3


@pytest.mark.parametrize(
    ("searches", "found"),
    [
        pytest.param([("id", 1), ("id", 3), ("id", 9)], ["Ada", "Cy"], id="one of several ids"),
        pytest.param([("id", 1), ("data_usage_percentage", 20)], ["Ada", "Bea Quill"], id="by either column"),
        pytest.param([("id", 1, 1), ("id", 2, 1), ("id", 2, 5)], ["Bea Quill"], id="each with what it asks beside"),
        pytest.param([("id", 2), ("data_usage_percentage", 99)], ["Bea Quill"], id="a row without a value"),
    ],
)
def test_one_of_several_searches_is_enough(town: Shop, searches: list[tuple[str, ...]], found: list[str]) -> None:
    """The third member: also an id above it."""

    def fields(attribute: str, value: int, above: int | None = None) -> str:
        more = "" if above is None else f'{{attribute: "id", search_value: {above}, operator: GT}}'
        return f'{{integer_fields: [{{attribute: "{attribute}", search_value: {value}, operator: EQ}} {more}]}}'

    assert town.names(f"search: [{' '.join(fields(*one) for one in searches)}]") == found  # type: ignore[arg-type]


def test_several_eq_on_one_attribute_are_an_and_unless_the_switch_says_or(town: Shop) -> None:
    query = """{ accounts(search: {integer_fields: [
        {attribute: "data_usage_percentage", search_value: 10, operator: EQ}
        {attribute: "data_usage_percentage", search_value: 20, operator: EQ}]}) { entities { name } } }"""
    assert town.ask(query)["accounts"]["entities"] == []
    found = town.ask(query, Conditions(same_attribute_or=True))["accounts"]["entities"]
    assert [row["name"] for row in found] == ["Ada", "Bea Quill"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("id: 2", ["Bea Quill"]),
        ('id: "2"', ["Bea Quill"]),
        ("id: 99", []),
        ("is_delinquent: true", ["Ada"]),
        ('created_at: "2026-03-01T14:00:00Z"', ["Cy"]),
        ('next_bill_date: "2026-05-01"', ["Bea Quill"]),
        ("name: null", ["Ada", "Bea Quill", "Cy"]),
        ("id: 2, is_delinquent: true", []),
    ],
)
def test_equality_arguments_compare_and_null_means_no_filter(town: Shop, arguments: str, found: list[str]) -> None:
    assert town.names(arguments) == found


def test_general_search_looks_into_texts_and_on_demand_into_relations(town: Shop) -> None:
    town.a_contact(3, "Quillon")
    assert town.names('general_search: "quill"') == ["Bea Quill"]
    assert town.names('general_search: "quill", general_search_mode: ROOT_PLUS_RELATIONS') == ["Bea Quill", "Cy"]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        pytest.param('{relation: "contacts"}', ["Ada", "Bea Quill"], id="has one"),
        pytest.param('{relation: "contacts", is_empty: true}', ["Cy"], id="has none"),
        pytest.param('{relation: "contacts.phone_numbers"}', ["Bea Quill"], id="by dots"),
        pytest.param('{relation: "contacts", general_search: "zed"}', ["Ada"], id="that matches"),
        pytest.param(
            '[{relation: "contacts", general_search: "zed"}, {relation: "contacts.phone_numbers"}]',
            [],
            id="same group: and",
        ),
        pytest.param(
            '[{relation: "contacts", general_search: "zed"}, {relation: "contacts.phone_numbers", group: "b"}]',
            ["Ada", "Bea Quill"],
            id="other group: or",
        ),
        pytest.param(
            '{relation: "contacts", search: {unset_fields: "email_address"}}', ["Ada", "Bea Quill"], id="with a search"
        ),
    ],
)
def test_relation_filters_choose_roots(town: Shop, filter: str, found: list[str]) -> None:
    town.a_contact(1, "Zed")
    town.a_phone(town.a_contact(2, "Yul"))
    assert town.names(f"reverse_relation_filters: {filter}") == found
    assert town.names(f"search: {{reverse_relation_filters: {filter}}}") == found


def test_a_relation_filter_leaves_the_nested_list_whole(town: Shop) -> None:
    for name in ("Zed", "Yul"):
        town.a_contact(1, name)
    filter = 'reverse_relation_filters: {relation: "contacts", general_search: "zed"}'
    rows = town.ask(f"{{ accounts({filter}) {{ entities {{ contacts {{ entities {{ name }} }} }} }} }}")
    assert [one["name"] for one in rows["accounts"]["entities"][0]["contacts"]["entities"]] == ["Zed", "Yul"]


def test_a_relation_filter_does_not_see_archived_accounts(shop: Shop) -> None:
    shop.a_payment(shop.an_account("Gone", archived_at=START))
    query = '{ payments(reverse_relation_filters: {relation: "account"}) { page_info { total_count } } }'
    assert shop.ask(query)["payments"]["page_info"]["total_count"] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ('search: {exists: "shoe_size"}', "Attribute [shoe_size] does not exist on Account."),
        ('sorter: {attribute: "shoe_size", direction: ASC}', "Attribute [shoe_size] does not exist on Account."),
        (integer("EQ", 1, "name"), "Attribute [name] cannot be searched by integer_fields."),
        ('reverse_relation_filters: {relation: "pets"}', "Relation [pets] does not exist on Account."),
        ("search: {geopoint_fields: {latitude: 1, longitude: 1}}", "A polygon needs three vertices or more."),
        ("paginator: {page: 0, records_per_page: 1}", "The paginator counts pages and records from 1."),
    ],
)
def test_arguments_that_cannot_be_obeyed_are_errors_inside_a_200(town: Shop, arguments: str, complaint: str) -> None:
    answer = town.answer(f"{{ accounts({arguments}) {{ entities {{ id }} }} }}")
    assert answer == {"errors": [{"message": complaint}], "data": None}
