"""Tariffs of every kind, bundles with their parts, places and discounts of services, and their addresses."""

from typing import Any

import pytest

from tests.integration.sandbox_splynx.conftest import Splynx
from tests.integration.sandbox_splynx.test_belongings import changed, read
from tests.integration.sandbox_splynx.test_services import INTERNET

OFFERED = {"partners_ids": [1], "available_for_locations": [1], "customer_categories": ["person", "company"]}


async def tariff(splynx: Splynx, kind: str, **more: Any) -> int:
    billed = {} if kind == "one-time" else {"billing_types": ["recurring"]}
    return await splynx.created(f"tariffs/{kind}", OFFERED | billed | {"title": f"New {kind}", "price": 15} | more)


@pytest.mark.parametrize("kind", ["voice", "recurring", "one-time"])
async def test_a_tariff_of_each_kind_tells_to_whom_it_is_offered(splynx: Splynx, kind: str) -> None:
    more = {"type": "voip"} if kind == "voice" else {}
    made = await tariff(splynx, kind, **more)
    shown = await read(splynx, f"tariffs/{kind}/{made}")
    assert {name: shown[name] for name in OFFERED} == OFFERED | {"customer_categories": ["company", "person"]}
    assert (shown["price"], shown["with_vat"]) == ("15.0000", True)
    name = "service_description" if kind == "one-time" else "service_name"
    assert shown[name] == shown["title"] == f"New {kind}"
    billed = {} if kind == "one-time" else {"billing_types": ["recurring"]}
    twin = await splynx.call("POST", f"tariffs/{kind}", OFFERED | billed | more | {"title": f"New {kind}"})
    assert (twin.status, "title" in twin.body["error"]["message"].lower()) == (422, True)
    nobody = await splynx.call("POST", f"tariffs/{kind}", OFFERED | more | {"title": "Nobody's", "partners_ids": []})
    assert (nobody.status, "partners_ids" in nobody.body["error"]["message"]) == (422, True)


async def test_a_bundle_brings_its_services_and_ends_with_them(splynx: Splynx) -> None:
    bundle = await tariff(splynx, "bundle", title="Duo", internet_tariffs=[1], custom_tariffs=[1])
    assert (await read(splynx, f"tariffs/bundle/{bundle}"))["internet_tariffs"] == [1]
    customer = await splynx.customer()
    path = f"customers/customer/{customer}/bundle-services"
    body: dict[str, Any] = {"bundle_id": bundle, "status": "active", "description": "Duo", "start_date": "2024-01-01"}
    body["services_internet"] = [{"tariff_id": 1, "description": "Fibre", "login": f"duo-{customer}"}]
    body["services_custom"] = [{"tariff_id": 1, "description": "Rent"}]
    made = await splynx.created(path, body)
    shown = await read(splynx, f"{path}--{made}")
    assert (shown["type"], shown["unit_price"], len(shown["services_custom"])) == ("bundle", "15.0000", 1)
    internet = f"customers/customer/{customer}/internet-services--{shown['services_internet'][0]}"
    assert (await read(splynx, internet))["bundle_service_id"] == made
    for word, status in (("cancel", "disabled"), ("reactivate", "active")):
        await changed(splynx, f"{path}--{made}-{word}", {})
        assert (await read(splynx, internet))["status"] == (await read(splynx, f"{path}--{made}"))["status"] == status
    assert (await splynx.call("DELETE", f"tariffs/bundle/{bundle}")).status == 405


@pytest.mark.parametrize(
    ("when", "enabled", "deposit"),
    [
        pytest.param("create_service", 1, "-25.0000", id="when it is made"),
        pytest.param("first_service_billing", 1, "0.0000", id="with the first bill"),
        pytest.param("create_service", 0, "0.0000", id="not billed"),
    ],
)
async def test_a_bundle_that_asks_a_fee_charges_it_unless_its_customer_is_not_billed(
    quiet: Splynx, when: str, enabled: int, deposit: str
) -> None:
    fee = {"title": f"Fee {when} {enabled}", "activation_fee": 25, "get_activation_fee_when": when}
    bundle = await tariff(quiet, "bundle", **fee)
    customer = await quiet.customer()
    await changed(quiet, f"customers/customer-billing/{customer}", {"enabled": enabled})
    body = {"bundle_id": bundle, "status": "active", "description": "Duo", "start_date": "2024-01-01"}
    made = await quiet.created(f"customers/customer/{customer}/bundle-services", body)
    row = quiet.sql("SELECT activation_fee_transaction_id n FROM services_bundle WHERE id = %s", [made])[0]
    assert (quiet.deposit(customer), row["n"] > 0) == (deposit, deposit != "0.0000")


async def test_a_place_is_made_by_the_first_put_and_finds_its_service(splynx: Splynx) -> None:
    customer, other = await splynx.customer(), await splynx.customer()
    made = await splynx.created(f"customers/customer/{customer}/internet-services", INTERNET | {"login": "place-1"})
    path = f"customers/customer/{customer}/geo-internet-service--{made}"
    assert (await splynx.call("GET", path)).status == 404
    for marker in ("41.1,-87.2", "41.3,-87.4"):
        await changed(splynx, path, {"address": "12 Elm Street", "marker": marker})
    assert await read(splynx, path) == {"address": "12 Elm Street", "marker": "41.3,-87.4"}
    assert (await splynx.call("GET", path.replace(str(customer), str(other), 1))).status == 404
    found = await read(splynx, "customers/customer/0/internet-services?geo[address]=Elm")
    assert [row["id"] for row in found] == [made]


async def test_a_discount_is_listed_under_one_path_and_read_under_another(splynx: Splynx) -> None:
    body = {"service_type": "internet", "service_id": 1, "enabled": 1, "percent": 10, "start_date": "2024-01-01"}
    made = await splynx.created("customers/additional-discounts", body)
    assert made in [row["id"] for row in await read(splynx, "customers/additional-discounts")]
    shown = await read(splynx, f"customers/customer/additional-discounts/{made}")
    assert (shown["percent"], shown["enabled"], shown["end_date"]) == ("10.0000", "1", "0000-00-00")
    assert (await splynx.call("GET", f"customers/additional-discounts/{made}")).status == 404


async def test_a_permanent_address_is_marked_as_the_customers_while_a_service_has_it(splynx: Splynx) -> None:
    network = await splynx.created("networking/ipv4", {"network": "203.0.113.0", "mask": 30, "title": "Marked"})
    customer = await splynx.customer()
    path = f"customers/customer/{customer}/internet-services"
    first, second = (f"networking/ipv4-ip/{network}--203.0.113.{last}" for last in (1, 2))
    body = INTERNET | {"login": f"fixed-{customer}", "taking_ipv4": 1, "ipv4": "203.0.113.1"}
    made = await splynx.created(path, body)
    assert ((await read(splynx, first))["customer_id"], (await read(splynx, first))["is_used"]) == (customer, "1")
    await changed(splynx, f"{path}--{made}", {"ipv4": "203.0.113.2"})
    assert [(await read(splynx, one))["is_used"] for one in (first, second)] == ["0", "1"]
    wrong = await splynx.call("POST", path, body | {"login": "x", "taking_ipv4": 7})
    assert (wrong.status, "taking_ipv4" in wrong.body["error"]["message"]) == (422, True)


async def test_only_a_daily_prepaid_service_is_started_and_stopped(splynx: Splynx) -> None:
    for billing, status in (("recurring", 405), ("prepaid", 202)):
        customer = await splynx.customer(billing_type=billing)
        path = f"customers/customer/{customer}/internet-services"
        made = await splynx.created(path, INTERNET | {"login": f"{billing}-{customer}"})
        assert (await splynx.call("PUT", f"{path}--{made}?action=stop", {})).status == status
    assert (await read(splynx, f"{path}--{made}"))["status"] == "stopped"


async def test_staff_have_a_role_that_exists_and_a_password_that_nobody_reads(splynx: Splynx) -> None:
    body = {"login": "kim", "name": "Kim", "email": "kim@example.com", "role_name": "engineer", "password": "s3cret"}
    made = await splynx.created("administration/administrators", body)
    shown = await read(splynx, f"administration/administrators/{made}")
    assert (shown["role_name"], "password" in shown) == ("engineer", False)
    stored = splynx.sql("SELECT password FROM admins WHERE id = %s", [made])[0]["password"]
    assert stored not in ("", "s3cret")
    for wrong in ({"email": "x@example.com"}, {"login": "y"}, {"login": "z", "email": "z@e.com", "role_name": "none"}):
        assert (await splynx.call("POST", "administration/administrators", body | wrong)).status == 422
    assert (await splynx.call("DELETE", "administration/administrators/1")).status == 405


async def test_an_address_of_a_session_is_compared_packed_and_shown_as_text(splynx: Splynx) -> None:
    customer = await splynx.customer()
    for ip in ("192.0.2.10", "192.0.2.11"):
        await splynx.created("customers/customers-online", {"customer_id": customer, "ipv4": ip, "login": "o"})
    found = await read(splynx, "customers/customers-online?main_attributes[ipv4]=192.0.2.11")
    assert [(row["ipv4"], row["ipv6"]) for row in found] == [("192.0.2.11", "")]
    assert (await splynx.call("PUT", f"customers/customers-online/{found[0]['id']}--kill", {})).status == 202
    assert (await splynx.side_effects())["radius"][-1]["command"] == "disconnect"
