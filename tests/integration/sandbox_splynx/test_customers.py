"""Customers: creation with what belongs to it, labels, additional fields, status, deletion."""

import aiohttp
import pytest

from tests.integration.sandbox_splynx.conftest import Splynx

CUSTOMERS = "customers/customer"
VALID = {"name": "Ada Example", "partner_id": 1, "location_id": 1, "category": "person"}


async def test_a_new_customer_gets_info_cap_and_billing_rows_and_a_login(splynx: Splynx) -> None:
    customer = await splynx.customer()
    for table in ("customer_info", "customer_cap", "customer_billing"):
        assert len(splynx.sql(f"SELECT * FROM {table} WHERE customer_id = %s", [customer])) == 1
    shown = (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).body
    assert shown["login"] == f"{customer:06d}"
    assert (shown["added_by"], shown["added_by_id"], shown["billing_type"]) == ("api", 1, "recurring")
    billing = (await splynx.call("GET", f"customers/customer-billing/{customer}")).body
    assert (billing["enabled"], billing["make_invoices"], billing["deposit"]) == (1, "1", "0.0000")


async def test_answers_have_the_products_types(splynx: Splynx) -> None:
    shown = (await splynx.call("GET", f"{CUSTOMERS}/{await splynx.customer()}")).body
    assert shown["mrr_total"] == "0.0000"
    assert shown["last_online"] == "0000-00-00 00:00:00"
    assert isinstance(shown["partner_id"], int)
    assert shown["conversion_date"] is None
    assert "deleted" not in shown


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"name": ""}, "name", id="no name"),
        pytest.param({"partner_id": None}, "partner_id", id="no partner"),
        pytest.param({"partner_id": 9999}, "partner_id", id="unknown partner"),
        pytest.param({"status": "sleeping"}, "status", id="unknown status"),
        pytest.param({"category": "lead"}, "category", id="a lead"),
        pytest.param({"date_add": "01/02/2024"}, "date_add", id="a date in another form"),
        pytest.param({"parent_id": 999999}, "parent_id", id="unknown parent"),
    ],
)
async def test_what_validation_refuses_is_422_and_names_the_field(
    splynx: Splynx, change: dict[str, object], field: str
) -> None:
    answer = await splynx.call("POST", CUSTOMERS, VALID | change)
    assert answer.status == 422
    assert answer.body["error"]["code"] == 422
    assert field in answer.body["error"]["message"]


async def test_a_422_can_have_the_shape_of_the_framework(splynx: Splynx) -> None:
    await splynx.raw("PUT", "/_sandbox/invalid-shape", {"shape": "list"})
    answer = await splynx.call("POST", CUSTOMERS, VALID | {"name": ""})
    assert (answer.status, [error["field"] for error in answer.body]) == (422, ["name"])


async def test_a_login_is_unique_among_live_customers_only(splynx: Splynx) -> None:
    first = await splynx.customer(login="twin", status="disabled")
    assert (await splynx.call("POST", CUSTOMERS, VALID | {"login": "twin"})).status == 422
    assert (await splynx.call("DELETE", f"{CUSTOMERS}/{first}")).status == 204
    assert (await splynx.call("POST", CUSTOMERS, VALID | {"login": "twin"})).status == 201


async def test_the_database_itself_takes_a_twin(splynx: Splynx) -> None:
    first, second = await splynx.customer(login="one"), await splynx.customer(login="two")
    splynx.sql("UPDATE customers SET login = 'same' WHERE id IN (%s, %s)", [first, second])
    assert len(splynx.sql("SELECT id FROM customers WHERE login = 'same'")) == 2


async def test_a_put_changes_only_what_is_sent(splynx: Splynx) -> None:
    customer = await splynx.customer(email="a@example.com", city="Springfield")
    answer = await splynx.call("PUT", f"{CUSTOMERS}/{customer}", {"city": "Shelbyville", "id": 7, "mrr_total": 5})
    assert (answer.status, answer.body) == (202, "")
    shown = (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).body
    assert (shown["city"], shown["email"], shown["mrr_total"]) == ("Shelbyville", "a@example.com", "0.0000")


async def test_too_long_texts_are_cut_in_silence(splynx: Splynx) -> None:
    customer = await splynx.customer(city="c" * 40, name="Ünï 🦀")
    shown = (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).body
    assert (shown["city"], shown["name"]) == ("c" * 32, "Ünï 🦀")


@pytest.mark.parametrize("form", ["form", "multipart"])
async def test_forms_are_read_as_json_is(splynx: Splynx, form: str) -> None:
    fields = {"name": "Form", "partner_id": "1", "location_id": "1", "category": "person"}
    fields["additional_attributes[unknown]"] = "x"
    data = aiohttp.FormData(fields, default_to_multipart=form == "multipart")
    answer = await splynx.call("POST", CUSTOMERS, data=data)
    assert answer.status == 201


async def test_a_body_that_is_no_json_is_400(splynx: Splynx) -> None:
    headers = splynx.basic | {"Content-Type": "application/json"}
    answer = await splynx.call("POST", CUSTOMERS, headers=headers, data=b"{nonsense")
    assert (answer.status, answer.body["error"]["internal_code"]) == (400, "BAD_REQUEST")


async def test_labels_are_written_as_ids_and_read_as_objects(splynx: Splynx) -> None:
    ids = [
        await splynx.created("config/labels", {"module": "customers", "label": text, "color": "#112233"})
        for text in ("group: A", "group: B")
    ]
    customer = await splynx.customer(customer_labels=[*ids, 424242])
    shown = (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).body
    assert shown["customer_labels"] == [
        {"id": ids[0], "label": "group: A", "color": "#112233"},
        {"id": ids[1], "label": "group: B", "color": "#112233"},
    ]
    await splynx.call("PUT", f"{CUSTOMERS}/{customer}", {"customer_labels": ids[1:]})
    shown = (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).body
    assert [label["id"] for label in shown["customer_labels"]] == ids[1:]
    await splynx.call("PUT", f"{CUSTOMERS}/{customer}", {"name": "Ada"})
    assert len((await splynx.call("GET", f"{CUSTOMERS}/{customer}")).body["customer_labels"]) == 1


async def test_additional_fields_travel_in_and_out_and_unset_ones_are_empty(splynx: Splynx) -> None:
    for name, kind in (("source_a", "string"), ("source_b", "string")):
        answer = await splynx.call(
            "POST", "config/additional-fields/customers", {"name": name, "title": name, "type": kind}
        )
        assert (answer.status, answer.body) == (201, {"name": name})
    customer = await splynx.customer(additional_attributes={"source_a": 5012, "no_such": "x"})
    shown = (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).body["additional_attributes"]
    assert (shown["source_a"], shown["source_b"]) == ("5012", "")
    assert "no_such" not in shown
    options = (await splynx.call("OPTIONS", CUSTOMERS)).body
    assert {"source_a", "source_b"} <= {field["name"] for field in options["additional_attributes"]}
    assert [a["name"] for a in options["attributes"] if a["required"]] == ["name"]


async def test_a_unique_additional_field_refuses_a_twin_but_not_its_own_row(splynx: Splynx) -> None:
    field = {"name": "only_id", "title": "Only", "type": "string", "is_unique": 1}
    await splynx.call("POST", "config/additional-fields/customers", field)
    first = await splynx.customer(additional_attributes={"only_id": "77"})
    answer = await splynx.call("POST", CUSTOMERS, VALID | {"additional_attributes": {"only_id": "77"}})
    assert answer.status == 422
    assert "only_id" in answer.body["error"]["message"]
    same = await splynx.call("PUT", f"{CUSTOMERS}/{first}", {"additional_attributes": {"only_id": "77"}})
    assert same.status == 202
    found = (await splynx.call("GET", f"{CUSTOMERS}?additional_attributes[only_id]=77")).body
    assert [row["id"] for row in found] == [first]


@pytest.mark.parametrize(
    ("kind", "more", "value"),
    [
        pytest.param("string", {}, "x" * 256, id="a string that is too long"),
        pytest.param("date", {}, "tomorrow", id="a date that is none"),
        pytest.param("boolean", {}, "yes", id="a boolean that is neither"),
        pytest.param("integer", {}, "many", id="a number that is none"),
        pytest.param("datetime", {}, "2024-05-01", id="a moment without a time"),
        pytest.param("textarea", {"min_length": "3"}, "ab", id="a text that is too short"),
        pytest.param("select_multiple", {"select_values": "red,green"}, "red,blue", id="two options, one of them none"),
        pytest.param("ip", {}, "2001:db8::5", id="an address of the other kind"),
        pytest.param("select", {"select_values": "red,green"}, "blue", id="an option that is none"),
    ],
)
async def test_an_additional_value_must_fit_its_type(
    splynx: Splynx, kind: str, more: dict[str, str], value: str
) -> None:
    name = f"typed_{kind}"
    await splynx.call("POST", "config/additional-fields/customers", {"name": name, "title": name, "type": kind} | more)
    answer = await splynx.call("POST", CUSTOMERS, VALID | {"additional_attributes": {name: value}})
    assert answer.status == 422
    assert name in answer.body["error"]["message"]


async def test_a_required_additional_field_is_asked_for_when_a_row_is_made_and_not_when_it_changes(
    splynx: Splynx,
) -> None:
    before = await splynx.customer()
    field = {"name": "papers", "title": "Papers", "type": "string", "is_required": 1}
    await splynx.call("POST", "config/additional-fields/customers", field)
    try:
        answer = await splynx.call("POST", CUSTOMERS, VALID)
        assert (answer.status, "papers" in answer.body["error"]["message"]) == (422, True)
        assert await splynx.customer(additional_attributes={"papers": "seen"}) > before
        assert (await splynx.call("PUT", f"{CUSTOMERS}/{before}", {"city": "X"})).status == 202
        emptied = await splynx.call("PUT", f"{CUSTOMERS}/{before}", {"additional_attributes": {"papers": ""}})
        assert emptied.status == 422
    finally:
        await splynx.call("DELETE", "config/additional-fields/customers--papers")


async def test_an_active_customer_cannot_be_deleted_and_a_deleted_one_is_gone_but_stays(splynx: Splynx) -> None:
    customer = await splynx.customer()
    answer = await splynx.call("DELETE", f"{CUSTOMERS}/{customer}")
    assert answer.body["error"]["internal_code"] == "ENTITY_CANNOT_BE_DELETED"
    await splynx.call("PUT", f"{CUSTOMERS}/{customer}", {"status": "disabled"})
    assert (await splynx.call("DELETE", f"{CUSTOMERS}/{customer}")).status == 204
    assert (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).status == 404
    assert splynx.sql("SELECT deleted FROM customers WHERE id = %s", [customer]) == [{"deleted": "1"}]


async def test_leads_are_not_in_the_list(splynx: Splynx) -> None:
    customer = await splynx.customer()
    splynx.sql("UPDATE customers SET category = 'lead' WHERE id = %s", [customer])
    assert customer not in {row["id"] for row in (await splynx.call("GET", CUSTOMERS)).body}
    assert (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).status == 404


async def test_a_password_is_sealed_in_the_table_and_clear_in_the_answer(splynx: Splynx) -> None:
    customer = await splynx.customer(password="open sesame")
    row = splynx.sql("SELECT password FROM customers WHERE id = %s", [customer])[0]
    assert "sesame" not in row["password"]
    assert (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).body["password"] == "open sesame"
    splynx.sql("UPDATE customers SET password = 'plain' WHERE id = %s", [customer])
    assert (await splynx.call("GET", f"{CUSTOMERS}/{customer}")).body["password"] == ""


async def test_the_deposit_cannot_be_written(splynx: Splynx) -> None:
    customer = await splynx.customer()
    path = f"customers/customer-billing/{customer}"
    answer = await splynx.call("PUT", path, {"enabled": 0, "deposit": "500", "partner_percent": 7, "billing_due": 20})
    assert answer.status == 202
    billing = (await splynx.call("GET", path)).body
    assert (billing["enabled"], billing["deposit"], billing["billing_due"]) == (0, "0.0000", "20")
    assert (await splynx.call("PUT", path, {"billing_date": 31})).status == 422


async def test_info_is_read_and_written_by_the_customers_id(splynx: Splynx) -> None:
    customer = await splynx.customer()
    path = f"customers/customer-info/{customer}"
    assert (await splynx.call("PUT", path, {"contact_person": "Bo Example"})).status == 202
    info = (await splynx.call("GET", path)).body
    assert (info["id"], info["contact_person"], info["birthday"]) == (customer, "Bo Example", "")


async def test_an_accounting_add_on_pushes_a_changed_customer_again(splynx: Splynx) -> None:
    customer = await splynx.customer()
    splynx.sql("INSERT INTO accounting_customers (customer_id, modified) VALUES (%s, '0')", [customer])
    for city, modified in (("", "0"), ("Ogdenville", "1")):
        await splynx.call("PUT", f"{CUSTOMERS}/{customer}", {"city": city})
        sql = "SELECT modified FROM accounting_customers WHERE customer_id = %s"
        assert splynx.sql(sql, [customer]) == [{"modified": modified}]


async def test_every_write_is_logged_with_the_keys_id(splynx: Splynx) -> None:
    customer = await splynx.customer()
    await splynx.call("PUT", f"{CUSTOMERS}/{customer}", {"city": "Ogdenville"})
    changes = splynx.sql("SELECT administrator_id FROM logs_changes WHERE customer_id = %s", [customer])
    assert changes == [{"administrator_id": 1}] * 2
    logged = splynx.sql("SELECT action, model, api_key_id FROM logs_api WHERE customer_id = %s", [customer])
    assert [(row["action"], row["model"], row["api_key_id"]) for row in logged] == [
        ("create", "Customer", 1),
        ("update", "Customer", 1),
    ]


async def test_a_hook_carries_what_was_sent_but_no_password(splynx: Splynx) -> None:
    customer = await splynx.customer(password="s3cret", additional_attributes={})
    await splynx.call("PUT", f"customers/customer/{customer}", {"phone": "1"})
    first, second = (await splynx.side_effects())["hooks"]
    assert (first["action"], first["model"], first["id"]) == ("create", "Customer", str(customer))
    assert (first["data"]["attributes"]["status"], "password" in first["data"]["attributes"]) == ("active", False)
    assert second["data"]["attributes"] == {"phone": "1"}


async def test_a_partner_in_use_cannot_be_deleted(splynx: Splynx) -> None:
    partner = await splynx.created("administration/partners", {"name": "East"})
    customer = await splynx.customer(partner_id=partner, status="disabled")
    answer = await splynx.call("DELETE", f"administration/partners/{partner}")
    assert answer.body["error"]["internal_code"] == "ENTITY_CANNOT_BE_DELETED"
    await splynx.call("DELETE", f"{CUSTOMERS}/{customer}")
    assert (await splynx.call("DELETE", f"administration/partners/{partner}")).status == 204


async def test_the_welcome_mail_goes_out_unless_it_is_switched_off(splynx: Splynx) -> None:
    customer = await splynx.customer(email="ada@example.com")
    mails = (await splynx.side_effects())["mails"]
    assert [(mail["kind"], mail["customer_id"]) for mail in mails] == [("welcome", customer)]
    assert (await splynx.raw("DELETE", "/_sandbox/side-effects")).status == 204
    await splynx.call("PUT", "config/config?module=main&path=customers", {"welcome_message": False})
    await splynx.customer(email="bo@example.com")
    assert (await splynx.side_effects())["mails"] == []
