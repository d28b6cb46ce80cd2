"""What hangs on customers, and the network and stock beside them: each written and read back."""

from typing import Any

import aiohttp
import pytest

from sandbox.splynx import files, usage
from tests.integration.sandbox_splynx.conftest import Splynx


async def read(splynx: Splynx, path: str) -> Any:
    answer = await splynx.call("GET", path)
    assert answer.status == 200, answer.body
    return answer.body


async def changed(splynx: Splynx, path: str, body: dict[str, Any]) -> None:
    answer = await splynx.call("PUT", path, body)
    assert answer.status == 202, answer.body


def form(name: str, content: bytes, kind: str, field: str = "file", **texts: str) -> aiohttp.FormData:
    data = aiohttp.FormData(texts)
    data.add_field(field, content, filename=name, content_type=kind)
    return data


async def test_a_note_is_written_once_and_read_under_its_customer(splynx: Splynx) -> None:
    customer = await splynx.customer()
    note = await splynx.created(
        "customers/customer-notes", {"customer_id": customer, "comment": "Called", "type": "call"}
    )
    shown = await read(splynx, f"customers/customer-notes/{customer}--{note}")
    assert (shown["comment"], shown["type"], shown["is_done"]) == ("Called", "call", "0")
    assert (await splynx.call("PUT", f"customers/customer-notes/{customer}--{note}", {"comment": "x"})).status == 405
    loud = {"customer_id": customer, "comment": "x", "class": "loud"}
    assert (await splynx.call("POST", "customers/customer-notes", loud)).status == 422


async def test_a_document_takes_a_file_and_hands_it_out_again(splynx: Splynx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_AT_ONCE", 3)  # a large file is stored piece by piece
    customer = await splynx.customer()
    body = {"customer_id": customer, "type": "uploaded", "title": "Contract"}
    document = await splynx.created("customers/customer-documents", body)
    path = f"customers/customer-documents/{document}--upload"
    assert (await splynx.call("POST", path, data=form("a.pdf", b"%PDF", "application/pdf"))).status == 202
    (listed,) = await read(splynx, f"customers/customer-documents/{customer}")
    assert (listed["title"], listed["filename_original"], listed["added_by"]) == ("Contract", "a.pdf", "api")
    file = await read(splynx, f"config/download/customer_documents--{document}")
    assert file == {"name": "a.pdf", "content_type": "application/pdf", "content": "JVBERg=="}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(b"x" * 101, "application/pdf", id="more than it may have"),
        pytest.param(b"x", "application/x-msdownload", id="a program"),
        pytest.param(None, "", id="no file"),
    ],
)
async def test_a_file_is_refused(
    splynx: Splynx, content: bytes | None, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST", 100)
    customer = await splynx.customer()
    body = {"customer_id": customer, "type": "uploaded", "title": "x"}
    document = await splynx.created("customers/customer-documents", body)
    data = aiohttp.FormData({"a": "b"}) if content is None else form("f", content, kind)
    assert (await splynx.call("POST", f"customers/customer-documents/{document}--upload", data=data)).status == 422


async def test_payment_accounts_are_read_and_overwritten_by_an_id_in_the_query(splynx: Splynx) -> None:
    customer = await splynx.customer()
    splynx.sql("REPLACE INTO payment_account (id, title, field_1) VALUES (1, 'Cards', 'Token')")
    assert [kind["title"] for kind in await read(splynx, "customers/customer-payment-accounts")] == ["Cards"]
    path = f"customers/customer-payment-accounts?id={customer}--1"
    assert (await splynx.call("GET", path)).status == 404
    await changed(splynx, path, {"field_1": "tok_1"})
    await changed(splynx, path, {"field_2": "0427"})
    assert {(await read(splynx, path))[name] for name in ("field_1", "field_2")} == {"tok_1", "0427"}
    assert (await splynx.call("DELETE", path)).status == 204
    assert (await splynx.call("GET", path)).status == 404


async def test_a_lead_is_no_customer_until_it_is_converted(splynx: Splynx) -> None:
    lead = await splynx.created("crm/leads", {"name": "Lea Lead"})
    assert (await splynx.call("GET", f"customers/customer/{lead}")).status == 404
    await changed(splynx, f"crm/leads-info/{lead}", {"score": 7})
    assert (await read(splynx, f"crm/leads-info/{lead}"))["score"] == 7
    await changed(splynx, f"crm/leads/{lead}--convert-to-customer-simple", {"status": "active"})
    assert (await splynx.call("GET", f"crm/leads/{lead}")).status == 404
    customer = await read(splynx, f"customers/customer/{lead}")
    assert (customer["category"], customer["status"], customer["login"] != "") == ("person", "active", True)
    assert splynx.deposit(lead) == "0.0000"


async def test_a_posted_mail_waits_in_the_pool_and_is_known_for_ever(splynx: Splynx) -> None:
    mail = await splynx.created("config/mail", {"recipient": "a@example.com", "subject": "Hello", "message": "."})
    assert (await read(splynx, f"config/mail/{mail}"))["status"] == "new"
    assert (await splynx.side_effects())["mails"][-1]["to"] == "a@example.com"
    assert (await splynx.call("GET", f"config/mail/{mail}--send")).status == 200
    assert (await read(splynx, f"config/mail/{mail}"))["status"] == "sent"
    await splynx.raw("DELETE", "/_sandbox/side-effects")
    assert (await splynx.side_effects())["mails"] == []
    everything = (await splynx.raw("GET", "/_sandbox/side-effects", {"all": True})).body
    assert everything["mails"][-1]["to"] == "a@example.com"


async def test_an_end_network_has_a_row_per_address_and_one_in_use_stays(splynx: Splynx) -> None:
    network = await splynx.created("networking/ipv4", {"network": "192.0.2.0", "mask": 29, "title": "Test net"})
    addresses = await read(splynx, f"networking/ipv4-ip/{network}")
    assert [row["ip"] for row in addresses] == [f"192.0.2.{last}" for last in range(1, 7)]
    twin = await splynx.call("POST", "networking/ipv4", {"network": "192.0.2.0", "mask": 29, "title": "Twin"})
    assert twin.status == 422
    await changed(splynx, f"networking/ipv4-ip/{network}--192.0.2.3", {"title": "Gateway", "is_used": 1})
    shown = await read(splynx, f"networking/ipv4-ip/{network}--192.0.2.3")
    assert (shown["title"], shown["is_used"]) == ("Gateway", "1")
    used = f"main_attributes[is_used]=1&main_attributes[ipv4_networks_id]={network}"
    assert [row["ip"] for row in await read(splynx, f"networking/ipv4-ip?{used}")] == ["192.0.2.3"]
    refused = await splynx.call("DELETE", f"networking/ipv4/{network}")
    assert (refused.status, refused.body["error"]["internal_code"]) == (405, "ENTITY_CANNOT_BE_DELETED")


async def test_an_ipv6_address_has_a_row_once_it_is_used(splynx: Splynx) -> None:
    network = await splynx.created("networking/ipv6", {"network": "2001:db8::", "prefix": 64, "title": "Test net"})
    assert (await splynx.call("POST", f"networking/ipv6-ip/{network}", {"ip": "2001:db8::5"})).status == 202
    (shown,) = await read(splynx, f"networking/ipv6-ip/{network}")
    assert (shown["ip"], shown["is_used"]) == ("2001:db8::5", 1)
    assert (await splynx.call("DELETE", f"networking/ipv6-ip/{network}--2001:db8::5")).status == 204
    assert await read(splynx, f"networking/ipv6-ip/{network}") == []


async def test_sites_routers_and_devices_are_offered_to_partners(splynx: Splynx) -> None:
    where = {"location_id": 1, "partners_ids": [1]}
    site = await splynx.created("networking/network-sites", {"title": "Tower"} | where)
    assert (await read(splynx, f"networking/network-sites/{site}"))["partners_ids"] == [1]
    router = await splynx.created("networking/routers", {"title": "R1", "ip": "198.51.100.1", "nas_type": 1} | where)
    sector = {"router_id": router, "title": "North", "speed_down": 1, "speed_up": 1, "limit_at": 10}
    await splynx.created("networking/routers-sectors", sector)
    watched = {"title": "AP", "ip": "198.51.100.2", "snmp_port": 161, "monitoring_group": 1, "network_site_id": site}
    await splynx.created("networking/monitoring", watched)
    twin = await splynx.call("POST", "networking/monitoring", watched)
    assert (twin.status, "ip" in twin.body["error"]["message"]) == (422, True)
    assert (await splynx.call("DELETE", f"networking/network-sites/{site}")).status == 405


async def test_an_item_is_of_a_product_and_changes_in_few_things_over_the_api(splynx: Splynx) -> None:
    vendor = await splynx.created("inventory/vendors", {"name": "Acme"})
    product = await splynx.created("inventory/products", {"name": "Router", "vendor_id": vendor})
    stock = await splynx.created("config/inventory-stocks", {"name": "Main stock"})
    assert (await read(splynx, f"config/inventory-stock/{stock}"))["name"] == "Main stock"
    body = {"product_id": product, "stock_id": stock, "barcode": "B-1", "status": "stock"}
    item = await splynx.created("inventory/items", body)
    assert (await splynx.call("POST", "inventory/items", body)).status == 422
    stranger = await splynx.call("POST", "inventory/items", {"product_id": 999_999, "stock_id": stock})
    assert (stranger.status, stranger.body["error"]["message"]) == (422, "product_id: Product is invalid.")
    nowhere = await splynx.call("POST", "inventory/items", {"product_id": product})
    assert (nowhere.status, "stock_id" in nowhere.body["error"]["message"]) == (422, True)
    await changed(splynx, f"inventory/items/{item}", {"notes": "dent", "status": "sold"})
    shown = await read(splynx, f"inventory/items/{item}")
    assert (shown["notes"], shown["status"], shown["mark"]) == ("dent", "stock", "new")
    photo = form("p.png", b"png", "image/png")
    assert (await splynx.call("POST", f"inventory/products/{product}--upload", data=photo)).status == 201
    assert (await read(splynx, f"inventory/products/{product}"))["filename_original"] == "p.png"


async def test_a_suppliers_invoice_carries_its_items_which_a_put_finds_by_id(splynx: Splynx) -> None:
    supplier = await splynx.created("inventory/suppliers", {"name": "Wholesale"})
    product = await splynx.created("inventory/products", {"name": "Cable"})
    items = [{"product_id": product, "quantity": 5, "price": "2.50"}]
    made = await splynx.created("inventory/supplier-invoices", {"supplier_id": supplier, "items": items})
    (first,) = (await read(splynx, f"inventory/supplier-invoices/{made}"))["items"]
    assert (first["quantity"], first["price"]) == (5, "2.5000")
    more = [{"id": first["id"], "quantity": 6}, {"product_id": product, "quantity": 1, "price": 1}]
    await changed(splynx, f"inventory/supplier-invoices/{made}", {"items": more})
    shown = (await read(splynx, f"inventory/supplier-invoices/{made}"))["items"]
    assert [item["quantity"] for item in shown] == [6, 1]


@pytest.mark.parametrize("kind", ["customer-traffic-counter", "customer-bonus-traffic-counter"])
async def test_traffic_is_counted_once_per_service_and_day(splynx: Splynx, kind: str) -> None:
    body = {"service_id": 7, "date": "2024-05-01", "up": 1, "down": 5_000_000_000}
    answer = await splynx.call("POST", f"customers/{kind}", body)
    assert (answer.status, answer.body) == (201, {"service_id": 7, "date": "2024-05-01"})
    assert (await splynx.call("POST", f"customers/{kind}", body)).status == 422
    await changed(splynx, f"customers/{kind}/7--2024-05-01", {"up": 2})
    assert (await read(splynx, f"customers/{kind}/7--2024-05-01")) == body | {"up": 2}
    assert (await splynx.call("DELETE", f"customers/{kind}/7--2024-05-01")).status == 204


async def test_call_records_are_listed_only_when_all_are_asked_for_and_no_more_than_a_thousand(
    splynx: Splynx, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = await splynx.customer()
    service = {"tariff_id": 1, "status": "active", "description": "x", "quantity": 1, "phone": "15555550144"}
    voice = await splynx.created(f"customers/customer/{customer}/voice-services", service)
    times = {"start": "2024-05-01 10:00:00", "stop": "2024-05-01 10:01:00"}
    for _ in range(2):
        await splynx.created("voice/calls", times | {"customer_id": customer, "service_id": voice})
    assert await read(splynx, "voice/calls") == []
    shown = await read(splynx, "voice/calls?action=get_all")
    assert [(row["customer_name"], row["start"]) for row in shown] == [("Ada Example", times["start"])] * 2
    for asked, found in (("start_date=2024-05-01&end_date=2024-05-01", 2), ("start_date=2024-05-02", 0)):
        assert len(await read(splynx, f"voice/calls?action=get_all&service_id={voice}&{asked}")) == found
    assert await read(splynx, "voice/calls?action=get_all&customer_id=0") == []
    monkeypatch.setattr(usage, "MOST_RECORDS", 1)  # for a thousand
    assert len(await read(splynx, "voice/calls?action=get_all&limit=5")) == 1
