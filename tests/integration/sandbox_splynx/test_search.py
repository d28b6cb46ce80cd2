"""Lists: conditions as PHP arrays, order, paging, counting."""

from urllib.parse import quote

import pytest

from tests.integration.sandbox_splynx.conftest import Splynx

CITIES = ("Alder", "Birch", "Cedar", "Dogwood")


@pytest.fixture
async def four(splynx: Splynx) -> Splynx:
    """Four customers and no others: logins tree-0 to tree-3, in four cities, added on four days."""
    splynx.sql("UPDATE customers SET deleted = '1'")
    for number, city in enumerate(CITIES):
        await splynx.customer(
            login=f"tree-{number}", city=city, date_add=f"2024-01-0{number + 1}", status="active" if number else "new"
        )
    return splynx


async def logins(splynx: Splynx, query: str) -> list[str]:
    rows = (await splynx.call("GET", f"customers/customer?{query}")).body
    return [row["login"] for row in rows]


def named(*numbers: int) -> list[str]:
    return [f"tree-{number}" for number in numbers]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", [0, 1, 2, 3], id="nothing asked: all rows, by id"),
        pytest.param("main_attributes[login]=tree-2", [2], id="equality"),
        pytest.param("main_attributes[status][0]=!=&main_attributes[status][1]=active", [0], id="not equal"),
        pytest.param("main_attributes[city][0]=LIKE&main_attributes[city][1]=ed", [2], id="LIKE a bare word"),
        pytest.param("main_attributes[city][0]=LIKE&main_attributes[city][1]=B%25", [1], id="LIKE with a wildcard"),
        pytest.param("main_attributes[city][0]=REGEXP&main_attributes[city][1]=^[AB]", [0, 1], id="REGEXP"),
        pytest.param(
            "main_attributes[date_add][0]=BETWEEN&main_attributes[date_add][1]=2024-01-02"
            "&main_attributes[date_add][2]=2024-01-03",
            [1, 2],
            id="BETWEEN",
        ),
        pytest.param("main_attributes[date_add][0]=>=&main_attributes[date_add][1]=2024-01-03", [2, 3], id="at least"),
        pytest.param("main_attributes[date_add][0]=<&main_attributes[date_add][1]=2024-01-02", [0], id="less"),
        pytest.param(
            "main_attributes[login][0]=IN&main_attributes[login][1][0]=tree-0&main_attributes[login][1][1]=tree-3",
            [0, 3],
            id="IN",
        ),
        pytest.param("main_attributes[login][0]=IN", [], id="IN nothing"),
        pytest.param("main_attributes[gps][0]=IS&main_attributes[gps][1]=NULL", [0, 1, 2, 3], id="IS NULL"),
        pytest.param("main_attributes[gps][0]=IS&main_attributes[gps][1]=NOT NULL", [], id="IS NOT NULL"),
        pytest.param("main_attributes[city][0]=FIND_IN_SET&main_attributes[city][1]=Cedar", [2], id="FIND_IN_SET"),
        pytest.param("main_attributes[status]=active&main_attributes[city]=Birch", [1], id="two, joined by AND"),
        pytest.param("order[id]=DESC&limit=2", [3, 2], id="order and limit"),
        pytest.param("order[city]=ASC&limit=2&offset=1", [1, 2], id="a page"),
        pytest.param("offset=3", [3], id="an offset without a limit"),
        pytest.param("page=2&per_page=1&status=new&itemsPerPage=1", [0, 1, 2, 3], id="unknown parameters"),
        pytest.param("main_attributes[no_such]=1&order[no_such]=DESC", [0, 1, 2, 3], id="unknown attributes"),
        pytest.param("main_attributes[id][0]=DROP&main_attributes[id][1]=1", [0, 1, 2, 3], id="unknown operator"),
        pytest.param("main_attributes[login]=tree-0' OR '1'='1", [], id="a quotation mark"),
    ],
)
async def test_a_list_holds_what_the_search_asks_for(four: Splynx, query: str, expected: list[int]) -> None:
    assert await logins(four, query) == named(*expected)


async def test_percent_encoded_brackets_are_equal(four: Splynx) -> None:
    assert await logins(four, quote("main_attributes[login]", safe="") + "=tree-1") == named(1)


async def test_an_additional_field_is_searched_with_operators_too(four: Splynx) -> None:
    field = {"name": "branch", "title": "Branch", "type": "string"}
    await four.call("POST", "config/additional-fields/customers", field)
    rows = (await four.call("GET", "customers/customer")).body
    for number in (1, 2):
        body = {"additional_attributes": {"branch": f"b{number}"}}
        await four.call("PUT", f"customers/customer/{rows[number]['id']}", body)
    assert await logins(four, "additional_attributes[branch]=b2") == named(2)
    both = "additional_attributes[branch][0]=IN&additional_attributes[branch][1][0]=b1"
    assert await logins(four, f"{both}&additional_attributes[branch][1][1]=b2") == named(1, 2)
    assert await logins(four, "additional_attributes[branch]=b2&main_attributes[status]=new") == []


async def test_head_counts_what_matches_whatever_the_page(four: Splynx) -> None:
    for query, count in (("", "4"), ("main_attributes[status]=active&limit=1", "3"), ("main_attributes[id]=0", "0")):
        answer = await four.call("HEAD", f"customers/customer?{query}")
        assert (answer.status, answer.body, answer.headers["X-total-count"]) == (204, "", count)


async def test_settings_are_read_and_written_per_path(splynx: Splynx) -> None:
    path = "config/config?module=finance&path=customer"
    assert (await splynx.call("GET", path)).body["billing_due"] == 15
    assert (await splynx.call("PUT", path, {"billing_due": 10, "no_such": 1})).status == 202
    assert (await splynx.call("GET", f"{path}&key=billing_due")).body == {"billing_due": 10}
    assert (await splynx.call("PUT", path, {"billing_due": 15})).status == 202
    assert (await splynx.call("GET", "config/config?module=finance&path=nothing")).status == 404
    assert (await splynx.call("GET", "config/config")).status == 400
    zone = (await splynx.call("GET", "config/config?module=main&path=localization")).body
    assert zone == {"timezone": "America/Chicago", "currency": "USD"}


async def test_additional_fields_are_defined_changed_and_taken_away(splynx: Splynx) -> None:
    path = "config/additional-fields/partners"
    body = {"name": "sonar_id", "title": "Sonar id", "type": "string", "is_unique": True, "is_required": 0}
    assert (await splynx.call("POST", path, body)).body == {"name": "sonar_id"}
    assert (await splynx.call("POST", path, body)).status == 422
    assert (await splynx.call("POST", path, body | {"name": "Bad Name"})).status == 422
    assert (await splynx.call("POST", path, body | {"name": "other", "type": "TEXT"})).status == 422
    (listed,) = (await splynx.call("GET", path)).body
    assert (listed["name"], listed["is_unique"], listed["is_required"]) == ("sonar_id", "1", "0")
    assert (await splynx.call("PUT", f"{path}--sonar_id", {"title": "New"})).status == 202
    assert (await splynx.call("GET", f"{path}--sonar_id")).body["title"] == "New"
    partner = await splynx.created("administration/partners", {"name": "N", "additional_attributes": {"sonar_id": "5"}})
    assert (await splynx.call("DELETE", f"{path}--sonar_id")).status == 204
    assert (await splynx.call("GET", f"{path}--sonar_id")).status == 404
    assert (
        "sonar_id" not in (await splynx.call("GET", f"administration/partners/{partner}")).body["additional_attributes"]
    )
    assert (await splynx.call("POST", path, body)).status == 201
    await splynx.call("DELETE", f"{path}--sonar_id")


async def test_definitions_of_additional_fields_are_counted_and_described(splynx: Splynx) -> None:
    path = "config/additional-fields/monitoring"
    before = int((await splynx.call("HEAD", path)).headers["X-total-count"])
    assert (await splynx.call("POST", path, {"name": "rack", "title": "Rack", "type": "string"})).status == 201
    assert int((await splynx.call("HEAD", path)).headers["X-total-count"]) == before + 1
    described = (await splynx.call("OPTIONS", path)).body["attributes"]
    assert [attribute["name"] for attribute in described if attribute["required"]] == ["name", "title", "type"]
    assert (await splynx.call("OPTIONS", "config/additional-fields/nothing")).status == 404


async def test_labels_are_unique_within_their_module(splynx: Splynx) -> None:
    label = {"module": "customers", "label": "flag: archived"}
    made = await splynx.created("config/labels", label)
    assert (await splynx.call("POST", "config/labels", label)).status == 422
    assert (await splynx.call("POST", "config/labels", label | {"module": "ticket"})).status == 201
    assert (await splynx.call("POST", "config/labels", label | {"module": "nothing"})).status == 422
    shown = (await splynx.call("GET", f"config/labels/{made}")).body
    assert (shown["color"], shown["textColor"], shown["module"]) == ("#357bf2", "#ffffff", "customers")
    assert (await splynx.call("DELETE", f"config/labels/{made}")).status == 204


async def test_taxes_states_and_staff_are_read(splynx: Splynx) -> None:
    assert (await splynx.call("GET", "config/taxes")).body[0]["rate"] == "0.0000"
    assert "US-TX" in {row["code"] for row in (await splynx.call("GET", "config/states-provinces")).body}
    (admin,) = [
        row for row in (await splynx.call("GET", "administration/administrators")).body if str(row["id"]) == "1"
    ]
    assert (admin["login"], "password" in admin, "otp_secret" in admin) == ("admin", False, False)
    assert (await splynx.call("GET", "api/check")).body["status"] == "success"
