"""Internet tariffs: to whom they are offered, what is refused, and that services keep their own price."""

import pytest

from tests.integration.sandbox_splynx.conftest import Splynx
from tests.integration.sandbox_splynx.test_services import listed, running

PATH = "tariffs/internet"
TARIFF = {
    "partners_ids": [1], "available_for_locations": [1], "customer_categories": ["person", "company"],
    "billing_types": ["recurring"], "speed_download": 100_000, "speed_upload": 20_000, "price": "60.0000",
    "with_vat": False,
}  # fmt: skip


async def test_a_tariff_shows_to_whom_it_is_offered_and_flags_as_booleans(splynx: Splynx) -> None:
    tariff = await splynx.created(PATH, TARIFF | {"title": "Shown"})
    body = (await splynx.call("GET", f"{PATH}/{tariff}")).body
    assert {name: body[name] for name in (*TARIFF, "service_name", "aggregation")} == TARIFF | {
        "service_name": "Shown", "aggregation": 1, "customer_categories": ["company", "person"],
    }  # fmt: skip
    assert (await splynx.call("PUT", f"{PATH}/{tariff}", {"customer_categories": ["person"]})).status == 202
    body = (await splynx.call("GET", f"{PATH}/{tariff}")).body
    assert (body["customer_categories"], body["partners_ids"]) == (["person"], [1])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"partners_ids": []}, "partners_ids", id="offered to nobody"),
        pytest.param({"partners_ids": [77]}, "partners_ids", id="a partner that is not there"),
        pytest.param({"billing_types": ["monthly"]}, "billing_types", id="an unknown kind of billing"),
        pytest.param({"speed_upload": 0}, "speed_upload", id="no speed"),
        pytest.param({"title": "Sandbox internet"}, "title", id="a title that another has"),
        pytest.param({"service_name": "Sandbox internet"}, "service_name", id="a service name that another has"),
    ],
)
async def test_a_tariff_is_refused(splynx: Splynx, changes: dict[str, object], field: str) -> None:
    answer = await splynx.call("POST", PATH, TARIFF | {"title": f"Refused for {field}"} | changes)
    assert (answer.status, field in answer.body["error"]["message"]) == (422, True)


async def test_a_tariff_of_another_price_changes_no_service_and_stays_while_it_is_used(splynx: Splynx) -> None:
    tariff = await splynx.created(PATH, TARIFF | {"title": "Used"})
    customer = await splynx.customer()
    service = await running(splynx, customer, "used-1")
    path = f"customers/customer/{customer}/internet-services--{service}"
    assert (await splynx.call("GET", f"{PATH}/{tariff}")).body["services"] == 0
    assert (await splynx.call("PUT", path, {"tariff_id": tariff, "unit_price": "55.0000"})).status == 202
    assert (await splynx.call("GET", f"{PATH}/{tariff}")).body["services"] == 1
    assert (await splynx.call("PUT", f"{PATH}/{tariff}", {"price": "70.0000"})).status == 202
    assert [row["unit_price"] for row in await listed(splynx, customer)] == ["55.0000"]
    assert (await splynx.call("DELETE", f"{PATH}/{tariff}")).status != 204
