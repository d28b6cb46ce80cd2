"""The forms in which real clients send their queries, and what they get back when a query is wrong."""

import json
from typing import Any

import pytest

from sandbox.sonar.requests import BadRequest, read_request
from tests.unit.sandbox_sonar.shop import Shop


@pytest.mark.parametrize(
    ("variables", "read"),
    [
        pytest.param({}, {}, id="missing"),
        pytest.param({"variables": None}, {}, id="null"),
        pytest.param({"variables": {}}, {}, id="empty"),
        pytest.param({"variables": []}, {}, id="an empty list, as PHP writes it"),
        pytest.param({"variables": '{"n": 1}'}, {"n": 1}, id="JSON in a string"),
        pytest.param({"variables": "null"}, {}, id="null in a string"),
    ],
)
def test_variables_are_read_in_every_form(variables: dict[str, Any], read: dict[str, Any]) -> None:
    request = read_request(json.dumps({"query": "{ me { id } }", **variables}).encode())
    assert (request.query, request.variables, request.operation_name) == ("{ me { id } }", read, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"query=x",
        b"[]",
        b"{}",
        b'{"query": 7}',
        b'{"query": "{a}", "variables": "x"}',
        b'{"query": "{a}", "variables": 7}',
    ],
)
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_request(body)


def test_libreqos_sends_variables_for_paginator_search_and_relation_filters(shop: Shop) -> None:
    account = shop.an_account()
    shop.a_contact(account)
    query = """query accountsWithContacts($pages: Paginator, $search: [Search], $rrf: ReverseRelationFilter) {
      accounts(paginator: $pages, search: $search, reverse_relation_filters: [$rrf]) {
        entities { id name contacts(paginator: {page: 1, records_per_page: 1}) { entities { name } } }
        page_info { page records_per_page total_count total_pages } } }"""
    found = shop.ask(
        query,
        pages={"records_per_page": 100, "page": 1},
        search=[
            {"integer_fields": [{"attribute": "account_status_id", "search_value": shop.status, "operator": "EQ"}]}
        ],
        rrf={"relation": "contacts"},
    )
    assert found["accounts"]["page_info"] == {"page": 1, "records_per_page": 100, "total_count": 1, "total_pages": 1}


def test_the_full_sync_client_lists_every_column_with_fragments_on_owners(shop: Shop) -> None:
    shop.a_contact(shop.an_account())
    columns = " ".join(shop.store.declarations.types["Contact"].columns)
    found = shop.ask(
        f"""query getContacts($paginator: Paginator) {{ contacts(paginator: $paginator) {{
      entities {{ {columns} contactable {{ ... on Account {{ name }} }} }}
      page_info {{ total_count }} }} }}""",
        paginator={"page": 1, "records_per_page": 1000},
    )
    assert found["contacts"]["entities"][0]["contactable"] == {"name": "Ada"}


def test_the_php_builder_puts_one_sorter_variable_into_a_list_literal(shop: Shop) -> None:
    shop.an_account("A")
    shop.an_account("B")
    query = """query($accounts_sorter: Sorter, $accounts_search: [Search], $accounts_paginator: Paginator) {
      accounts(sorter: [$accounts_sorter], search: $accounts_search, paginator: $accounts_paginator) {
        entities { name } } }"""
    one = {"string_fields": [{"attribute": "name", "search_value": "a", "match": True, "partial_matching": False}]}
    found = shop.ask(
        query,
        accounts_sorter={"attribute": "name", "direction": "DESC"},
        accounts_search=[one, {"string_fields": {"attribute": "name", "search_value": "b", "match": True}}],
        accounts_paginator={"page": 1, "records_per_page": 25},
    )
    assert [row["name"] for row in found["accounts"]["entities"]] == ["B", "A"]


def test_the_object_client_batches_operations_under_aliases(shop: Shop) -> None:
    shop.an_account()
    found = shop.ask("""query($kqzvwjtnpxbmhrdgcfyslaoeui: Paginator) {
      operation_0: accounts(paginator: $kqzvwjtnpxbmhrdgcfyslaoeui) { entities { id } }
      operation_1: account_statuses(paginator: $kqzvwjtnpxbmhrdgcfyslaoeui) { entities { id } } }""",
      kqzvwjtnpxbmhrdgcfyslaoeui={"page": 1, "records_per_page": 100})  # fmt: skip
    assert found == {"operation_0": {"entities": [{"id": "1"}]}, "operation_1": {"entities": [{"id": "1"}]}}


def test_two_hundred_aliased_root_fields_fit_into_one_request(shop: Shop) -> None:
    for number in range(200):
        shop.an_account(f"A{number}")
    fields = " ".join(f"a{id}: accounts(id: {id}) {{ entities {{ name }} }}" for id in range(1, 201))
    found = shop.ask(f"{{ {fields} }}")
    assert len(found) == 200
    assert found["a200"] == {"entities": [{"name": "A199"}]}


def test_the_dashboard_asks_for_counts_only_under_aliases(shop: Shop) -> None:
    shop.an_account(is_delinquent=True)
    shop.an_account()
    found = shop.ask("""{
      late: accounts(is_delinquent: true) { page_info { total_count } }
      all: accounts(is_delinquent: null) { page_info { total_count } } }""")
    assert {key: value["page_info"]["total_count"] for key, value in found.items()} == {"late": 1, "all": 2}


def test_the_same_connection_twice_under_two_aliases(shop: Shop) -> None:
    account = shop.an_account()
    shop.a_contact(account, "P")
    shop.a_contact(account, "Q", primary=False)
    found = shop.ask("""{ accounts { entities {
      main: contacts(primary: true) { entities { name } }
      other: contacts(primary: false) { entities { name } } } } }""")
    assert found["accounts"]["entities"] == [
        {"main": {"entities": [{"name": "P"}]}, "other": {"entities": [{"name": "Q"}]}}
    ]


def test_carriage_returns_inside_a_document_are_white_space(shop: Shop) -> None:
    shop.an_account()
    query = (
        "query {\r\n  accounts(\r\n    paginator: {page: 1, records_per_page: 5}\r\n  ) {\r\n entities { id } }\r\n}"
    )
    assert shop.ask(query) == {"accounts": {"entities": [{"id": "1"}]}}


def test_single_values_stand_for_lists_in_variables_as_in_literals(shop: Shop) -> None:
    shop.an_account()
    query = "query($s: [Search], $o: [Sorter]) { accounts(search: $s, sorter: $o) { entities { id } } }"
    found = shop.ask(query, s={"exists": "id"}, o={"attribute": "id", "direction": "ASC"})
    assert found["accounts"]["entities"] == [{"id": "1"}]


def test_a_named_operation_is_chosen_among_several(shop: Shop) -> None:
    query = "query A { accounts { entities { id } } } query B { account_types { entities { name } } }"
    assert shop.engine.execute(query, {}, "B") == {"data": {"account_types": {"entities": [{"name": "Home"}]}}}
    assert "name of one" in shop.engine.execute(query)["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "variables", "complaint"),
    [
        pytest.param("{ accounts { ", {}, "Syntax Error", id="syntax"),
        pytest.param("{ acounts { entities { id } } }", {}, "Cannot query field 'acounts'", id="unknown field"),
        pytest.param("{ accounts(ids: [1]) { entities { id } } }", {}, "Unknown argument 'ids'", id="no ids argument"),
        pytest.param(
            "query($n: Int!) { accounts(paginator: {page: 1, records_per_page: $n}) { entities { id } } }",
            {}, "of required type 'Int!' was not provided", id="missing variable",
        ),
        pytest.param(
            "query($d: Datetime) { accounts(updated_at: $d) { entities { id } } }",
            {"d": "yesterday"}, "ISO 8601", id="not a date",
        ),
        pytest.param("{ accounts(id: \"x\") { entities { id } } }", {}, "64-bit integer", id="not an id"),
        pytest.param("mutation { deleteContact(id: 1) { success } }", {}, "mutation", id="a mutation"),
    ],
)  # fmt: skip
def test_a_wrong_query_answers_with_errors(shop: Shop, query: str, variables: dict[str, Any], complaint: str) -> None:
    answer = shop.answer(query, **variables)
    assert complaint in answer["errors"][0]["message"]
    assert answer.get("data") is None


def test_only_so_many_documents_are_kept_compiled(shop: Shop) -> None:
    for number in range(600):
        shop.ask(f"{{ accounts(id: {number}) {{ entities {{ id }} }} }}")
    assert len(shop.engine._documents) == 512
