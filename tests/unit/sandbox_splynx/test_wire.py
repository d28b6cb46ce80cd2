"""Answers: error bodies, types, and the search as SQL."""

from decimal import Decimal

import pytest

from sandbox.splynx import problems, search, wire
from sandbox.splynx.items import total as total_of
from sandbox.splynx.ledger import money
from sandbox.splynx.php import parse
from sandbox.splynx.problems import Invalid
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.routing import resolve

CUSTOMERS = RESOURCES["admin/customers/customer"]


def test_an_error_body_has_no_blanks() -> None:
    assert problems.method_disabled().response().body == (
        b'{"error":{"message":"Method is disabled!","code":405,"internal_code":"METHOD_DISABLED"}}'
    )


def test_a_422_names_the_field_in_both_shapes() -> None:
    invalid = Invalid([("name", "Full name cannot be blank.")])
    assert invalid.response(shape="list").body == b'[{"field":"name","message":"Full name cannot be blank."}]'
    assert b"name: Full name cannot be blank." in bytes(str(invalid.response().body), "utf-8")


@pytest.mark.parametrize(("stored", "shown"), [("64.5000", 64.5), ("64.0000", 64), ("-0.1000", -0.1), ("0.0000", 0)])
def test_a_total_is_a_number(stored: str, shown: float) -> None:
    assert wire.number(stored) == shown


@pytest.mark.parametrize(
    ("quantity", "price", "tax", "total"),
    [
        pytest.param(1, "0.10", "0", "0.1000", id="a tenth"),
        pytest.param("1.5", "10", "0", "20.0000", id="a quantity is a whole number"),
        pytest.param(3, "9.99", "7.25", "32.1428", id="tax"),
        pytest.param(0, "5", "0", "0.0000", id="none"),
    ],
)
def test_a_total_is_quantity_times_price_with_tax(quantity: object, price: str, tax: str, total: str) -> None:
    assert total_of(quantity, price, tax) == Decimal(total)


def test_money_has_four_decimals_rounded_half_up() -> None:
    assert [str(money(value)) for value in ("0.00005", 1, None, "-2.5")] == ["0.0001", "1.0000", "0.0000", "-2.5000"]


def test_values_of_a_search_never_stand_in_the_sql() -> None:
    query = parse("main_attributes[login]=x' OR 1&additional_attributes[a'b][0]=LIKE&additional_attributes[a'b][1]=y'")
    condition = search.where(CUSTOMERS, query, base=[])
    assert "'b" not in condition.sql
    assert "OR 1" not in condition.sql
    assert condition.values == ("x' OR 1", "a'b", "%y'%")


def test_deleted_rows_are_left_out_of_every_search() -> None:
    assert search.where(CUSTOMERS, {}, base=[]).sql == "t.`deleted` = '0'"


@pytest.mark.parametrize(
    ("path", "row_id", "customer"),
    [
        pytest.param("admin/customers/customer", None, 0, id="a collection"),
        pytest.param("admin/customers/customer/5/", "5", 0, id="an item"),
        pytest.param("admin/customers/customer/5/internet-services", None, 5, id="services of one"),
        pytest.param("admin/customers/customer/0/voice-services--12", "12", 0, id="a composite id"),
        pytest.param("admin/customers/customer-notes/5--31", "5--31", 0, id="an id of two parts"),
        pytest.param("admin/config/mail/8--send", "8", 0, id="a sub-action"),
        pytest.param("admin/customers/customer/5/bundle-services--12-cancel", "12", 5, id="a single hyphen"),
        pytest.param("admin/config/inventory-stock/7", "7", 0, id="items under another name than the list"),
        pytest.param("admin/config/additional-fields/customers--sonar_id", "sonar_id", 0, id="an id that is a name"),
    ],
)
def test_the_path_grammar(path: str, row_id: str | None, customer: int) -> None:
    target = resolve(path)
    assert (target.row_id, target.customer_id) == (row_id, customer)


def test_an_id_may_stand_in_the_query_where_the_resource_says_so() -> None:
    query = parse("id=5--2")
    assert resolve("admin/customers/customer-payment-accounts", query).row_id == "5--2"
    assert resolve("admin/finance/payments", query).row_id is None


@pytest.mark.parametrize(
    "path", ["admin/customers/location", "admin/reports/x", "admin/customers/customer/5/x-services"]
)
def test_paths_that_look_plausible_are_404(path: str) -> None:
    with pytest.raises(problems.Problem) as problem:
        resolve(path)
    assert problem.value.status == 404
